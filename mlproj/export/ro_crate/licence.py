"""Under which licence a crate is: what the user says, else the licence file of the project at its revision."""

from __future__ import annotations

import re
from pathlib import Path

from mlproj import sources
from mlproj.export.ro_crate.content import Piece, copied
from mlproj.export.ro_crate.destination import Target
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import MlprojError, UsageError
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import MASK
from mlproj.tracking.base import Run

FILE = "LICENSE"
"""The name of the project's licence in a crate."""

_NAMES = re.compile(r"(LICEN[CS]E|COPYING|UNLICENSE)([.-].*)?", re.IGNORECASE)
_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")
_LARGEST = 1_000_000  # bytes of a licence


@dataclass(frozen=True)
class Terms:
    """A licence: its id, what it is called and, if it is the project's own, its file in the crate."""

    id: str
    name: str
    file: Piece | None = None


def find(chosen: str | None, run: Run, target: Target, progress: Progress) -> Terms | None:
    """The licence *chosen* (an SPDX identifier or a URL), else the project's, whose text is put into *target*; None:
    none is stated.

    Raises UsageError for a choice that is neither.
    """
    if chosen is not None:
        return _chosen(chosen)
    text = _text(run, progress)
    if text is None:
        return None
    return Terms(FILE, "Licence of the project", copied(FILE, FILE, [text], target))


def _chosen(chosen: str) -> Terms:
    if re.fullmatch(r"https?://\S+", chosen):
        return Terms(chosen, chosen)
    if _SPDX.fullmatch(chosen):
        return Terms(f"https://spdx.org/licenses/{chosen}", chosen)
    raise UsageError(
        f"--license: {chosen!r:.100} is no licence", hint="expected an SPDX identifier such as CC-BY-4.0, or a URL"
    )


def _text(run: Run, progress: Progress) -> bytes | None:
    """The text of the project's licence: of a folder as it is now, of other sources at the revision that ran, without
    the network."""
    source = run.source or {}
    uri, kind, below = source.get("uri"), source.get("kind"), source.get("subdirectory")
    if not uri or MASK in uri:
        return None
    try:
        opened = sources.open(f"{uri}#{below}" if below and kind != "folder" else uri)
        revision = opened.pin(source.get("commit") if kind == "git" else None, offline=True)
        if revision.kind != kind or (kind == "archive" and revision.digest != source.get("digest")):
            return None
        with progress.step("looking for the project's licence"):
            checkout = opened.fetch(revision, isolated=False)
    except MlprojError as error:
        progress.detail(f"the project's licence is not known: {error}")
        return None
    try:
        found = [file for folder in dict.fromkeys([checkout.project_dir, checkout.root]) for file in _licences(folder)]
        return found[0].read_bytes() if found else None
    except OSError:
        return None
    finally:
        checkout.release()


def _licences(folder: Path) -> list[Path]:
    """Licence files in *folder*, the plainest name first; links could name any file of this machine."""
    named = [
        file for file in folder.iterdir() if _NAMES.fullmatch(file.name) and file.is_file() and not file.is_symlink()
    ]
    return sorted(
        (file for file in named if file.stat().st_size <= _LARGEST), key=lambda file: (len(file.name), file.name)
    )
