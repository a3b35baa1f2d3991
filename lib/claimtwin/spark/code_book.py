"""All code lists that a study needs, as they are sent to the workers."""

from dataclasses import dataclass, field, replace
from typing import Literal

from claimtwin.codes.drugs import DrugList
from claimtwin.codes.opioids import Product
from claimtwin.codes.rules import Procedures
from claimtwin.spark.columns import DIAGNOSES

Together = Literal["line", "claim", "day"]


@dataclass(frozen=True)
class CodeBook:
    """All code lists that a study needs, read on the driver and sent to the workers with the kernel.

    ``arms``: procedures of the treated and the comparator arm, null for any other kind; ``arm_diagnoses`` theirs, which
    with procedures must stand on the same of ``together``. ``program``: null for any. ``comorbidities``: the list that
    is counted, of diagnoses in ``positions``; ``points``: lists worth points; ``noted``: diagnoses that are covariates.
    ``diagnoses``, ``procedures``: lists of events by name; ``listed``: the rules of users' lists of diagnoses by event.
    ``kinds``: code groups to choose from; ``products``, ``benzodiazepines``: those of the histories, by NDC;
    ``open_until``: last day of cover whose end the feed does not tell, as days since 1970-01-01, null for ever.
    """

    families: dict[str, Procedures]
    arms: tuple[Procedures | None, Procedures | None]
    drugs: dict[str, DrugList]
    state_regions: dict[str, str]
    program: str | None = None
    comorbidities: str = "comorbidities"
    diagnoses: tuple[str, ...] = ()
    products: tuple[Product, ...] = ()
    benzodiazepines: tuple[Product, ...] = ()
    procedures: dict[str, Procedures] = field(default_factory=dict)
    arm_diagnoses: tuple[str | None, str | None] = (None, None)
    together: tuple[Together, Together] = ("claim", "claim")
    positions: tuple[str, ...] = DIAGNOSES
    points: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    listed: dict[str, str] = field(default_factory=dict)
    open_until: int | None = None

    def told(self, name: str) -> str:
        """What tells the diagnoses of an event: its list and group, its own rules, or those of a user's list."""
        return self.listed.get(name, name)

    def without_covariates(self) -> "CodeBook":
        """The same for a pass that needs no covariate."""
        return replace(self, points=(), noted=(), kinds=())
