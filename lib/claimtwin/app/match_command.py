"""``claimtwin match``: units of one's own, in a file, or a stage of a study.

Nothing but names and types is imported above the function, so that help comes at once; Spark is imported for a study
or a Delta table only.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from claimtwin.app import running
from claimtwin.app.progress import progress
from claimtwin.errors import ConfigError, InputError

COLUMNS, NEAR, WHO, FILES, STUDY = (
    "Columns of the units",
    "Who may be a twin",
    "Who chooses, and how many",
    "Results",
    "A stage of a study, instead of units",
)
_FILE_OPTIONS = ("out", "balance", "unmatched", "blocks", "weights", "overwrite")


def _option(panel: str, text: str, *names: str) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, show_default=False)


def _file(text: str, *names: str) -> Any:
    return _option(FILES, text + " (.csv or .parquet)", *names)


Units = Annotated[
    str | None,
    typer.Argument(show_default=False, help="One row per person: a .csv or .parquet file, a Delta folder or name."),
]
Id = Annotated[str | None, _option(COLUMNS, "Who it is; unique.", "--id")]
Treated = Annotated[str | None, _option(COLUMNS, "1 or true for the treated, 0 or false for the others.", "--treated")]
Score = Annotated[str | None, _option(COLUMNS, "Propensity score, or another number to be near in.", "--score")]
Link = Annotated[str | None, _option(COLUMNS, "none, or logit: the score is a probability.", "--link")]
Tie = Annotated[str | None, _option(COLUMNS, "The smaller value wins ties. Default: hash of seed and id.", "--tie")]
NullBlock = Annotated[
    str | None,
    _option(COLUMNS, "Missing values of exact columns: refuse, or own (a value of its own).", "--null-block"),
]
Covariates = Annotated[
    str | None,
    _option(COLUMNS, "Columns of the balance table: a,b, or all. Default: those named here.", "--covariates"),
]
Distance = Annotated[str | None, _option(NEAR, "score, mahalanobis:x1,x2 or euclidean:x1,x2.", "--distance")]
Exact = Annotated[str | None, _option(NEAR, "Twins agree in these: region,month.", "--exact")]
AntiExact = Annotated[str | None, _option(NEAR, "Twins differ in each of these: site.", "--anti-exact")]
Calipers = Annotated[
    list[str] | None,
    _option(NEAR, "Farthest apart: score=0.2sd, age=5; age=-5 for least apart. May be repeated.", "--caliper"),
]
CaliperSd = Annotated[
    str | None,
    _option(NEAR, "Whose standard deviations: all (default), or per_block, each block's own.", "--caliper-sd"),
]
Discard = Annotated[
    str | None, _option(NEAR, "Leave out who has a score outside the other arm's: treated, control, both.", "--discard")
]
Cap = Annotated[int | None, _option(NEAR, "Most people of each arm: those with the smallest tie keys.", "--cap")]
Order = Annotated[
    str | None,
    _option(WHO, "largest, smallest, data, random, closest, farthest, or maximum (most pairs).", "--order"),
]
Ratio = Annotated[int | None, _option(WHO, "Most twins of one treated. Default: 1.", "--ratio")]
Floor = Annotated[int | None, _option(WHO, "Fewer twins than this are none. Default: 1.", "--floor", "--min-ratio")]
Replace = Annotated[bool, _option(WHO, "A control may be the twin of several.", "--replace")]
MaxReuse = Annotated[int | None, _option(WHO, "With --replace: of how many at most.", "--max-reuse")]
Seed = Annotated[int | None, _option(WHO, "Another seed breaks ties, and orders random, anew. Default: 0.", "--seed")]
Out = Annotated[Path | None, _file("Pairs: treated_id, control_id, rank, distance, block. It holds ids.", "--out")]
Balance = Annotated[Path | None, _file("How alike the arms are before and after.", "--balance")]
Unmatched = Annotated[Path | None, _file("Treated without a twin, and why. It holds ids.", "--unmatched")]
Blocks = Annotated[Path | None, _file("People, pairs and distances by block.", "--blocks")]
Weights = Annotated[Path | None, _file("What each matched person weighs. It holds ids.", "--weights")]
Overwrite = Annotated[bool, _option(FILES, "Replace files that exist.", "--overwrite")]
Study = Annotated[str | None, _option(STUDY, "Study protocol: a YAML file, or a preset's name.", "--study")]
Env = Annotated[str | None, _option(STUDY, "Deployment: a YAML file, or a preset's name.", "--env")]
Set = Annotated[list[str] | None, _option(STUDY, "Change one key: study.KEY=VALUE. May be repeated.", "--set")]


def match(
    units: Units = None,
    id: Id = None,
    treated: Treated = None,
    score: Score = None,
    link: Link = None,
    distance: Distance = None,
    exact: Exact = None,
    anti_exact: AntiExact = None,
    caliper: Calipers = None,
    caliper_sd: CaliperSd = None,
    discard: Discard = None,
    cap: Cap = None,
    order: Order = None,
    ratio: Ratio = None,
    floor: Floor = None,
    replace: Replace = False,
    max_reuse: MaxReuse = None,
    tie: Tie = None,
    seed: Seed = None,
    null_block: NullBlock = None,
    covariates: Covariates = None,
    out: Out = None,
    balance: Balance = None,
    unmatched: Unmatched = None,
    blocks: Blocks = None,
    weights: Weights = None,
    overwrite: Overwrite = False,
    study: Study = None,
    env: Env = None,
    set: Set = None,
) -> None:
    """Find twins: for the units of a file, nearest neighbour first, or as the stage of a study.

    A CSV or Parquet file needs no Java. Pairs hold the ids of people: keep the files as carefully as the units.

    Example: [bold]claimtwin match units.csv --id id --treated treat --score ps --link logit --caliper score=0.2sd
    --exact region,month --out pairs.csv --balance balance.csv[/bold]

    Example: [bold]claimtwin match units.parquet --id id --treated treat --score ps --distance mahalanobis:age,cost
    --caliper score=0.1sd --ratio 3 --min-ratio 2 --out pairs.parquet[/bold] (nearest in age and cost among those within
    the caliper)

    Example: [bold]claimtwin match --study study.yaml --env env.yaml[/bold]
    """
    _match({name: value for name, value in locals().items() if value is not None and value is not False})


def _match(given: dict[str, Any]) -> None:
    """One of the two forms, or a fault of the command line."""
    of_study = {"study", "env", "set"}
    if {"study", "env"} <= set(given) <= of_study:
        running.run_stage("run_match", given["study"], given["env"], given.get("set"))
        return
    if "units" not in given or of_study & set(given):
        raise typer.BadParameter("name a file of units, or --study and --env with no options of units beside them")
    if "out" not in given:
        raise typer.BadParameter("--out says where the pairs go")
    _match_units(given)


def _match_units(given: dict[str, Any]) -> None:
    from claimtwin.config.match_spec import read_spec

    options = {name: value for name, value in given.items() if name not in (*_FILE_OPTIONS, "units")}
    spec = read_spec(options)
    from claimtwin.study.matching.command import MatchFiles, match_files

    files = MatchFiles(given["units"], **{name: given[name] for name in _FILE_OPTIONS if name in given})
    say = progress()
    match_files(files, spec, lambda name: _open_delta(name, say), say)
    for name, path in files.outputs().items():
        print(f"{name}: {path}")


def _open_delta(name: str, say: Any) -> Any:
    from claimtwin.io.tables import TableRef, read_table

    spark = running.start({}, say)
    try:
        return read_table(spark, TableRef(str(Path(name).resolve()) if Path(name).exists() else name), made_by="")
    except InputError as error:
        raise ConfigError("There is no such Delta table.", where=name, remedy="check its name or folder") from error
