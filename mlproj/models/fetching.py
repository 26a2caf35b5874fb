"""A model's files brought to this machine: those of a store that is elsewhere are kept in the cache, whole or not at
all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mlproj.artifacts.base import ArtifactStore, NoSuchFile
from mlproj.foundation import file_lock, paths
from mlproj.foundation.errors import SourceError
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import mask_url
from mlproj.foundation.sha256 import sha256
from mlproj.models.mlmodel import NAME

_MOST_FILES = 100_000
_MOST_DEEP = 50
_LARGEST_MLMODEL = 16 << 20  # bytes
_PORTION = 1 << 20


class Found(NamedTuple):
    """A file of a store: its path there and its bytes."""

    path: str
    size: int


def has_model(store: ArtifactStore, path: str) -> bool:
    """Whether a model is at *path*. Raises ServiceError."""
    return any(entry.name == NAME and not entry.is_dir for entry in store.list(path))


def models_below(store: ArtifactStore, path: str = "", depth: int = 3) -> Iterator[str]:
    """Where models are, at *path* and in the folders below it. Raises ServiceError."""
    entries = store.list(path)
    if any(entry.name == NAME and not entry.is_dir for entry in entries):
        yield path
    elif depth:
        for entry in entries:
            if entry.is_dir:
                yield from models_below(store, _joined(path, entry.name), depth - 1)


def fetch(store: ArtifactStore, path: str, progress: Progress) -> Path:
    """The folder of this machine with the model at *path*: its own where the store is here, else a copy in the cache.

    A copy is known by the store, by the names and sizes of the files, and by what ``MLmodel`` says, which holds an
    identity of each saving. Raises SourceError when no model is there, ServiceError.
    """
    try:
        here = store.local_file(_joined(path, NAME))
        if here is not None:
            return here.parent
        with store.open(_joined(path, NAME)) as file:
            description = file.read(_LARGEST_MLMODEL)
    except NoSuchFile:
        raise missing(f"{mask_url(store.uri)}/{path}".rstrip("/"), [e.name for e in store.list(path)]) from None
    files = _files(store, path)
    identity = json.dumps([store.uri, path, files, sha256(description).hexdigest()])
    folder = paths.cache() / "models" / sha256(identity.encode()).hexdigest()[:32]
    if not folder.is_dir():
        _copy(store, path, files, folder, progress)
    return folder


def missing(place: str, names: list[str]) -> SourceError:
    """That there is no model at *place*, where *names* are."""
    there = f"it holds {', '.join(sorted(names)[:5])}{' …' if len(names) > 5 else ''}" if names else "nothing is there"
    return SourceError(
        f"there is no model at {place}: a model's folder has a file {NAME}, and {there}",
        hint="name the folder that MLflow's or mlproj's save_model wrote",
    )


def _copy(store: ArtifactStore, path: str, files: list[Found], folder: Path, progress: Progress) -> None:
    """Make *folder*: one of several processes copies, the others wait for it."""
    total = sum(file.size for file in files) / 1e6
    with file_lock.locked(folder.with_name(f"{folder.name}.lock")):
        if folder.is_dir():
            return
        with (
            progress.step(f"fetching the model, {total:.1f} MB"),
            paths.temporary_folder(folder.parent, f".{folder.name}.") as staging,
        ):
            for file in files:
                target = staging / file.path
                target.parent.mkdir(parents=True, exist_ok=True)
                with store.open(_joined(path, file.path)) as source, target.open("xb") as written:
                    while portion := source.read(_PORTION):
                        written.write(portion)
            staging.rename(folder)


def _files(store: ArtifactStore, top: str) -> list[Found]:
    """The files below *top*, by paths relative to it. Raises SourceError for more than any model has."""
    found: list[Found] = []
    folders = [""]
    while folders:
        folder = folders.pop()
        for entry in store.list(_joined(top, folder)):
            inner = _joined(folder, _plain(entry.name))
            if entry.size is not None:
                found.append(Found(inner, entry.size))
            elif inner.count("/") < _MOST_DEEP:
                folders.append(inner)
        if len(found) + len(folders) > _MOST_FILES:
            raise SourceError(f"{mask_url(store.uri)}/{top} has more files than a model: over {_MOST_FILES}")
    return sorted(found)


def _plain(name: str) -> str:
    """A name as the store says it, unless it is none: what answers may be hostile. Raises SourceError."""
    if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise SourceError(f"the store names a file {name!r:.100}, which leads elsewhere")
    return name


def _joined(*parts: str) -> str:
    return "/".join(part for part in parts if part)
