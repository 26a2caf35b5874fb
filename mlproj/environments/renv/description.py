"""``DESCRIPTION`` of an R package, read off its source, and the order in which packages can be installed.

The format: https://cran.r-project.org/doc/manuals/r-release/R-exts.html#The-DESCRIPTION-file
"""

from __future__ import annotations

import re
import tarfile
import zlib
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import EnvironmentFailure

_LARGEST = 1024 * 1024  # bytes; those of CRAN have some kilobytes
_NEEDED = ("Depends", "Imports", "LinkingTo")
_PLACE = re.compile(r"(?:\./)?[^/]+/DESCRIPTION")
_FAULTS = (tarfile.TarError, zlib.error, EOFError, UnicodeError, ValueError, OSError)


@dataclass(frozen=True)
class Described:
    """What a package says of itself; ``needs`` are the names of packages that must be there before it."""

    name: str
    version: str
    needs: tuple[str, ...]


def read(archive: Path, shown: str) -> Described:
    """What the package in *archive*, which people know as *shown*, says of itself. Raises EnvironmentFailure."""
    try:
        with tarfile.open(archive) as opened:
            member = next((one for one in opened if one.isfile() and _PLACE.fullmatch(one.name)), None)
            content = opened.extractfile(member) if member is not None else None
            text = content.read(_LARGEST).decode("utf-8", "replace") if content is not None else ""
    except _FAULTS as error:
        raise EnvironmentFailure(
            f"{shown} is no source of an R package: {error}", hint="is the repository's address right?"
        ) from error
    fields = _fields(text)
    if not fields.get("Package") or not fields.get("Version"):
        raise EnvironmentFailure(
            f"{shown} is no source of an R package: it has no DESCRIPTION", hint="is the repository's address right?"
        )
    named = ",".join(fields.get(field, "") for field in _NEEDED).split(",")
    needs = dict.fromkeys(found[0] for one in named if (found := re.match(r"[A-Za-z][A-Za-z0-9.]*", one.strip())))
    return Described(fields["Package"], fields["Version"], tuple(needs))


def _fields(text: str) -> dict[str, str]:
    """Name → value; a line that begins with a blank goes on with the one before."""
    joined = re.sub(r"\r?\n[ \t]+", " ", text)
    return {
        name.strip(): value.strip()
        for name, colon, value in (line.partition(":") for line in joined.splitlines())
        if colon
    }


def in_order(needs: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The names of packages, each after those of them that it *needs*. Raises EnvironmentFailure for a circle."""
    sorter = TopologicalSorter({name: sorted(needs.keys() & set(needs[name])) for name in sorted(needs)})
    try:
        return list(sorter.static_order())
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        raise EnvironmentFailure(f"R packages of renv.lock need each other in a circle: {circle}") from None
