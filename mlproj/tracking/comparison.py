"""What runs have in common and where they differ, one fact after another."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlproj.tracking.base import Run
from mlproj.tracking.record import number

Value = Any
"""What JSON can hold; None where a run has no such fact."""

SECTIONS = (
    "result",
    "code",
    "parameters",
    "inputs",
    "environment",
    "packages",
    "machine",
    "variables",
    "metrics",
    "outputs",
    "tags",
)
"""What is compared, in the order it is shown."""

_CODE = ("uri", "commit", "branch", "tag", "subdirectory", "dirty", "digest")
_ENVIRONMENT = ("kind", "manager", "python", "language", "as_of", "key")
# Every run from Git or an archive has a checkout of its own, gone when it is over (see sources.workspace).
_OWN_CHECKOUT = re.compile(r"(/checkouts/)\d+-[0-9a-f]{8}\b")


@dataclass(frozen=True)
class Fact:
    """One thing that runs may differ in: its section, its name, and its value in each run."""

    section: str
    name: str
    values: tuple[Value, ...]

    @property
    def differs(self) -> bool:
        """Whether the values are not all the same."""
        return any(not _same(self.values[0], value) for value in self.values[1:])


def compare(runs: Sequence[Run], lock_of: Callable[[Run], bytes | None]) -> list[Fact]:
    """Every fact about at least one of *runs*, section by section. *lock_of* gives a run's environment lock, where it
    is known.

    Metrics are compared by their latest values. Times and names that every run has for itself are left out, and so are
    the tags that MLflow derives from the rest. Raises UsageError for a lock that cannot be read.
    """
    described = [_describe(run, lock_of(run)) for run in runs]
    return [fact for section in SECTIONS for fact in _facts(section, [facts[section] for facts in described])]


def _facts(section: str, each: Sequence[Mapping[str, Value]]) -> Iterable[Fact]:
    names = dict.fromkeys(name for facts in each for name in facts)
    for name in names:
        yield Fact(section, name, tuple(facts.get(name) for facts in each))


def _describe(run: Run, lock: bytes | None) -> dict[str, dict[str, Value]]:
    source, environment = run.source or {}, run.environment or {}
    command = run.command and without_checkout(run.command)
    return {
        "result": _given({"status": run.status.value, "exit code": run.exit_code, "reason": run.status_reason}),
        "code": _given(
            {**{name: source.get(name) for name in _CODE}, "entry point": run.entry_point, "command": command}
        ),
        "parameters": {name: without_checkout(value) for name, value in run.params.items()},
        "inputs": {
            **{str(given.get("parameter")): given.get("sha256") or given.get("uri") for given in run.inputs},
            **{f"dataset {dataset.name}": dataset.digest for dataset in run.datasets},
        },
        "environment": _given(
            {**{name.replace("_", " "): environment.get(name) for name in _ENVIRONMENT}, "image": _image(environment)}
        ),
        "packages": locked_packages(run, lock),
        "machine": _given({"host": run.host, **machine(run)}),
        "variables": variables(run),
        "metrics": {name: number(value) for name, value in run.metrics.items()},
        "outputs": {output.path: output.sha256 or f"{output.size} bytes" for output in run.outputs},
        "tags": {name: value for name, value in run.tags.items() if not name.startswith(("mlflow.", "mlproj."))},
    }


def machine(run: Run) -> dict[str, Value]:
    """The machine that the run's command met, as far as it is recorded: a name and a value each."""
    recorded = {name: value for name, value in _machine(run).items() if name != "variables"}
    return {
        name.replace("_", " "): ", ".join(map(str, value)) if isinstance(value, list) else value
        for name, value in recorded.items()
        if value
    }


def variables(run: Run) -> dict[str, Value]:
    """The variables that may change what a program computes, as the run's command had them; those that were not set are
    not there."""
    return dict(_machine(run).get("variables") or {})


def _machine(run: Run) -> Mapping[str, Any]:
    return (run.environment or {}).get("machine") or {}


def _image(environment: Mapping[str, Any]) -> Value:
    image = environment.get("image") or {}
    return image.get("id") or image.get("digest")


def without_checkout(text: str) -> str:
    """*text* without the names of checkouts, which every run has for itself."""
    return _OWN_CHECKOUT.sub(r"\1…", text)


def lock_name(run: Run) -> str | None:
    """The name of the file with the run's environment lock, if it is one that names packages."""
    name = str((run.environment or {}).get("lock") or "")
    return name if name.endswith((".toml", ".lock.txt", "renv.lock")) and "/" not in name else None


def locked_packages(run: Run, lock: bytes | None) -> dict[str, str]:
    """Name and version of each package of the run's ``pylock.toml`` (PEP 751), or of the lock of another kind.

    Raises UsageError when it cannot be understood.
    """
    if lock is None:
        return {}
    if b"@EXPLICIT" in lock:
        return _explicit(lock.decode("utf-8", "replace"))
    import sys

    from mlproj.foundation.errors import UsageError

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        if lock.lstrip().startswith(b"{"):  # renv.lock
            return {
                str(name): str(package["Version"])
                for name, package in json.loads(lock)["Packages"].items()
                if "Version" in package
            }
        packages = tomllib.loads(lock.decode()).get("packages", [])
        return {
            str(package["name"]): str(package.get("version") or package.get("vcs") or package.get("directory"))
            for package in packages
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"the recorded lock of the run {run.run_id} cannot be read: {error}") from error


def _explicit(text: str) -> dict[str, str]:
    """The packages of conda's format of a lock: addresses that end in ``name-version-build``, and what pip installed as
    comments."""
    found = {}
    for line in text.splitlines():
        if pip := re.match(r"# pip ([^\s=@]+)(?:==| @ )(\S+)", line):
            found[pip[1]] = pip[2]
        elif conda := re.search(r"/([^/\s]+)-([^-/\s]+)-([^-/\s]+)\.(?:conda|tar\.bz2)(?:#|$)", line):
            found[conda[1]] = f"{conda[2]} {conda[3]}"
    return found


def _given(facts: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in facts.items() if value is not None}


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return bool(one == other)
