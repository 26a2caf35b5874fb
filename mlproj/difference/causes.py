"""What could make two runs differ, in order of likelihood, each with a verdict in plain words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mlproj.sources.changed_files import ChangedFile
from mlproj.tracking.base import Run
from mlproj.tracking.comparison import Fact, Value

DIFFERS, SAME, UNKNOWN = "differs", "same", "unknown"
_NAMED = 5  # of many facts, those that a verdict names
_LONGEST = 60  # characters of a value in a verdict
_DIGITS = 12  # of a hash, by which people tell two apart


@dataclass(frozen=True)
class Cause:
    """One thing that could make runs differ. ``state`` is :data:`DIFFERS`, :data:`SAME`, or :data:`UNKNOWN` where a run
    has no record.

    ``facts`` are those that differ. ``files`` are those that differ between the two commits of the code; None where
    that is not known.
    """

    name: str
    state: str
    verdict: str
    facts: tuple[Fact, ...] = ()
    files: tuple[ChangedFile, ...] | None = None


def find(runs: tuple[Run, Run], facts: Sequence[Fact], *, is_locked: bool) -> tuple[Cause, ...]:
    """Every cause but the code, the likeliest first. *facts* are those of the comparison of *runs*.

    *is_locked* says whether the environment locks of both are known.
    """
    found = _Facts(facts)
    return (
        _parameters(found),
        _counted("inputs", found.differing("inputs"), "input"),
        _packages(found, is_locked),
        _python(found),
        _environment(found),
        _platform(found, runs),
        _variables(found, runs),
    )


def changed(before: Value, after: Value) -> str:
    """Two values in short: ``1.26.4 -> 2.0.0``, ``added: 3`` or ``removed: 3``; of long ones the part where they begin
    to differ."""
    if before is None:
        return f"added: {short(after)}"
    if after is None:
        return f"removed: {short(before)}"
    one, two = (_line(value) for value in (before, after))
    differing = (index for index, (left, right) in enumerate(zip(one, two, strict=False)) if left != right)
    alike = next(differing, min(len(one), len(two))) - _LONGEST // 4
    cut = alike if alike > 0 and max(len(one), len(two)) > _LONGEST else 0
    return " -> ".join(short("…" + text[cut:] if cut else text) for text in (one, two))


def short(value: Value) -> str:
    """*value* for a sentence: on one line, a hash by its beginning, a long text cut."""
    text = _line(value)
    if re.fullmatch(r"[0-9a-f]{40}|(sha256:)?[0-9a-f]{64}", text):
        return text.removeprefix("sha256:")[:_DIGITS]
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _line(value: Value) -> str:
    return " ".join(str(value).split())


class _Facts:
    """The facts of a comparison by section and name."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self._facts = facts

    def all(self, section: str) -> tuple[Fact, ...]:
        return tuple(fact for fact in self._facts if fact.section == section)

    def differing(self, section: str) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.all(section) if fact.differs)

    def one(self, section: str, name: str) -> Fact:
        return next((fact for fact in self.all(section) if fact.name == name), Fact(section, name, (None, None)))


def _parameters(found: _Facts) -> Cause:
    """A parameter that names a file in both runs is judged by what the file holds, not by where it is."""
    files = {fact.name for fact in found.all("inputs") if None not in fact.values}
    return _counted(
        "parameters", tuple(fact for fact in found.differing("parameters") if fact.name not in files), "parameter"
    )


def _packages(found: _Facts, is_locked: bool) -> Cause:
    if is_locked:
        return _counted("packages", found.differing("packages"), "package")
    same = [
        fact
        for fact in (found.one("environment", "image"), found.one("environment", "key"))
        if _is_known(fact) and not fact.differs
    ]
    if same:
        return Cause("packages", SAME, f"the packages are the same: {same[0].name} {short(same[0].values[0])}")
    return Cause("packages", UNKNOWN, "the packages of at least one run are not recorded")


def _python(found: _Facts) -> Cause:
    fact = found.one("environment", "python")
    if not _is_known(fact):
        return Cause(
            "python", UNKNOWN, "the Python of at least one run is not recorded: it was the system's, or an image's"
        )
    if fact.differs:
        return Cause("python", DIFFERS, f"the Python differs: {changed(*fact.values)}", (fact,))
    return Cause("python", SAME, f"the Python is the same: {fact.values[0]}")


def _environment(found: _Facts) -> Cause:
    facts = (found.one("environment", name) for name in ("kind", "manager", "image"))
    differing = tuple(fact for fact in facts if fact.differs)
    if differing:
        return Cause("environment", DIFFERS, f"the environment is made differently: {_listed(differing)}", differing)
    return Cause("environment", SAME, "the environment is made the same way")


def _platform(found: _Facts, runs: Sequence[Run]) -> Cause:
    differing, host = found.differing("machine"), found.one("machine", "host")
    if unrecorded := _without_machine(runs):
        other = f"another machine ({changed(*host.values)}): " if host.differs else ""
        return Cause("platform", UNKNOWN, f"{other}what the machine is like is not recorded with {unrecorded}")
    if not differing:
        return Cause("platform", SAME, "the machine is the same")
    alike = "another machine, of the same make" if differing == (host,) else "the machine differs"
    return Cause("platform", DIFFERS, f"{alike}: {_listed(differing)}", differing)


def _variables(found: _Facts, runs: Sequence[Run]) -> Cause:
    if unrecorded := _without_machine(runs):
        return Cause("variables", UNKNOWN, f"the environment variables are not recorded with {unrecorded}")
    return _counted("variables", found.differing("variables"), "environment variable")


def _without_machine(runs: Sequence[Run]) -> str:
    return " and ".join(run.run_name for run in runs if not (run.environment or {}).get("machine"))


def _is_known(fact: Fact) -> bool:
    return None not in fact.values


def _counted(name: str, differing: tuple[Fact, ...], noun: str) -> Cause:
    if not differing:
        return Cause(name, SAME, f"the {noun}s are the same")
    words = f"1 {noun} differs" if len(differing) == 1 else f"{len(differing)} {noun}s differ"
    return Cause(name, DIFFERS, f"{words}: {_listed(differing)}", differing)


def _listed(facts: Sequence[Fact]) -> str:
    more = f" and {len(facts) - _NAMED} more" if len(facts) > _NAMED else ""
    return ", ".join(f"{fact.name} {changed(*fact.values)}" for fact in facts[:_NAMED]) + more
