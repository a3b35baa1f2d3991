-- Who comes into an arm, when, which criteria are met, and what is known of the year before; an arm and person a row.
with event as (
    select person_id as who, true as treated, day_of(start_date) as day, body_region as region,
        row_number() over (order by person_id, start_date, employer_id, program, body_region) as turn
    from program_enrollment where region_number(body_region) is not null
    union all
    select who, false, day, region, id from care join region using (id) where family = 'therapy'
),
entry as (
    select distinct on (who, treated) who, treated, day, region, day between $first and $last as index_in_window
    from event order by who, treated, day between $first and $last desc, day, turn
),
person as (
    select distinct on (entry.who, treated) entry.who, treated, cover.*
    from entry join cover on cover.who = entry.who
    order by entry.who, treated, start <= day desc, start <= day and stop > day desc,
        case when start <= day then -cover.id else cover.id end
),
aged as (
    select entry.*, employer, gender, state, (date '1970-01-01' + cast(day as int)) as today, born
    from entry left join person using (who, treated)
),
described as (
    select *, case when born is null or born > today then -1 else
        year(today) - year(born) - cast(strftime(today, '%m%d') < strftime(born, '%m%d') as int) end as age
    from aged
),
visit as (
    select d.who, treated, count(distinct care.day) filter (family = 'office') as office,
        count(distinct care.day) filter (family = 'emergency') as emergency,
        count(distinct care.day) filter (family = 'therapy') as therapy,
        count(distinct care.day) filter (family = 'chiropractic') as chiropractic,
        count(distinct care.day) filter (family = 'imaging') as imaging,
        count(distinct care.day) filter (family = 'injection') as injection,
        count(distinct care.day) filter (family = 'surgery') as surgery
    from described as d join care on care.who = d.who and care.day between d.day - 365 and d.day - 1
    group by all
)
select d.who, d.treated, day, region, index_in_window, age >= 18 as age_met,
    (select count(*) from span_medical as s where s.who = d.who and s.start <= day - 365 and s.stop >= day + 1) > 0
    and (select count(*) from span_pharmacy as s where s.who = d.who and s.start <= day - 365 and s.stop >= day + 1) > 0
        as enrolled_before,
    (select count(*) from span_medical as s where s.who = d.who and s.start <= day and s.stop >= day + 366) > 0
    and (select count(*) from span_pharmacy as s where s.who = d.who and s.start <= day and s.stop >= day + 366) > 0
        as enrolled_after,
    (select count(*) from fill join listed using (ndc)
        where fill.who = d.who and list = 'opioid' and fill.day between d.day - 365 and d.day - 1) = 0 as washout,
    age >= 0 as demographics_known,
    d.treated or d.who not in (select person_id from program_enrollment) as one_arm,
    age, coalesce(gender, 'unknown') as sex, coalesce(census_region, 'unknown') as census_region, employer,
    [coalesce(n, 0) for n in [office, emergency, therapy, chiropractic, imaging, injection, surgery]] as visits,
    (select coalesce(sum(cents), 0) from line where line.who = d.who and line.day between d.day - 365 and d.day - 1)
        as cents,
    (select count(distinct "group") from diagnosed join meets using (system, code)
        where list = 'comorbidities' and diagnosed.who = d.who and diagnosed.day between d.day - 365 and d.day - 1)
        as comorbidities
from described as d left join census on census.usps = d.state
    left join visit on visit.who = d.who and visit.treated = d.treated
