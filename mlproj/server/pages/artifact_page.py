"""The files of a run: listed, and those that people can look at shown."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from starlette.datastructures import QueryParams

from mlproj import artifacts
from mlproj.artifacts.base import InvalidPath, NoSuchFile
from mlproj.errors import MlprojError
from mlproj.server.pages.template import render
from mlproj.tracking.base import NotFound, Run, TrackingStore

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".svg"})
"""Files that are shown as pictures."""

_TABLES = {".csv": ",", ".tsv": "\t"}
_LARGEST_TEXT = 500_000  # bytes looked at for a preview
_MOST_ROWS = 200
_MOST_COLUMNS = 50
_MOST_FILES = 1000


class Entry(NamedTuple):
    """One file or folder of an artifact folder; ``path`` is relative to the run's artifacts."""

    path: str
    name: str
    size: int | None


def show(store: TrackingStore, query: QueryParams, path: dict[str, Any]) -> str:  # noqa: ARG001  # every page takes these
    """A folder's list or a file's preview. Raises NotFound, ServiceError."""
    found = store.get_run(path["run_id"])
    inside = path.get("path", "").strip("/")
    common = {"title": inside or "Artifacts", "run": found, "path": inside, "parents": _parents(inside)}
    if not inside:
        return render("artifacts.html", **common, entries=listing(found, inside), preview=None)
    try:
        with opened(found, inside) as file:
            return render("artifacts.html", **common, entries=[], preview=_preview(file, inside))
    except NotFound:
        entries = listing(found, inside)
        if not entries:
            raise
        return render("artifacts.html", **common, entries=entries, preview=None)


def local_file(run: Run, path: str) -> Path | None:
    """The file at *path* among the run's artifacts, None when it is not on this machine. Raises NotFound, ServiceError."""
    try:
        return artifacts.open(run.artifact_uri).local_file(path)
    except (NoSuchFile, InvalidPath) as error:
        raise NotFound(f"the run has no file {path!r}") from error


def opened(run: Run, path: str) -> IO[bytes]:
    """The file at *path* among the run's artifacts, for reading. Raises NotFound, ServiceError."""
    try:
        return artifacts.open(run.artifact_uri).open(path)
    except (NoSuchFile, InvalidPath) as error:
        raise NotFound(f"the run has no file {path!r}") from error


def listing(run: Run, inside: str) -> list[Entry]:
    """What is in a folder of the run's artifacts, folders first; nothing where they cannot be reached."""
    try:
        found = artifacts.open(run.artifact_uri).list(inside)
    except MlprojError:
        return []
    prefix = f"{inside}/" if inside else ""
    return [Entry(prefix + one.name, one.name, one.size) for one in sorted(found, key=lambda one: (not one.is_dir, one.name))[:_MOST_FILES]]


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
    if suffix in _TABLES:
        rows = [row[:_MOST_COLUMNS] for row in csv.reader(io.StringIO(text), delimiter=_TABLES[suffix])]
        return {**kind, "kind": "table", "rows": rows[: _MOST_ROWS + 1], "cut": cut or len(rows) > _MOST_ROWS + 1}
    if suffix == ".json" and not cut:
        text = _indented(text)
    return {**kind, "kind": "text", "text": text, "cut": cut}


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
