-- Days that each fill for pain covers. Carried forward, a fill begins when all of the drug before it is used up: with
-- B the supply filled before it, that is B + the latest of (day - B) up to it.
with known as (
    select *, row_number() over (partition by who, ingredient order by day, supply, id) as turn
    from fills where "use" = 'pain' and supply > 0
),
summed as (
    select *, cast(sum(supply) over (partition by who, ingredient order by turn) as bigint) - supply as before from known
),
laid as (
    select *,
        before + max(day - before) over (partition by who, ingredient order by turn) as carried,
        case $same_drug
            when 'carry_forward' then before + max(day - before) over earlier
            else max(day + supply) over earlier
        end as reach,
        lead(day) over (partition by who, ingredient order by turn) as following
    from summed
    window earlier as (
        partition by who, ingredient order by turn rows between unbounded preceding and 1 preceding
    )
)
select id, who, ingredient, supply, mme,
    case $same_drug when 'carry_forward' then carried else day end as start,
    case $same_drug
        when 'carry_forward' then carried + supply
        when 'truncate' then least(day + supply, coalesce(following, day + supply))
        else day + supply
    end as stop,
    coalesce(reach > day, false) as early
from laid
