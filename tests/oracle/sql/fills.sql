-- Fills of listed products: one repair of the days' supply each, and morphine equivalents by the factor of the edition.
with unit as (
    select distinct on (product.ndc) product.ndc, product.ingredient, "use", worn,
        round(cast(strength as decimal(12, 4)) * cast(factor as decimal(8, 4))
              * case per when 'day' then worn else 1 end, 6) as mme_of_unit
    from product left join factor on factor.edition = $edition and factor.ingredient = product.ingredient
        and factor.unit = product.unit and coalesce(factor."only", '') in ('', upper(form))
    where "use" <> 'not_counted'
    order by product.ndc, coalesce(factor."only", '') desc
),
told as (
    select fill.*, ingredient, "use", mme_of_unit, worn > 0 and quantity > 0 as is_worn,
        case when worn > 0 and quantity > 0 then cast(ceil(quantity * worn) as bigint) else supply end as said
    from fill join unit using (ndc)
),
repaired as (
    select *,
        case when said > 365 then 'over_365' when is_worn then 'patches_worn' when said is null then 'missing'
            when said = 0 then 'zero' else 'as_filled' end as repair
    from told
)
select id, who, day, ndc, ingredient, "use", repair,
    case when repair = 'over_365' then case $over_365 when 'cap' then 365 end
        when repair in ('missing', 'zero') then case $without_supply when 'one_day' then 1 end
        else said end as supply,
    case when quantity > 0 and quantity <= 100000 then round(mme_of_unit * quantity, 3) end as mme
from repaired
where not ($over_365 = 'drop' and repair = 'over_365')
    and not ($without_supply = 'drop' and repair in ('missing', 'zero'))
