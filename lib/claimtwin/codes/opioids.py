"""Drug products as the CDC lists them, what each is used for, and the published factors to morphine equivalents.

The NDC list is not shipped: a study names its copy of the CDC file in ``env.yaml``. What is shipped are the factors
(``mme_factors.csv``) and the words that tell uses apart (``opioid_uses.csv``); SOURCES.md says where from.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from claimtwin.codes.ndc import NDC_DIGITS, cut_code
from claimtwin.codes.rules import list_fingerprint, shipped_rows
from claimtwin.codes.workbook import read_rows
from claimtwin.errors import ConfigError
from claimtwin.kernel.fills import MICRO, UNKNOWN, USES, Products

EDITIONS = ("cdc_2016", "cdc_2018", "cdc_2016_guideline", "cdc_2022")
HEADINGS = {
    "ndc": ("NDC",),
    "name": ("GENNME", "Generic_Drug_Name"),
    "product": ("PRODNME", "Product_Name"),
    "form": ("Master_Form",),
    "drug": ("Drug",),
    "acting": ("LongShortActing",),
    "strength": ("Strength_Per_Unit",),
    "unit": ("UOM",),
}
"""What we call a column, and what the CDC called it in 2018 and 2016."""
WORN_DAYS = {"fentanyl": 3, "buprenorphine": 7}
"""Days that one patch is worn."""


@dataclass(frozen=True)
class Product:
    """One listed product; ``strength`` is null where the list does not tell, ``long_acting`` false for ``SA`` or none.

    ``ingredient`` is the list's drug in lower case without LA or SA; ``unit`` is the list's own, as MG or MCG/HR.
    """

    ndc: str
    ingredient: str
    form: str
    long_acting: bool
    strength: Decimal | None
    unit: str
    use: str

    name: str = ""
    product: str = ""

    @property
    def is_patch(self) -> bool:
        """Whether one unit is a patch."""
        return "PATCH" in self.form.upper()


@dataclass(frozen=True)
class Factor:
    """MME per strength of one unit (``per`` unit), or per strength and day worn (``per`` day).

    ``only`` is a form or product name, in upper case, to which a row is limited; ``above`` the daily dose in
    milligrams above which it holds.
    """

    ingredient: str
    unit: str
    only: str
    factor: Decimal
    per: str
    above: int


def read_products(path: str, where: str, sheet: str | None = None, *, acting: bool = True) -> tuple[Product, ...]:
    """Products of a CDC file, CSV or xlsx (``sheet``, or its first that has the columns), in the order of their NDC.

    Args:
        path: The file, with the CDC's own headings of 2016 or 2018; further columns are not looked at.
        where: The configuration key that names it, for messages.
        sheet: The sheet of an xlsx file; null: the first that fits.
        acting: Whether the file must tell long from short acting; the CDC's sheets of 2016 do for opioids only.

    Raises:
        ConfigError: The file or a column is missing, an NDC is not 11 digits or occurs twice.
    """
    if not Path(path).is_file():
        raise ConfigError("The file of a product list is missing.", f"{where}: {path}", remedy="correct `path`")
    needed = {ours: names for ours, names in HEADINGS.items() if acting or ours != "acting"}
    rows = read_rows(Path(path), tuple(names[0] for names in needed.values() if len(names) == 1), where, sheet)
    column = {ours: next((name for name in names if name in rows[0]), None) for ours, names in HEADINGS.items()}
    missing = [" or ".join(names) for ours, names in needed.items() if column[ours] is None]
    if missing:
        raise ConfigError(
            f"The product list has no column {', '.join(missing)}.",
            where,
            "the columns of the CDC's NDC compilation with oral morphine milligram equivalents",
            "export the sheet as it is, with its headings",
        )
    named = [{ours: row[name].strip() for ours, name in column.items() if name} for row in rows]
    found = sorted((_product(row) for row in named), key=lambda product: product.ndc)
    _check_codes([product.ndc for product in found], where)
    return tuple(found)


def factors_of(edition: str) -> tuple[Factor, ...]:
    """Every factor of one edition, in file order.

    Raises:
        ConfigError: No such edition.
    """
    if edition not in EDITIONS:
        raise ConfigError(f"No MME edition is called '{edition}'.", "mme_edition", remedy=f"use {', '.join(EDITIONS)}")
    return tuple(
        Factor(r["ingredient"], r["unit"], r["only"], Decimal(r["factor"]), r["per"], int(r["daily_mg_above"]))
        for r in shipped_rows("mme_factors")
        if r["edition"] == edition
    )


def use_of(ingredient: str, name: str, product: str, form: str) -> str:
    """What a product is used for: the first rule of ``opioid_uses.csv`` that fits decides; pain where none does."""
    texts = {"name": f"{name} {product}".upper(), "product": product.upper(), "form": form.upper()}
    for row in shipped_rows("opioid_uses"):
        if row["ingredient"] in ("", ingredient) and (not row["column"] or row["word"] in texts[row["column"]]):
            return row["use"]
    return USES[0]


def kernel_products(products: Sequence[Product], edition: str) -> Products:
    """The products as the kernel takes them, in the same order."""
    names = ingredients_of(products)
    factors = factors_of(edition)
    steps = sorted({factor.above for factor in factors} - {0})
    own: dict[tuple[str, str], list[Factor]] = {}
    for factor in factors:
        own.setdefault((factor.ingredient, factor.unit), []).append(factor)
    stepped = {drug for drug, some in own.items() if any(factor.above for factor in some)}
    mine = [own.get((product.ingredient, product.unit), []) for product in products]
    pairs = list(zip(products, mine, strict=True))
    table = [[mme_of_unit(product, some, above) for product, some in pairs] for above in (0, *steps)]
    return Products(
        ingredient=np.array([names.index(product.ingredient) for product in products], np.int16),
        use=np.array([USES.index(product.use) for product in products], np.int16),
        long_acting=np.array([product.long_acting for product in products], np.bool_),
        strength=np.array([_scaled(product.strength) for product in products], np.int64),
        worn_days=np.array([_worn_days(product) for product in products], np.int16),
        mme_per_unit=np.array(table, np.int64).reshape(len(steps) + 1, len(products)),
        steps=np.array(steps, np.int64) * MICRO,
        stepped=np.array([(product.ingredient, product.unit) in stepped for product in products], np.bool_),
    )


def places_of(codes: Sequence[str | None], products: Sequence[Product], digits: int | None) -> NDArray[np.int64]:
    """Row of each code among the products; -1 for none.

    With ``digits`` a code that is not listed whole is told by its first digits, where all products that begin with
    them are alike but for the package: its row is that of the first of them plus the number of products. A code of
    twelve digits has a longer labeler, so that its first nine are no product: it is told whole or not at all.
    """
    whole = {product.ndc: k for k, product in enumerate(products)}
    near: dict[str, int] = {}
    told: dict[str, set[tuple[object, ...]]] = {}
    for k, product in enumerate(products):
        head = product.ndc[:digits]
        near.setdefault(head, k + len(products))
        told.setdefault(head, set()).add(
            (product.ingredient, product.form, product.strength, product.unit, product.use)
        )
    alike = {head: k for head, k in near.items() if digits is not None and len(told[head]) == 1}
    return np.array([whole.get(code, alike.get(cut_code(code, digits), -1)) for code in map(_text, codes)], np.int64)


def ingredients_of(products: Iterable[Product]) -> tuple[str, ...]:
    """Names of the ingredients, sorted; an ingredient's number is its place."""
    return tuple(sorted({product.ingredient for product in products}))


