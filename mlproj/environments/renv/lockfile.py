"""What a ``renv.lock`` says, checked: the R it was made with, and where each package of which version is.

The format: https://rstudio.github.io/renv/articles/lockfile.html; renv's own schema is
``draft-07.renv.lock.schema.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlproj.environments.declarations import text_file
from mlproj.environments.declarations.toml_text import place_of
from mlproj.environments.renv.record import Reader, Record, Refuse, base_url
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import InvalidProject, Place
from mlproj.foundation.redaction import mask_url

NAME = "renv.lock"
OURS = "mlproj"
"""What a lock of a run has besides: the R that ran and the SHA-256 of each source. renv passes over it."""

_R_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}")


@dataclass(frozen=True)
class Lockfile:
    """A lock as it is written (``document``) and what it means."""

    r_version: str
    records: tuple[Record, ...]
    document: Mapping[str, Any]

    @property
    def names_python(self) -> bool:
        """Whether the project uses a Python by reticulate."""
        return bool(self.document.get("Python"))


def load(path: Path) -> Lockfile:
    """The lock at *path*. Raises InvalidProject, and EnvironmentFailure for a package from where none can be had."""
    text = text_file.load(path)
    document = _parsed(text, path)

    def refuse(what: str, expected: str, fragment: str) -> InvalidProject:
        return InvalidProject(what, place=place_of(path, text, fragment), hint=f"expected {expected}")

    r, packages = document.get("R"), document.get("Packages", {})
    if not isinstance(r, dict) or not isinstance(packages, dict):
        missing = "Packages" if isinstance(r, dict) else "R"
        raise refuse(
            f"{missing!r} is no mapping", '{"R": {"Version": …, "Repositories": […]}, "Packages": {…}}', f'"{missing}":'
        )
    version = r.get("Version")
    if not isinstance(version, str) or not _R_VERSION.fullmatch(version):
        raise refuse(
            f"R's version is {_shown(version)}",
            "three numbers, such as 4.2.1",
            '"Version":' if "Version" in r else '"R":',
        )
    reader = Reader(_repositories(r.get("Repositories"), refuse), _digests(document, refuse), refuse)
    records = (reader.read(name, packages[name]) for name in sorted(packages))
    return Lockfile(version, tuple(record for record in records if record is not None), document)


def recorded(lock: Lockfile, r_version: str | None, sources: Mapping[str, Mapping[str, str]]) -> str:
    """*lock* as the run keeps it: with the R that runs and, for each package, the ``url`` and ``sha256`` of its
    source."""
    ours = {**({"R": r_version} if r_version else {}), "sources": sources}
    return mask_url(json.dumps({**lock.document, OURS: ours}, indent=2, ensure_ascii=False)) + "\n"


def _parsed(text: str, path: Path) -> dict[str, Any]:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in found]
        twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
        if twice is not None:
            raise InvalidProject(f"the key {twice[:80]!r} is there twice", place=place_of(path, text, f'"{twice}"'))
        return dict(found)

    try:
        document = json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        place = Place(str(path), error.lineno, error.colno)
        raise InvalidProject(
            f"this is no JSON: {error.msg}", place=place, hint="renv::snapshot() writes it anew"
        ) from None
    except (ValueError, RecursionError) as error:
        raise InvalidProject(f"this is no JSON that can be read: {error}", place=Place(str(path))) from None
    if not isinstance(document, dict):
        raise InvalidProject("this is no mapping", place=Place(str(path)), hint="renv::snapshot() writes it anew")
    return document


def _repositories(given: Any, refuse: Refuse) -> dict[str, str]:
    """Name → address, in their order."""
    found: dict[str, str] = {}
    for one in given if isinstance(given, list) else [given]:
        name, url = (one.get("Name"), one.get("URL")) if isinstance(one, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(url, str):
            raise refuse(
                "R's repositories are not named",
                '"Repositories": [{"Name": "CRAN", "URL": "https://…"}]',
                '"Repositories"',
            )
        address = base_url(url)
        if address is None:
            raise refuse(
                f"the address of the repository {name[:80]!r} is {_shown(mask_url(url))}",
                "https://…, http://… or file:///…",
                url,
            )
        found[name] = address
    return found


def _digests(document: Mapping[str, Any], refuse: Refuse) -> dict[str, str]:
    """Package → SHA-256 of its source, from a lock that a run has kept."""
    ours = document.get(OURS)
    sources = ours.get("sources") if isinstance(ours, dict) else None
    found: dict[str, str] = {}
    for name, source in sources.items() if isinstance(sources, dict) else ():
        digest = source.get("sha256") if isinstance(source, dict) else None
        if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise refuse(f"the sha256 of {name[:80]!r} is {_shown(digest)}", "64 hexadecimal digits", f'"{OURS}":')
        found[name] = digest
    return found


def _shown(value: Any) -> str:
    return "missing" if value is None else repr(value)[:80]
