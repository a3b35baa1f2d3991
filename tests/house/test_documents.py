"""What the documents say of commands, exit codes and keys is so."""

import re
from pathlib import Path
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

import pytest
from claimtwin import errors
from claimtwin.app.cli import EXIT_CODES, app
from claimtwin.config.deployment import Env
from claimtwin.config.protocol import Protocol
from pydantic import BaseModel

from tests.house.rules import ROOT

COMMANDS = {c.name or c.callback.__name__ for c in app.registered_commands if c.callback}


def documents() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def unknown_commands(text: str) -> list[str]:
    """Commands named in code spans or indented or fenced lines that ``claimtwin`` does not have."""
    named = re.findall(r"(?:`|^\s{4,}|^\$ ?|^)claimtwin ([a-z]+)\b", text, flags=re.MULTILINE)
    return sorted(set(named) - COMMANDS)


def unknown_targets(text: str) -> list[str]:
    """Targets of ``make`` named in code that the Makefile does not have."""
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    return sorted(set(re.findall(r"(?:`|^\s{4,})make ([a-z]+)\b", text, flags=re.MULTILINE)) - known)


def keys_of(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Dotted names of all keys of a model and of the models inside it."""
    found = []
    for name, field in model.model_fields.items():
        found.append(prefix + name)
        for inner in models_in(field.annotation):
            found += keys_of(inner, f"{prefix}{name}.")
    return found


def models_in(kind: object) -> list[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    if get_origin(kind) in (Annotated, Union, UnionType, list, dict, tuple):
        return [model for inner in get_args(kind) for model in models_in(inner)]
    return []


def missing_keys(text: str, model: type[BaseModel]) -> list[str]:
    return [key for key in dict.fromkeys(keys_of(model)) if f"`{key}`" not in text]


def test_the_documents_name_only_commands_and_targets_that_exist() -> None:
    texts = {path.relative_to(ROOT): path.read_text(encoding="utf-8") for path in documents()}
    assert [f"{p} {name}" for p, t in texts.items() for name in unknown_commands(t) + unknown_targets(t)] == []


@pytest.mark.parametrize("model", [Protocol, Env])
def test_every_key_of_the_two_files_is_documented(model: type[BaseModel]) -> None:
    assert missing_keys((ROOT / "docs" / "configuration.md").read_text(encoding="utf-8"), model) == []


def test_every_kind_of_error_has_a_documented_exit_code() -> None:
    page = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.ClaimtwinError)]
    assert {k.exit_code for k in kinds} | {0} == set(EXIT_CODES)
    assert [k.__name__ for k in kinds if f"| {k.exit_code} | `{k.__name__}` |" not in page] == []


def test_an_unknown_command_and_target_are_seen() -> None:
    assert unknown_commands("    claimtwin frobnicate\nand `claimtwin doctor`") == ["frobnicate"]
    assert unknown_targets("type `make coffee` or `make test`") == ["coffee"]


def test_a_missing_key_is_seen() -> None:
    assert "pack.payload_mib" in missing_keys("`tables` `output` `pack`", Env)
    assert "arms.treated.pick" in missing_keys("", Protocol)
    assert "outcomes.window" in missing_keys("", Protocol)
    assert "code_lists.path" in missing_keys("", Env)