def mme_of_unit(product: Product, factors: Iterable[Factor], above: int = 0) -> int:
    """MME of one unit in millionths, rounded half up; ``UNKNOWN`` where strength or factor is not known.

    Of the rows that fit, the one that names this form or product wins, then the one of the highest step up to
    ``above`` milligrams a day.
    """
    only = (product.form.upper(), product.product.upper(), "")
    fits = [
        factor for factor in factors
        if (factor.ingredient, factor.unit) == (product.ingredient, product.unit)
        and factor.only in only and factor.above <= above
    ]  # fmt: skip
    if not fits or product.strength is None:
        return UNKNOWN
    best = max(fits, key=lambda factor: (factor.only != "", factor.above))
    return _scaled(product.strength * best.factor * (_worn_days(product) if best.per == "day" else 1))


def product_fingerprint(products: Sequence[Product]) -> str:
    """Sha256 of all that is read of a product list, and of the shipped factors and uses."""
    lines = [repr(astuple(product)) for product in products]
    return hashlib.sha256("\n".join([list_fingerprint("mme_factors"), *lines]).encode()).hexdigest()


def _product(row: dict[str, str]) -> Product:
    ingredient = row["drug"].removesuffix(" LA").removesuffix(" SA").lower()
    return Product(
        ndc=row["ndc"].strip("'\""),
        ingredient=ingredient,
        form=row["form"],
        long_acting=row.get("acting", "").upper() == "LA",
        strength=Decimal(row["strength"]) if row["strength"] else None,
        unit=row["unit"].upper(),
        use=use_of(ingredient, row["name"], row["product"], row["form"]),
        name=row["name"],
        product=row["product"],
    )


def _check_codes(codes: Sequence[str], where: str) -> None:
    short = sum(not (code.isdecimal() and len(code) == NDC_DIGITS) for code in codes)
    twice = len(codes) - len(set(codes))
    if short or twice:
        raise ConfigError(
            f"Of {len(codes)} codes of a product list {short} are not {NDC_DIGITS} digits and {twice} are there again.",
            where,
            "an NDC is text of 11 digits (5-4-2), its leading zeros kept, one row each",
            "write the column as text; a spreadsheet drops leading zeros",
        )


def _text(code: str | None) -> str:
    return code or ""


def _worn_days(product: Product) -> int:
    return WORN_DAYS.get(product.ingredient, 0) if product.is_patch else 0


def _scaled(amount: Decimal | None) -> int:
    """Millionths, rounded half up."""
    return UNKNOWN if amount is None else int((amount * MICRO).to_integral_value(ROUND_HALF_UP))
