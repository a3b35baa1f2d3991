-- Enrolment with a benefit: spans that overlap, touch or lie at most $gap days apart are one.
with held as (
    select who, start, stop from cover where case $benefit when 'medical' then medical else pharmacy end and stop > start
),
marked as (
    select *, coalesce(start > max(stop) over before + $gap, true) as opens from held
    window before as (partition by who order by start, stop rows between unbounded preceding and 1 preceding)
),
numbered as (
    select *, sum(cast(opens as int)) over (partition by who order by start, stop rows unbounded preceding) as span
    from marked
)
select who, min(start) as start, max(stop) as stop from numbered group by who, span
