"""Two requirements that contradict each other: which, who asks for them, and which pin would have to give way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.package_name import canonical
from mlproj.foundation.dataclass import dataclass

# uv tells a conflict of what is asked for in sentences of this kind; what is missing, or too new, it tells in others.
_OTHER_REASONS = re.compile(
    r"was not found|no versions? of|no wheels|no (?:matching|compatible)|exclude-newer|disabled|only \S+ (?:is|are)"
    r" available|Failed to|"
    r"requested Python version|do(?:es)? not satisfy Python|incompatible with the current"
)
_NEEDS = re.compile(r"([\w.-]+)(\S*) depends? on ([\w.-]+)(\S*?)(?=,? and\b|, we\b|[,.]?$|\s)")
_BOTH = re.compile(r"you require ([\w.-]+)(\S*) and ([\w.-]+)(\S*?),? we can conclude")
_ASKED = re.compile(r"you require ([\w.-]+)(\S*?)(?:, we| and|[,.]?(?:\s|$))")
_MARKER = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True)
class Conflict:
    """``names`` are the packages whose pins meet, the one that is asked for directly first; ``sentence`` is for
    people."""

    names: tuple[str, ...]
    sentence: str


def found(text: str, requirements: Requirements) -> Conflict | None:
    """The conflict that the resolver's words *text* tell, None when they tell something else."""
    reasons = re.split(r"^\s*hint:", text, maxsplit=1, flags=re.MULTILINE)[0]
    words = _MARKER.sub("", re.sub(r"\s+", " ", reasons))
    if _OTHER_REASONS.search(words) or "unsatisfiable" not in words:
        return None
    both = _BOTH.search(words)
    if both and canonical(both[1]) == canonical(both[3]):
        first, second = both[1] + both[2], both[3] + both[4]
        where = " and ".join(dict.fromkeys(_lines_naming(both[1], requirements)))
        return Conflict(
            (canonical(both[1]),), f"{first} and {second} are both asked for{f' ({where})' if where else ''}"
        )
    asked = {
        canonical(name): f"{name}{version}" for name, version in _ASKED.findall(words.partition("we can conclude")[2])
    }
    asked |= {name: text for name, text in _direct(requirements) if name not in asked or text.startswith(f"{name}==")}
    for by, by_version, name, version in _NEEDS.findall(words):
        by_version = by_version or asked.get(canonical(by), by).removeprefix(by)  # "all versions of"
        if canonical(name) in asked and version:
            return Conflict(
                (canonical(name), canonical(by)),
                f"{by}{by_version}{_lines_of(by, requirements)} needs {name}{version}, and {asked[canonical(name)]} is"
                f" asked for{_lines_of(name, requirements)}",
            )
    return None


def together(text: str, requirements: Requirements) -> Conflict | None:
    """Two requirements of the project's own that the resolver's words *text* end with, though what meets lies below
    them or one has no wheels for this Python; None where a later date may bring what is missing."""
    words = _MARKER.sub("", re.sub(r"\s+", " ", re.split(r"^\s*hint:", text, maxsplit=1, flags=re.MULTILINE)[0]))
    both = _BOTH.search(words)
    if both is None or "exclude-newer" in text or "was not found" in words:
        return None
    first, second = (
        f"{name}{version}{_lines_of(name, requirements)}" for name, version in (both.groups()[:2], both.groups()[2:])
    )
    names = (canonical(both[1]), canonical(both[3]))
    return Conflict(names, f"{first} and {second} are both asked for and cannot be installed together with this Python")


def _direct(requirements: Requirements) -> Iterator[tuple[str, str]]:
    for package in (*requirements.packages, *requirements.constraints):
        text = re.split(r"\s--hash|;", package, maxsplit=1)[0].strip()
        if match := re.match(r"([A-Za-z0-9][\w.-]*)", text):
            yield canonical(match[1]), text


def _lines_of(name: str, requirements: Requirements) -> str:
    places = list(dict.fromkeys(_lines_naming(name, requirements)))
    return f" ({', '.join(places)})" if places else ""


def _lines_naming(name: str, requirements: Requirements) -> Iterator[str]:
    """The lines of the declaration's files that name a package, such as ``requirements.txt:3``."""
    wanted = re.compile(
        rf"(?<![\w.-]){re.sub(r'[-_.]+', '[-_.]+', re.escape(name).replace(chr(92), ''))}(?![\w-]|\.\w)", re.IGNORECASE
    )
    for file in requirements.files:
        for number, line in enumerate(_lines(file), start=1):
            if not line.lstrip().startswith("#") and wanted.search(line):
                yield f"{file.name}:{number}"


def _lines(file: Path) -> Sequence[str]:
    try:
        return file.read_text("utf-8", "replace").splitlines()[:5000] if file.suffix != ".py" else []
    except OSError:
        return []
