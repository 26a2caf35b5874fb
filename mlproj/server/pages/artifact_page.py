"""The files of a run or a logged model: listed, and those that people can look at shown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from mlproj.artifacts.base import ArtifactStore, InvalidPath, NoSuchFile
from mlproj.foundation.errors import MlprojError
from mlproj.server.pages.template import render
from mlproj.tracking.base import NotFound, Run

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".svg"})
"""Files that are shown as pictures."""

_TABLES = {".csv": ",", ".tsv": "\t"}
_LARGEST_TEXT = 500_000  # bytes looked at for a preview
_MOST_ROWS = 200
_MOST_COLUMNS = 50
_MOST_FILES = 1000


class Entry(NamedTuple):
    """One file or folder of an artifact folder; ``path`` is relative to the artifacts."""

    path: str
    name: str
    size: int | None


class Owner(NamedTuple):
    """Whose files are shown: a run's or a logged model's. ``files`` gives them, ``base`` is the address of its page."""

    files: Callable[[], ArtifactStore]
    base: str
    crumbs: Sequence[tuple[str, str]]


FilesOf = Callable[[str], ArtifactStore]
"""Gives the artifacts at a recorded place. Raises UsageError for one that is not to be shown."""


def of_run(run: Run, files_of: FilesOf) -> Owner:
    """The files of a run."""
    base = f"/runs/{run.run_id}"
    return Owner(
        lambda: files_of(run.artifact_uri),
        base,
        [(run.experiment_name, f"/experiments/{run.experiment_id}"), (run.run_name, base)],
    )


def show(owner: Owner, inside: str) -> str:
    """The page of a folder's list or a file's preview. Raises NotFound, ServiceError."""
    inside = inside.strip("/")
    common = {"title": inside or "Artifacts", "owner": owner, "path": inside, "parents": _parents(inside)}
    if not inside:
        return render("artifacts.html", **common, entries=listing(owner, inside), preview=None)
    try:
        with opened(owner, inside) as file:
            return render("artifacts.html", **common, entries=[], preview=_preview(file, inside))
    except NotFound:
        entries = listing(owner, inside)
        if not entries:
            raise
        return render("artifacts.html", **common, entries=entries, preview=None)


def local_file(owner: Owner, path: str) -> Path | None:
    """The file at *path*, None when it is not on this machine. Raises NotFound, ServiceError."""
    try:
        return owner.files().local_file(path)
    except (NoSuchFile, InvalidPath) as error:
        raise NotFound(f"there is no file {path!r}") from error


def opened(owner: Owner, path: str) -> IO[bytes]:
    """The file at *path*, for reading. Raises NotFound, ServiceError."""
    try:
        return owner.files().open(path)
    except (NoSuchFile, InvalidPath) as error:
        raise NotFound(f"there is no file {path!r}") from error


def listing(owner: Owner, inside: str) -> list[Entry]:
    """What is in a folder, folders first; nothing where the files cannot be reached."""
    try:
        found = owner.files().list(inside)
    except MlprojError:
        return []
    prefix = f"{inside}/" if inside else ""
    return [
        Entry(prefix + one.name, one.name, one.size)
        for one in sorted(found, key=lambda one: (not one.is_dir, one.name))[:_MOST_FILES]
    ]


def _parents(inside: str) -> list[tuple[str, str]]:
    """(name, path) of each folder above the last part."""
    parts = [part for part in inside.split("/") if part]
    return [(part, "/".join(parts[: index + 1])) for index, part in enumerate(parts)]


def _preview(file: IO[bytes], path: str) -> dict[str, Any]:
    """What to show: an image, a table, a text, or only the size."""
    kind: dict[str, Any] = {"kind": "binary", "size": file.seek(0, io.SEEK_END)}
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in IMAGES:
        return {**kind, "kind": "image"}
    file.seek(0)
    data = file.read(_LARGEST_TEXT)
    if b"\0" in data:
        return kind
    text = data.decode("utf-8", "replace")
    cut = kind["size"] > len(data)
    if suffix in _TABLES and (rows := _rows(text, _TABLES[suffix])) is not None:
        return {**kind, "kind": "table", "rows": rows[: _MOST_ROWS + 1], "cut": cut or len(rows) > _MOST_ROWS + 1}
    if suffix == ".json" and not cut:
        text = _indented(text)
    return {**kind, "kind": "text", "text": text, "cut": cut}


def _rows(text: str, delimiter: str) -> list[list[str]] | None:
    """The rows of a table; None where csv does not take it for one, as with a field of more than 131,072 characters."""
    try:
        return [row[:_MOST_COLUMNS] for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
    except csv.Error:
        return None


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
