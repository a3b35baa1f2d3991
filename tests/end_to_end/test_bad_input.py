"""What goes wrong in practice: one screen that says what, where, which rule and what to do; never a person."""

import shutil
from pathlib import Path

import pytest
import yaml
from claimtwin.app.cli import main
from claimtwin.io.tables import Store, write_table
from pyspark.sql import functions as F

from tests.support.claims import OPIOID, random_claims, write_claims


@pytest.fixture(scope="module")
def deployment(spark, tmp_path_factory) -> Path:
    """Folder of a deployment whose claims are sound, with its env.yaml and study.yaml."""
    folder = tmp_path_factory.mktemp("sound")
    (folder / "opioids.csv").write_text(f"NDC\n{OPIOID}\n")
    env = {
        "tables": f"{folder}/tables",
        "output": f"{folder}/results",
        "code_lists": {"opioid": {"path": f"{folder}/opioids.csv"}},
    }
    (folder / "env.yaml").write_text(yaml.safe_dump(env))
    write_claims(spark, random_claims(400), load(folder))
    return folder


def load(folder: Path):
    from claimtwin.config.load import load_env

    return load_env(str(folder / "env.yaml"))


@pytest.fixture
def sound(deployment) -> list[str]:
    """Options that point to the sound claims."""
    return ["--env", str(deployment / "env.yaml")]


@pytest.fixture
def copied(sound, deployment, tmp_path) -> list[str]:
    """Options that point to a copy of the sound claims, to be spoilt."""
    shutil.copytree(deployment / "tables", tmp_path / "tables", ignore=shutil.ignore_patterns("jpr_*", "member_blocks"))
    return [*sound, "--set", f"env.tables={tmp_path}/tables"]


COVARIATES = ["--set", "study.score.covariates=[age,sex,office_visits]", "--set", "study.adjust=[age]"]


def ended(capfd, *words: str) -> tuple[int, str]:
    capfd.readouterr()
    with pytest.raises(SystemExit) as caught:
        main(words)
    screen = capfd.readouterr().err
    assert "Traceback" not in screen
    assert "person0" not in screen
    return caught.value.code, screen


def test_a_sound_study_ends_well(capfd, sound):
    code, screen = ended(capfd, "run", "--study", "jpr_s412081", *sound, *COVARIATES)
    assert code == 0, screen


def test_a_results_folder_that_cannot_be_written_to_is_named(capfd, sound, deployment):
    taken = deployment / "taken"
    taken.write_text("a file, not a folder")
    words = ["--set", f"env.output={taken}"]
    code, screen = ended(capfd, "run", "--study", "jpr_s412081", *sound, *COVARIATES, *words)
    assert (code, "cannot be written" in screen) == (2, True)


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        (["env.door.max_rows=3"], 4, "More than 3 rows"),  # first, while all stages of the sound study are kept
        (["study.regions=[hip]"], 4, "the treated arm is empty"),
        (["study.population.age_min=119"], 4, "arm is empty"),
        (["study.score.covariates=[age,chiropractic_visits]"], 4, "'chiropractic_visits' is constant"),
        (["env.code_lists.opioid.path=nothing.csv"], 2, "file of a code list is missing"),
        (["env.code_lists.opioid.column=CODE"], 2, "no column 'CODE'"),
        (["study.washout.days=400"], 2, "shorter than the longest look-back"),
        (["study.arms.comparator.procedures=massage"], 2, "No procedure list is called"),
        (["env.truth=nothing.json"], 2, "planted truth"),
    ],
)
def test_a_study_that_cannot_be_done_says_why(capfd, sound, changes, code, words):
    sets = [word for change in changes for word in ("--set", change)]
    got, screen = ended(capfd, "run", "--study", "jpr_s412081", *sound, *COVARIATES, *sets)
    assert words in screen
    assert got == code


def mark_the_treated(spark, options: list[str], column: str, begun: object, others: object) -> None:
    """Give everybody on the roster one value in their enrolment, and everybody else another."""
    ref = Store(options[-1].removeprefix("env.tables=")).table("eligibility")
    people = spark.read.format("delta").load(ref.name)
    roster = spark.read.format("delta").load(ref.name.replace("eligibility", "program_enrollment"))
    starters = roster.select("person_id").distinct().withColumn("begun", F.lit(True))
    value = F.when(F.col("begun"), F.lit(begun)).otherwise(F.lit(others)).cast(people.schema[column].dataType)
    marked = people.join(starters, "person_id", "left").withColumn(column, value).drop("begun")
    write_table(marked.localCheckpoint(), ref)


def test_arms_that_share_nothing_are_told_by_column_or_by_what_to_widen(spark, capfd, copied):
    mark_the_treated(spark, copied, "birth_date", "1990-05-05", "1950-05-05")
    mark_the_treated(spark, copied, "employer_id", "one", "other")
    code, screen = ended(capfd, "run", "--study", "jpr_s412081", *copied, *COVARIATES)
    assert (code, "'age' separates the arms" in screen) == (4, True)
    changes = ("score.covariates=[sex,office_visits]", "adjust=[]", "matching.block_keys=[employer_id]")
    words = [word for change in changes for word in ("--set", f"study.{change}")]
    code, screen = ended(capfd, "run", "--study", "jpr_s412081", *copied, *words)
    assert (code, "Nobody was matched" in screen, "fewer block keys" in screen) == (4, True, True)


def test_a_missing_table_names_the_next_command(capfd, copied):
    shutil.rmtree(Path(copied[-1].removeprefix("env.tables=")) / "medical_claim")
    code, screen = ended(capfd, "run", "--study", "jpr_s412081", *copied)
    assert code == 3
    assert "medical_claim" in screen
    assert "run `claimtwin ingest` first" in screen


def test_a_study_without_blocks_names_the_next_command(capfd, copied):
    code, screen = ended(capfd, "facts", "--study", "jpr_s412081", *copied)
    assert (code, "run `claimtwin pack` first" in screen) == (3, True)
