-- Dispensings net of reversals: the n-th line below 0 takes back the n-th line alike, whatever its claim; then of lines
-- alike in everything one stays. Lines alike are taken in the order of their columns as text.
with typed as (
    select *, day_of(dispensing_date) as day, cast(quantity as decimal(12, 3)) as units,
        cast(days_supply as int) as days, cast(round(cast(allowed_amount as decimal(12, 2)) * 100) as bigint) as cents,
        case when contains(ndc_code, '-') then lpad(split_part(ndc_code, '-', 1), 5, '0')
            || lpad(split_part(ndc_code, '-', 2), 4, '0') || lpad(split_part(ndc_code, '-', 3), 2, '0')
            else ndc_code end as ndc
    from pharmacy_claim
),
signed as (select *, coalesce(least(units, days, cents) < 0, false) as is_below from typed),
turned as (
    select *,
        count(*) filter (is_below) over (partition by person_id, data_source, day, ndc, abs(units)) as below,
        row_number() over (
            partition by person_id, data_source, day, ndc, abs(units), is_below
            order by claim_id, claim_line_number, paid_date nulls first
        ) as turn
    from signed
)
select person_id, day, ndc, units, days, cents
from (
    select distinct claim_id, claim_line_number, data_source, person_id, employer_id, day, ndc, units, days, paid_date, cents
    from turned where not is_below and turn > below
)
