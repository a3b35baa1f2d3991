"""The tables of one study, held at the versions that the run reads."""

from dataclasses import dataclass

from pyspark.sql import DataFrame

from claimtwin.spark.packing import unpack_people
from claimtwin.study.code_usage import CodeUsage
from claimtwin.study.grid import Grid
from claimtwin.study.model_table import ScoreModel
from claimtwin.study.stages import Made


@dataclass(frozen=True)
class Design:
    """The study up to its match: no outcome in it.

    ``caliper`` is in units of the logit, null for none; ``invariants`` counts what is broken, all nothing. ``pairs``
    counts matched treated, ``twins`` all their twins: as many where nobody has several.
    """

    candidates: Made
    model_table: Made
    scores: Made
    matches: Made
    model: ScoreModel
    caliper: float | None
    pairs: int
    twins: int
    invariants: dict[str, int]

    def score_rows(self) -> DataFrame:
        """One row per candidate in the match: its score, arm and block."""
        return unpack_people(self.scores.frame)


@dataclass(frozen=True)
class StudyTables:
    """Everything that a report is made from; ``grid`` is null where the protocol has none, ``codes`` if uncounted."""

    design: Design
    blocks: Made
    outcomes: Made
    grid: Grid | None = None
    codes: CodeUsage | None = None

    def all(self) -> list[Made]:
        """Every table, in the order of the stages."""
        design = self.design
        codes = [self.codes.made] if self.codes else []
        return [
            self.blocks,
            *codes,
            design.candidates,
            design.model_table,
            design.scores,
            design.matches,
            self.outcomes,
        ]
