"""The CDC's own lists, factors and worked examples against ours."""

import csv
import json
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from claimtwin.codes.drugs import read_drug_list
from claimtwin.codes.opioids import Product, factors_of, kernel_products, read_products, use_of
from claimtwin.config.deployment import CodeListFile
from claimtwin.config.histories import FillRules
from claimtwin.kernel.fills import Dispensings, find_fills, mme_a_day
from claimtwin.kernel.mme import daily_doses

from tests.support.shared import shared_data


def product(ingredient, form, strength, unit, *, long_acting=False):
    return Product("0" * 11, ingredient, form, long_acting, Decimal(strength), unit, "pain")


def daily(what, edition, quantity, supply, **rules):
    """MME a day of one fill."""
    rows = Dispensings(
        np.zeros(1, np.int64), np.zeros(1, np.int32), np.zeros(1, np.int64),
        np.array([int(Decimal(quantity) * 1000)]), np.array([supply]),
    )  # fmt: skip
    dose = mme_a_day(find_fills(rows, kernel_products([what], edition), FillRules(**rules)))
    return Decimal(int(dose[0])).scaleb(-6)


OXYCODONE = product("oxycodone", "Tablet", "10", "MG")
FENTANYL = product("fentanyl", "Patch, Extended Release", "25", "MCG/HR", long_acting=True)
BUTORPHANOL = product("butorphanol", "Spray", "10", "MG/ML")
BUPRENORPHINE = product("buprenorphine", "Patch, Extended Release", "5", "MCG/HR", long_acting=True)


def test_worked_examples_of_the_cdc():
    assert daily(OXYCODONE, "cdc_2018", 120, 30) == 60
    assert daily(FENTANYL, "cdc_2018", 10, 30) == 60
    assert round(daily(BUTORPHANOL, "cdc_2018", "2.5", 30), 2) == Decimal("5.83")
    assert daily(BUPRENORPHINE, "cdc_2016", 4, 28) == 9


def test_the_two_ways_to_write_the_patch_factor_agree():
    assert daily(FENTANYL, "cdc_2022", 10, 30) == daily(FENTANYL, "cdc_2018", 10, 30)


def test_patches_are_worn_whatever_the_feed_says_unless_told_otherwise():
    assert daily(FENTANYL, "cdc_2018", 10, 10) == 60
    assert daily(FENTANYL, "cdc_2018", 10, 10, patches_worn=False) == 180


def test_methadone_of_the_guideline_climbs_with_the_daily_dose():
    tablet = product("methadone", "Tablet", "10", "MG")
    doses = [daily(tablet, "cdc_2016_guideline", 30 * a_day, 30) for a_day in (1, 2, 3, 4, 5, 6, 7)]
    assert doses == [40, 80, 240, 320, 500, 600, 840]


def test_the_published_case_of_two_fills_on_one_day():
    """2,805 MME: extended release 30 mg x 60 for 30 days and immediate release 5 mg x 14 for 7."""
    pair = [product("oxycodone", "Tablet", "30", "MG", long_acting=True), product("oxycodone", "Tablet", "5", "MG")]
    rows = Dispensings(
        np.zeros(2, np.int64), np.zeros(2, np.int32), np.arange(2), np.array([60_000, 14_000]), np.array([30, 7])
    )
    fills = find_fills(rows, kernel_products(pair, "cdc_2018"), FillRules())
    got = daily_doses(fills, np.zeros(1, np.int64), np.zeros(1, np.int32), 0, 29)
    assert got.mme.tolist() == [2_805_000]
    tenths = {name: round(float(column[0]) / 1000, 1) for name, column in vars(got).items()}
    assert [tenths[name] for name in ("by_supply", "by_span", "by_covered", "mean_of_fills")] == [
        75.8,
        93.5,
        93.5,
        52.5,
    ]
    assert (tenths["by_window"], tenths["highest_day"]) == (93.5, 105.0)


@pytest.mark.parametrize(("year", "size", "long_acting"), [(2016, 13_269, 1_982), (2018, 14_549, 2_278)])
def test_every_listed_factor_is_ours(year, size, long_acting):
    path = shared_data("cdc-mme") / f"opioids_{year}.csv"
    products = read_products(str(path), "test")
    ours = kernel_products(products, f"cdc_{year}").mme_per_unit[0]
    with path.open(newline="", encoding="utf-8-sig") as lines:
        rows = {row["NDC"]: (row["Strength_Per_Unit"], row["MME_Conversion_Factor"]) for row in csv.DictReader(lines)}
    assert (len(products), sum(p.long_acting for p in products)) == (size, long_acting)
    assert {p.ndc: int(n) for p, n in zip(products, ours, strict=True)} == {n: per_unit(*r) for n, r in rows.items()}


def per_unit(strength, factor):
    if not strength or not factor:
        return -1
    return int((Decimal(strength) * Decimal(factor) * 10**6).to_integral_value(ROUND_HALF_UP))


def test_the_list_of_2018_by_ingredient_and_use():
    products = read_products(str(shared_data("cdc-mme") / "opioids_2018.csv"), "test")
    assert Counter(p.ingredient for p in products) == {
        "hydrocodone": 5015, "oxycodone": 2096, "codeine": 1876, "propoxyphene": 1385, "tramadol": 1244,
        "morphine": 1078, "fentanyl": 464, "hydromorphone": 353, "buprenorphine": 225, "methadone": 213,
        "oxymorphone": 184, "pentazocine": 137, "meperidine": 119, "dihydrocodeine": 73, "tapentadol": 57,
        "butorphanol": 12, "opium": 9, "levorphanol": 7, "levomethadyl": 2,
    }  # fmt: skip
    assert Counter(p.use for p in products) == {"pain": 14_364, "use_disorder": 185}
    assert sum(p.ingredient == "buprenorphine" and p.use == "pain" for p in products) == 40


