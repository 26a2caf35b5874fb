"""Which Python: the one a project names, else one of its time for which its packages have wheels."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from mlproj.environments.python.interpreter import Interpreter
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import EnvironmentFailure

# First final release of each minor version (PEPs 494, 537, 569, 596, 619, 664, 693, 719, 745).
_RELEASED = {
    6: datetime(2016, 12, 23, tzinfo=timezone.utc),
    7: datetime(2018, 6, 27, tzinfo=timezone.utc),
    8: datetime(2019, 10, 14, tzinfo=timezone.utc),
    9: datetime(2020, 10, 5, tzinfo=timezone.utc),
    10: datetime(2021, 10, 4, tzinfo=timezone.utc),
    11: datetime(2022, 10, 24, tzinfo=timezone.utc),
    12: datetime(2023, 10, 2, tzinfo=timezone.utc),
    13: datetime(2024, 10, 7, tzinfo=timezone.utc),
    14: datetime(2025, 10, 7, tzinfo=timezone.utc),
}
SETTLED = timedelta(days=183)
"""Until scientific packages have wheels for a new Python; people rarely use one before."""
_EXACT = re.compile(r"(?:===?\s*)?(\d+)\.(\d+)(?:\.(\d+|\*)|\.\d+[a-z]+\d+)?$")


@dataclass(frozen=True)
class Choice:
    """An interpreter and why it was taken; ``note`` tells when it is not quite what was asked for."""

    interpreter: Interpreter
    reason: str
    note: str | None = None


def named(asked: str, found: list[Interpreter]) -> Choice | None:
    """The interpreter for a version (``3.8``, ``3.8.10``, ``==3.8.*``), None when no Python of that minor is here.

    Another patch release of the same minor serves, with a note.
    """
    match = _EXACT.match(asked.strip())
    assert match is not None
    minor = (int(match[1]), int(match[2]))
    fitting = sorted((one for one in found if one.minor == minor), key=lambda one: one.order, reverse=True)
    if not fitting:
        return None
    if match[3] is None or match[3] == "*":
        return Choice(fitting[0], "")
    exact = f"{match[1]}.{match[2]}.{match[3]}"
    same = next((one for one in fitting if one.version == exact), None)
    if same is not None:
        return Choice(same, "")
    best = fitting[0]
    return Choice(best, "", f"Python {exact} is not on this machine; {best.version} (same minor version) is used")


def is_exact(asked: str) -> bool:
    """Whether *asked* names one minor or patch version, and so leaves nothing to choose."""
    return bool(_EXACT.match(asked.strip()))


def minor_of(asked: str) -> str:
    """``3.8`` of an exact wish."""
    match = _EXACT.match(asked.strip())
    assert match is not None
    return f"{match[1]}.{match[2]}"


def candidates(asked: str | None, found: list[Interpreter], moment: datetime | None) -> list[Interpreter]:
    """The newest interpreter of each minor that *asked* (a PEP 440 specifier or None) allows, best for *moment* first.

    Best is the newest minor that was out for half a year at *moment* (None: now), then older ones from new to old,
    then the ones that came later. Raises :class:`EnvironmentFailure` for a specifier that cannot be read.
    """
    now = moment or datetime.now(timezone.utc)
    best: dict[tuple[int, int], Interpreter] = {}
    for one in allowed(asked, found):
        if one.minor not in best or one.order > best[one.minor].order:
            best[one.minor] = one
    settled = [one for one in best.values() if released(one) <= now - SETTLED]
    later = [one for one in best.values() if released(one) > now - SETTLED]
    return sorted(settled, key=lambda one: one.minor, reverse=True) + sorted(later, key=lambda one: one.minor)


def allowed(asked: str | None, found: list[Interpreter]) -> list[Interpreter]:
    """Those of *found* that a PEP 440 specifier allows; a bare ``3`` means ``3.*``."""
    if asked is None:
        return found
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    text = f"=={asked.strip()}.*" if re.fullmatch(r"\s*\d+\s*", asked) else asked
    try:
        specifier = SpecifierSet(text)
    except InvalidSpecifier:
        raise EnvironmentFailure(
            f"{asked!r} is no Python version",
            hint="write a version such as 3.10, or a range such as >=3.8,<3.12",
        ) from None
    return [one for one in found if specifier.contains(one.version, prereleases=True)]


def none_fits(asked: str, found: list[Interpreter], attempt: str | None) -> EnvironmentFailure:
    """The error for a Python that is neither here nor to be had; *attempt* is why it could not be downloaded."""
    here = (
        ", ".join(sorted({one.version for one in found}, key=lambda text: [int(n) for n in re.findall(r"\d+", text)]))
        or "none"
    )
    tried = f"; downloading it failed: {attempt}" if attempt else ""
    return EnvironmentFailure(
        f"the project needs Python {asked}, which is not on this machine (found: {here}){tried}",
        hint=(
            f"install it (pyenv install {minor_of(asked)}, uv python install {minor_of(asked)}, or your system's"
            " packages) and run again"
            if is_exact(asked)
            else "install a Python in that range, for instance with pyenv or uv python install, and run again"
        ),
    )


def released(interpreter: Interpreter) -> datetime:
    """When the first final release of its minor version came out (for unknown ones: one a year)."""
    minor = interpreter.minor[1]
    return _RELEASED.get(minor) or _RELEASED[14] + timedelta(days=365 * (minor - 14))
