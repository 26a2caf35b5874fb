"""Pins that give way (``--relax NAME``): each to the version nearest to it with which everything can be resolved."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.package_name import canonical
from mlproj.environments.python import lock
from mlproj.foundation.dataclass import replace
from mlproj.foundation.errors import UsageError

_PIN = re.compile(r"===?\s*(\d+(?:\.\d+)*)[\w.+!-]*")
_STEPS = 6
"""How far a minor or major version is looked for beside the pin before the wider range is tried as a whole."""
Attempt = Callable[[Requirements], "str | lock.Refusal"]


def is_pinned(name: str, requirements: Requirements) -> bool:
    """Whether the declaration itself bounds the versions of the package *name*."""
    return any(
        lock.name_of(one) == name and _bounds(one) for one in (*requirements.packages, *requirements.constraints)
    )


def allowed(requirements: Requirements, names: tuple[str, ...]) -> Requirements:
    """*requirements* whose pins of *names* may give way. Raises UsageError for a name that the declaration does not
    bound."""
    wanted = tuple(dict.fromkeys(map(canonical, names)))
    if requirements.lock_file is not None:
        raise UsageError(
            f"--relax {names[0]}: {requirements.lock_file.name} names exact versions, which are installed as they are"
        )
    for name in wanted:
        if not is_pinned(name, requirements):
            pinned = sorted(
                {one for package in requirements.packages if (one := lock.name_of(package)) and _bounds(package)}
            )
            hint = f"it bounds {', '.join(pinned[:10])}" if pinned else "it bounds none"
            raise UsageError(f"--relax {name}: the project bounds no package of that name", hint=hint)
    return replace(requirements, relaxed=wanted)


def loosened(requirements: Requirements, name: str, versions: str = "") -> Requirements:
    """*requirements* with *versions* (a specifier) in place of what they say of the package *name*."""
    packages = tuple(_with(one, versions) if lock.name_of(one) == name else one for one in requirements.packages)
    constraints = tuple(one for one in requirements.constraints if lock.name_of(one) != name)
    return replace(requirements, packages=packages, constraints=constraints)


def resolved(
    requirements: Requirements, names: tuple[str, ...], attempt: Attempt
) -> tuple[str | lock.Refusal, list[str]]:
    """The lock with the pins of *names* loosened where that is needed, and what became of each, for people."""
    text = attempt(requirements)
    if isinstance(text, str):
        return text, [f"--relax {name} was not needed: everything can be resolved as it is declared" for name in names]
    pins = {name: pin for name in names if (pin := _pin_of(requirements, name))}
    free = requirements
    for name in names:
        free = loosened(free, name)
    text = attempt(free)
    notes = []
    for name in names:
        if isinstance(text, str) and name in pins:
            free, text = _nearest(free, name, pins[name], text, attempt)
            notes.append(f"{name} {_version_in(text, name)} is taken instead of {pins[name]} (--relax {name})")
    return text, notes


def _nearest(free: Requirements, name: str, pin: str, text: str, attempt: Attempt) -> tuple[Requirements, str]:
    """Of the series around *pin* the first that can be resolved; *text* is the lock without any bound."""
    for versions in _ranges(pin):
        bounded = loosened(free, name, versions)
        found = attempt(bounded)
        if isinstance(found, str):
            return bounded, found
    return free, text


def _ranges(pin: str) -> Iterator[str]:
    """Series of releases around *pin*, the nearest first: its own, then minor versions beside it, then major ones."""
    numbers = [int(number) for number in pin.split(".")]
    if len(numbers) > 2:
        yield f"=={numbers[0]}.{numbers[1]}.*"
    for position in (1, 0) if len(numbers) > 1 else (0,):
        before = [str(number) for number in numbers[:position]]
        for step in range(1, _STEPS + 1):
            for near in (numbers[position] + step, numbers[position] - step):
                if near >= 0:
                    yield f"=={'.'.join([*before, str(near)])}.*"
        if before:
            yield f"=={before[0]}.*"


def _pin_of(requirements: Requirements, name: str) -> str | None:
    for one in (*requirements.packages, *requirements.constraints):
        if lock.name_of(one) == name and (found := _PIN.search(_bounds(one))):
            return found[1]
    return None


def _bounds(requirement: str) -> str:
    """The versions that a requirement names: ``==1.0`` of ``a[b]==1.0 ; marker --hash=…``."""
    text = re.split(r"\s--hash|;", requirement, maxsplit=1)[0]
    return re.sub(r"^\s*[\w.-]+\s*(?:\[[^\]]*\])?", "", text).strip() if "@" not in text else ""


def _with(requirement: str, versions: str) -> str:
    head = re.match(r"\s*[\w.-]+\s*(?:\[[^\]]*\])?", requirement)
    marker = re.search(r";[^#]*?(?=\s--hash|$)", requirement)
    assert head is not None
    return (
        requirement if "@" in requirement else f"{head[0].strip()}{versions}{f' {marker[0].strip()}' if marker else ''}"
    )


def _version_in(text: str, name: str) -> str:
    return next(
        (str(entry.get("version")) for entry in lock.packages(text) if canonical(entry["name"]) == name), "none"
    )
