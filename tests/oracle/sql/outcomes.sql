-- What happened to each candidate: dispensings, days with care, days with a diagnosis, days with supply.
select who, treated,
    (select count(*) from fill join listed using (ndc)
        where fill.who = c.who and list = 'opioid' and fill.day between c.day + 1 and c.day + 365) as opioid_fills,
    (select count(distinct care.day) from care
        where care.who = c.who and family = 'imaging' and care.day between c.day and c.day + 90) as imaging_days,
    (select count(distinct diagnosed.day) from diagnosed join meets using (system, code)
        where diagnosed.who = c.who and list = 'elixhauser' and "group" = 'hypertension'
            and diagnosed.day between c.day + 1 and c.day + 180) as hypertension_days,
    (select coalesce(sum(supply), 0) from fills
        where fills.who = c.who and "use" = 'pain' and fills.day between c.day + 1 and c.day + 365) as days_supply,
    (select count(*) from supplied where supplied.who = c.who and supplied.day between c.day and c.day + 364)
        as days_covered
from candidates as c
