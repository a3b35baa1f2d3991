-- Episodes of care by body region. A line starts one where it begins more than $gap days after the last day of care
-- before it; care of the region, or of none, is counted from $attach days before to as long after.
-- A line is of the region of its first diagnosis, or of any that has one, and of a setting by its services or its place.
with own as (
    select id, arg_min("group", place) as region
    from diagnosed join group_of using (system, code)
    where list = 'body_regions' and (place = 1 or $positions = 'any')
    group by id
),
of_setting as (
    select id, family as setting from care
    union all select id, 'other' from line where id not in (
        select id from care where family in ('office', 'emergency', 'therapy', 'chiropractic'))
    union all select id, 'outpatient' from line where place in ('19', '22')
    union all select id, 'telehealth' from line where place in ('02', '10')
    union all select id, 'inpatient' from line where place = '21'
),
making as (
    select distinct line.id, line.who, region, line.day, line.stop
    from line join own using (id) join of_setting using (id)
    where list_contains($settings, setting) and ($places is null or list_contains($places, place))
),
marked as (
    select *, coalesce(day - (max(stop) over before - 1) > $gap, true) as opens from making
    window before as (partition by who, region order by day, stop, id rows between unbounded preceding and 1 preceding)
),
numbered as (
    select *, sum(cast(opens as int)) over (partition by who, region order by day, stop, id rows unbounded preceding)
        as nth
    from marked
),
episode as (
    select row_number() over () as episode, who, region, min(day) as start, max(stop) as stop, count(*) as lines,
        count(distinct day) as visits
    from numbered group by who, region, nth
),
dated as (
    select *, start - lag(stop) over (partition by who, region order by start) as quiet_days from episode
),
attached as (
    select distinct episode, family, care.day
    from care left join own using (id)
        join episode on episode.who = care.who and care.day >= start - $attach and care.day < episode.stop + $attach
            and (own.region is null or own.region = episode.region)
),
counted as (
    select episode, count(*) filter (family = 'therapy') as therapy_days,
        count(*) filter (family = 'chiropractic') as chiropractic_days,
        count(*) filter (family = 'imaging') as imaging_days, count(*) filter (family = 'injection') as injection_days,
        count(*) filter (family = 'surgery') as surgery_days
    from attached group by episode
),
course as (
    select episode, min(day) as first, max(day) as last
    from (
        select *, sum(cast(opens as int)) over (partition by episode order by day) as nth
        from (
            select *, coalesce(day - lag(day) over (partition by episode order by day) > $course, true) as opens
            from attached where family = 'therapy'
        )
    )
    group by episode, nth
),
courses as (select episode, count(*) as n, sum(last - first + 1) as days from course group by episode),
rival as (
    select one.episode, bool_or((-two.lines, two.start, region_number(two.region))
        < (-one.lines, one.start, region_number(one.region))) as is_behind
    from episode as one join episode as two
        on one.who = two.who and one.region <> two.region and one.start < two.stop and two.start < one.stop
    group by one.episode
)
select who, region, start, stop, lines, visits, coalesce(therapy_days, 0), coalesce(chiropractic_days, 0),
    coalesce(imaging_days, 0), coalesce(injection_days, 0), coalesce(surgery_days, 0), coalesce(n, 0), coalesce(days, 0),
    quiet_days, quiet_days is null or quiet_days >= $clean, is_behind is not null, not coalesce(is_behind, false)
from dated left join counted using (episode) left join courses using (episode) left join rival using (episode)
