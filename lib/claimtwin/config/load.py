"""Reading ``study.yaml`` and ``env.yaml``: all faults of all files at once, before Spark starts."""

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from claimtwin.config.deployment import Env
from claimtwin.config.protocol import Protocol
from claimtwin.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)


def load_configuration(study: str, env: str, overrides: list[str] | None = None) -> tuple[Protocol, Env]:
    """Read both files and report the faults of both together.

    Args:
        study, env: A path, or the name of a preset in ``conf/studies`` or ``conf/env``.
        overrides: ``study.a.b=value`` or ``env.a.b=value``; values are read as YAML.

    Raises:
        ConfigError: Every unknown key, wrong value and contradiction of both files.
    """
    faults: list[str] = []
    changes = list(_changes(overrides or [], faults))
    protocol = _load(Protocol, study, "studies", [c[1:] for c in changes if c[0] == "study"], faults)
    deployment = _load(Env, env, "env", [c[1:] for c in changes if c[0] == "env"], faults)
    if protocol and deployment:
        faults += [
            f"{env}: code_lists.{name}: the study counts drugs of this list; name its file here"
            for name in sorted({*protocol.drug_lists(), *protocol.product_lists()})
            if name not in deployment.code_lists
        ]
        faults += [
            f"{env}: code_lists.{name}: the study reads diagnoses or procedures of this list; name its file here"
            for name in protocol.user_lists()
            if name not in deployment.code_lists
        ]
        faults += _run_out(protocol, deployment, env)
    if faults or protocol is None or deployment is None:
        raise config_error(faults)
    return protocol, deployment


def _run_out(protocol: Protocol, deployment: Env, env: str) -> list[str]:
    """A study whose last follow-up, and the days that its claims take to come in, pass the end of the data.

    One that censors is cut off there instead, and must know where that is.
    """
    through = deployment.ingest.data_through
    if through is None and protocol.censored:
        return [f"{env}: ingest.data_through: needed by enrollment.post_mode 'censor', which ends follow-up there"]
    if through is None or protocol.censored:
        return []
    after = max([outcome.last_day for outcome in protocol.outcomes], default=0)
    wait = deployment.ingest.run_out_days
    late = protocol.study.index_window[1].toordinal() + after + wait - through.toordinal()
    if late <= 0:
        return []
    return [
        f"{env}: ingest.data_through: the follow-up of the last index ({after} days, and {wait} of run-out) ends {late}"
        " days after it; end study.index_window earlier, or shorten the windows"
    ]


def load_env(env: str, overrides: list[str] | None = None) -> Env:
    """Read a deployment alone (``ingest`` and ``pack`` need no study).

    Raises:
        ConfigError: Every fault of the file.
    """
    faults: list[str] = []
    changes = [c[1:] for c in _changes(overrides or [], faults) if c[0] == "env"]
    deployment = _load(Env, env, "env", changes, faults)
    if faults or deployment is None:
        raise config_error(faults)
    return deployment


def load_file(model: type[Model], name: str, kind: str, changes: Mapping[str, Any]) -> Model:
    """Read one file of another kind, or its preset; ``changes`` puts values over keys at its top.

    Raises:
        ConfigError: Every fault of the file.
    """
    faults: list[str] = []
    found = _load(model, name, kind, list(changes.items()), faults)
    if found is None:
        raise config_error(faults)
    return found


def config_error(faults: list[str]) -> ConfigError:
    """One error that lists every fault."""
    count = len(faults)
    what = f"The configuration has {count} fault{'s' if count > 1 else ''}; nothing was run.\n"
    return ConfigError(
        what + "\n".join(f"  - {fault}" for fault in faults),
        rule="docs/configuration.md",
        remedy="correct the keys above; `claimtwin config` prints a checked configuration",
    )


def presets(kind: str) -> Traversable:
    """Folder of the shipped presets of one kind (``studies`` or ``env``), also inside a zip archive."""
    shipped = resources.files("claimtwin") / "conf"
    if shipped.is_dir():
        return shipped / kind
    return Path(__file__).resolve().parents[3] / "conf" / kind


def fingerprint(model: BaseModel) -> str:
    """Sha256 of a configuration's canonical JSON; equal settings give equal fingerprints."""
    text = json.dumps(model.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _load(model: type[Model], name: str, kind: str, changes: list[tuple[str, Any]], faults: list[str]) -> Model | None:
    try:
        values = _read(name, kind)
        for path, value in changes:
            _put(values, path.split("."), value)
        return model.model_validate(values)
    except ConfigError as error:
        faults.append(error.what)
    except ValidationError as error:
        faults += [f"{name}: {text}" for text in explain(error, model)]
    return None


def _read(name: str, kind: str) -> dict[str, Any]:
    path = Path(name)
    preset = presets(kind) / f"{name}.yaml"
    source: Traversable = path if path.is_file() else preset
    if not source.is_file():
        known = ", ".join(sorted(p.name.removesuffix(".yaml") for p in presets(kind).iterdir()))
        raise ConfigError(f"{name}: no such file, and no preset of that name (presets: {known})")
    try:
        values = yaml.safe_load(source.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f" near line {place.line + 1}" if place else ""
        raise ConfigError(f"{name}: not valid YAML{line}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{name}: must hold keys and values")
    return values


def _changes(overrides: list[str], faults: list[str]) -> Iterator[tuple[str, str, Any]]:
    for text in overrides:
        key, sign, value = text.partition("=")
        which, dot, path = key.strip().partition(".")
        if sign and dot and path and which in ("study", "env"):
            yield which, path, yaml.safe_load(value)
        else:
            faults.append(f"--set {key}: write study.KEY=VALUE or env.KEY=VALUE")


def _put(values: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        inner = values.get(key)
        values[key] = inner if isinstance(inner, dict) else {}
        values = values[key]
    values[path[-1]] = value


def explain(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """Each fault as ``key: what is wrong``, without the value; an unknown key with the nearest known one."""
    for fault in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            yield f"{where}: unknown key{_nearest(str(fault['loc'][-1]), model)}"
        else:
            text = fault["msg"].removeprefix("Value error, ")
            yield f"{where}: {text}" if where else text


def _nearest(key: str, model: type[BaseModel]) -> str:
    close = difflib.get_close_matches(key, sorted(_keys_of(model)), n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _keys_of(model: type[BaseModel]) -> set[str]:
    names = set(model.model_fields)
    for field in model.model_fields.values():
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                names |= _keys_of(inner)
    return names
