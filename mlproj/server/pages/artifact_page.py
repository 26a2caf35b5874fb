"""The files of a run: listed, and those that people can look at shown."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from starlette.datastructures import QueryParams

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
    """A folder's list or a file's preview. Raises NotFound."""
    found = store.get_run(path["run_id"])
    inside = path.get("path", "")
    file = _place(found, inside)
    common = {"title": inside or "Artifacts", "run": found, "path": inside, "parents": _parents(inside)}
    if file.is_dir() or not inside:
        return render("artifacts.html", **common, entries=listing(found, inside), preview=None)
    return render("artifacts.html", **common, entries=[], preview=_preview(file))


def local_file(store: TrackingStore, run_id: str, path: str) -> Path:
    """The file at *path* among the run's artifacts. Raises NotFound."""
    file = _place(store.get_run(run_id), path)
    if not file.is_file():
        raise NotFound(f"the run has no file {path!r}")
    return file


def listing(run: Run, inside: str) -> list[Entry]:
    """What is in a folder of the run's artifacts, folders first; nothing where they are not on this machine."""
    try:
        folder = _place(run, inside)
        children = sorted(folder.iterdir(), key=lambda child: (not child.is_dir(), child.name))[:_MOST_FILES]
    except (NotFound, OSError):
        return []
    prefix = f"{inside.rstrip('/')}/" if inside else ""
    return [
        Entry(prefix + child.name, child.name, None if child.is_dir() else child.stat().st_size)
        for child in children
        if not child.is_symlink()
    ]


def _place(run: Run, inside: str) -> Path:
    """The file or folder, which is below the run's artifacts whatever links there are. Raises NotFound."""
    parts = urlsplit(run.artifact_uri)
    if parts.scheme != "file":
        raise NotFound(f"the artifacts of this run are not on this machine: {run.artifact_uri}")
    root = Path(unquote(parts.path)).resolve()
    try:
        place = (root / inside.lstrip("/")).resolve()
        there = not inside or place.exists()
    except (OSError, ValueError):
        there = False
    if not there or not place.is_relative_to(root):
        raise NotFound(f"the run has no file {inside!r}")
    return place


def _parents(inside: str) -> list[tuple[str, str]]:
    """(name, path) of each folder above the last part."""
    parts = [part for part in inside.split("/") if part]
    return [(part, "/".join(parts[: index + 1])) for index, part in enumerate(parts)]


def _preview(file: Path) -> dict[str, Any]:
    """What to show: an image, a table, a text, or only the size."""
    kind: dict[str, Any] = {"kind": "binary", "size": file.stat().st_size}
    suffix = file.suffix.lower()
    if suffix in IMAGES:
        return {**kind, "kind": "image"}
    with file.open("rb") as opened:
        data = opened.read(_LARGEST_TEXT)
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
