-- The feed, typed, and the shipped lists, met with its codes. Days are counted from 1970-01-01; a stretch holds its
-- first day and not its last; an enrolment without an end ends where the kernels say "never".
create macro day_of(text) as date_diff('day', date '1970-01-01', cast(text as date));
create macro as_code(text) as upper(replace(text, '.', ''));
create macro low_of(rule) as as_code(split_part(rule, '-', 1));
create macro high_of(rule) as case when contains(rule, '-') then as_code(split_part(rule, '-', 2)) else low_of(rule) end;
create macro starts_in(code, low, high) as length(code) >= length(low) and left(code, length(low)) between low and high;
create macro is_in(code, low, high) as length(code) = length(low) and code between low and high;
create macro region_number(name) as list_position(['back', 'neck', 'shoulder', 'hip', 'knee'], name);

create table cover as
select
    row_number() over (order by person_id, enrollment_start_date, employer_id, payer, plan) as id,
    person_id as who, employer_id as employer, state, gender,
    day_of(enrollment_start_date) as start,
    coalesce(day_of(enrollment_end_date), 536870912) + 1 as stop,
    cast(birth_date as date) as born,
    medical_coverage = 'true' as medical, pharmacy_coverage = 'true' as pharmacy
from eligibility;

create table line as
select
    row_number() over (order by person_id, claim_start_date, claim_id, cast(claim_line_number as int)) as id,
    person_id as who, day_of(claim_start_date) as day,
    coalesce(day_of(claim_end_date), day_of(claim_start_date)) + 1 as stop,
    hcpcs_code as hcpcs, hcpcs_modifier_1 as first, hcpcs_modifier_2 as second,
    revenue_center_code as revenue, place_of_service_code as place,
    cast(round(coalesce(cast(allowed_amount as decimal(12, 2)), 0) * 100) as bigint) as cents,
    diagnosis_code_type as system,
    [diagnosis_code_1, diagnosis_code_2, diagnosis_code_3, diagnosis_code_4, diagnosis_code_5, diagnosis_code_6,
     diagnosis_code_7, diagnosis_code_8, diagnosis_code_9, diagnosis_code_10, diagnosis_code_11, diagnosis_code_12]
        as codes
from medical_claim;

create table diagnosed as
select id, who, day, system, place, as_code(code) as code
from (select id, who, day, system, unnest(range(1, 13)) as place, unnest(codes) as code from line)
where code is not null;

create table code as select distinct system, code from diagnosed;

-- Every group that a code begins with a rule of, and the one of the longest rule where a code has one group only.
create table meets as
select list, system, code, "group", max(length(low_of(rule))) as longest
from code join diagnosis_rule using (system)
where starts_in(code, low_of(rule), high_of(rule))
group by all;

create table group_of as
select list, system, code, arg_max("group", longest) as "group" from meets group by all;

create table region as
select id, arg_min("group", place) as region
from diagnosed join group_of using (system, code)
where list = 'body_regions'
group by id;

create table care as
select distinct id, who, day, family from line join care_rule on is_in(hcpcs, low_of(rule), high_of(rule))
where modifier is null or modifier in (first, second)
union
select id, who, day, 'emergency' from line
where place = '23' or revenue between '0450' and '0459' or revenue = '0981';

create table fill as
select
    row_number() over (order by person_id, dispensing_date, claim_id) as id,
    person_id as who, day_of(dispensing_date) as day,
    case when contains(ndc_code, '-')
        then lpad(split_part(ndc_code, '-', 1), 5, '0') || lpad(split_part(ndc_code, '-', 2), 4, '0')
            || lpad(split_part(ndc_code, '-', 3), 2, '0')
        else ndc_code end as ndc,
    cast(quantity as decimal(12, 3)) as quantity, cast(days_supply as bigint) as supply
from pharmacy_claim;
