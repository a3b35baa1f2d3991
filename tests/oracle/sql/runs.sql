-- Runs of supply over all drugs, with gaps of at most $gap days; who fills where a run goes on belongs to it.
with marked as (
    select *, coalesce(start > max(stop) over before + $gap, true) as opens from laid where stop > start
    window before as (partition by who order by start, stop, id rows between unbounded preceding and 1 preceding)
),
numbered as (
    select *, sum(cast(opens as int)) over (partition by who order by start, stop, id rows unbounded preceding) as run
    from marked
),
run as (select who, min(start) as start, max(stop) as stop from numbered group by who, run),
filled as (
    select run.who, run.start, run.stop, count(*) as fills, sum(cast(early as int)) as early_fills,
        count(distinct ingredient) as drugs, sum(supply) as days_supply, sum(coalesce(mme, 0)) as mme,
        sum(cast(mme is null as int)) as fills_without_mme
    from laid asof join run on laid.who = run.who and laid.start >= run.start
    group by all
),
covered as (
    select run.who, run.start, count(distinct day) as days_covered
    from (select who, unnest(range(start, stop)) as day from laid) as one
        join run on run.who = one.who and day >= run.start and day < run.stop
    group by all
)
select who, start, stop, fills, early_fills, drugs, days_supply, days_covered, mme, fills_without_mme
from filled join covered using (who, start)