@pytest.mark.parametrize(("year", "size"), [(2016, 7_478), (2018, 7_816)])
def test_the_benzodiazepines_of_either_year_are_products(year, size):
    """The sheet of 2016 does not tell long from short acting."""
    products = read_products(str(shared_data("cdc-mme") / f"benzos_{year}.csv"), "test", acting=False)
    assert len(products) == size
    assert {"alprazolam", "clonazepam", "diazepam", "lorazepam"} <= {p.ingredient for p in products}
    assert not any(p.long_acting for p in products)


@pytest.mark.parametrize(("year", "pain", "other"), [(2016, 13_154, 115), (2018, 14_364, 185)])
def test_a_list_of_drugs_may_be_of_one_use(year, pain, other):
    path = str(shared_data("cdc-mme") / f"opioids_{year}.csv")
    lists = {use: read_drug_list("opioid", CodeListFile(path=path, use=use)) for use in ("pain", "use_disorder", "any")}
    assert [len(one.codes) for one in lists.values()] == [pain, other, pain + other]
    assert lists["any"].codes == lists["pain"].codes | lists["use_disorder"].codes
    with open(path, newline="", encoding="utf-8-sig") as lines:
        drugs = {row["NDC"]: row["Drug"] for row in csv.DictReader(lines)}
    assert {drugs[code] for code in lists["use_disorder"].codes} == {"Buprenorphine"}


def test_the_factors_of_2022_are_those_of_the_code_system():
    path = shared_data("cdc-mme") / "CDCMMEClinicalConversionFactors_2022.codesystem.json"
    told = {
        (concept["display"].lower(), p["code"]): p.get("valueDecimal", p.get("valueString"))
        for concept in json.loads(path.read_text())["concept"]
        for p in concept["property"]
    }
    ours = {factor.ingredient: factor.factor for factor in factors_of("cdc_2022")}
    # The patch: a dose form, its factor per milligram an hour, and how many patches a day.
    per_patch, a_day = told.pop(("fentanyl", "dose-form-conversion-factor")).split(":")[1].split("@")
    assert ours.pop("fentanyl") == round(Decimal(per_patch) / 1000 * Decimal(a_day), 6)
    assert ours == {name: Decimal(str(told[name, "conversion-factor"])) for name in ours}
    assert {name for name, _ in told} - set(ours) == {"fentanyl"}


@pytest.mark.parametrize(
    ("ingredient", "name"),
    [
        ("codeine", "Promethazine Hcl/Codeine Phosphate"),
        ("codeine", "Guaifenesin/Codeine Phosphate"),
        ("hydrocodone", "Hydrocodone Bitartrate/Homatropine Methylbromide"),
        ("hydrocodone", "Chlorpheniramine Polistirex/Hydrocodone Polistirex"),
        ("dihydrocodeine", "Dihydrocodeine/Phenylephrine Hcl/Chlorpheniramine"),
    ],
)
def test_cough_and_cold_products_are_not_counted(ingredient, name):
    assert use_of(ingredient, name, "", "Syrup") == "not_counted"


def test_no_pain_product_of_a_list_without_cough_and_cold_is_lost():
    """Of 21,358 codes only anaesthetics are not counted; meperidine with promethazine is for pain."""
    path = shared_data("unc-opioid-codelists") / "opioid_NDCs.csv"
    with path.open(newline="", encoding="latin-1") as lines:
        rows = list(csv.DictReader(lines))
    uses = [
        (r["opioid_ingredient1"], use_of(r["opioid_ingredient1"], r["generic_name"], r["drug_name"], "")) for r in rows
    ]
    out = {name for name, use in uses if use == "not_counted"}
    assert out == {"alfentanil", "sufentanil", "remifentanil", "dezocine"}
    assert len(uses) == 21_358


@pytest.mark.parametrize("form", ["Vial", "Injectable Solution", "Prefilled Syringe", "Ampule"])
def test_injectables_are_not_counted(form):
    assert use_of("morphine", "Morphine Sulfate", "", form) == "not_counted"


def test_fills_of_a_public_omop_sample():
    """Fifty people of DE-SynPUF in OMOP form: opioid rows and their doses counted row by row."""
    path = shared_data("omop-synpuf-50") / "drug_exposure.csv"
    with path.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    products = read_products(str(shared_data("cdc-mme") / "opioids_2018.csv"), "test")
    place = {product.ndc: k for k, product in enumerate(products)}
    people = {person: k for k, person in enumerate(sorted({row["person_id"] for row in rows}))}
    told = Dispensings(
        np.array([people[row["person_id"]] for row in rows]),
        np.array([int(float(row["drug_exposure_start_date"])) for row in rows], np.int32),
        np.array([place.get(row["drug_source_value"], -1) for row in rows]),
        np.array([int(float(row["quantity"] or -0.001) * 1000) for row in rows]),
        np.array([int(float(row["days_supply"] or -1)) for row in rows]),
    )
    fills = find_fills(told, kernel_products(products, "cdc_2018"), FillRules(patches_worn=False))
    factors = {(f.ingredient, f.unit): f.factor for f in factors_of("cdc_2018") if not f.only}
    listed = [(row, products[place[row["drug_source_value"]]]) for row in rows if row["drug_source_value"] in place]
    by_hand = [p.strength * Decimal(row["quantity"]) * factors[p.ingredient, p.unit] for row, p in listed]
    assert len(fills.member) == len(listed) > 20
    assert fills.mme.sum() == sum(by_hand) * 1000
