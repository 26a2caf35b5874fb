"""A repository of R packages as CRAN is laid out, with tiny packages in plain R."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Repository:
    folder: Path

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    def add(
        self, name: str, version: str, code: str | None = None, *, archived: bool = False, needs: str = "", **files: str
    ) -> tuple[Path, str]:
        """A package whose function ``x()`` gives its name and version, or whatever *code* defines. Returns its file and
        its address."""
        place = f"src/contrib/{f'Archive/{name}/' if archived else ''}{name}_{version}.tar.gz"
        (self.folder / place).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / place).write_bytes(source(name, version, code, needs=needs, **files))
        return self.folder / place, f"{self.url}/{place}"


def source(
    name: str, version: str, code: str | None = None, *, needs: str = "", top: str | None = None, **files: str
) -> bytes:
    """The file of a package; *files* are named with ``__`` for the slash, *needs* is a line of its DESCRIPTION."""
    description = (
        f"Package: {name}\nVersion: {version}\nTitle: T\nDescription: Tiny.\nAuthor: A\nMaintainer: A"
        " <a@example.org>\nLicense: GPL-3\n"
    )
    content = {
        "DESCRIPTION": description + needs,
        "NAMESPACE": "export(x)\n",
        "R/x.R": code or f"x <- function() '{name} {version}'\n",
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for place, text in {**content, **{place.replace("__", "/"): text for place, text in files.items()}}.items():
            entry = tarfile.TarInfo(f"{top or name}/{place}")
            entry.size, entry.mode = len(text.encode()), 0o755 if place == "configure" else 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def record(name: str, version: str, **fields: Any) -> dict[str, Any]:
    return {"Package": name, "Version": version, "Source": "Repository", "Repository": "CRAN", **fields}


def lock(url: str, *packages: dict[str, Any], version: str = "4.2.1", **parts: Any) -> str:
    """A ``renv.lock`` with the records of *packages*."""
    r = {"Version": version, "Repositories": [{"Name": "CRAN", "URL": url}]}
    return json.dumps({"R": r, **parts, "Packages": {one["Package"]: one for one in packages}}, indent=2)
