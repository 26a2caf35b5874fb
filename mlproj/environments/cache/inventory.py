"""The environments in the cache, for people: list, show, remove, prune. How they come about: ``transaction``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from mlproj.environments.cache import transaction
from mlproj.foundation import file_tree, paths
from mlproj.foundation.errors import EnvironmentFailure, UsageError


@dataclass(frozen=True)
class Stored:
    """An environment in the cache. ``created`` and ``last_used`` are UTC; ``size`` is in bytes, shared files counted
    once."""

    key: str
    kind: str
    manager: str
    python: str | None
    declaration: str
    created: datetime
    last_used: datetime
    size: int
    packages: Mapping[str, str] = field(default_factory=dict)
    requirements: tuple[str, ...] = ()
    as_of: datetime | None = None
    notes: tuple[str, ...] = ()
    folder: Path = field(default_factory=Path)
    in_use: bool = False
    language: str | None = None


@dataclass(frozen=True)
class Pruned:
    """What a prune took away: environments, left-overs of killed builds, and the bytes that are free now."""

    removed: tuple[str, ...]
    kept_in_use: tuple[str, ...]
    leftovers: int
    freed: int


def installed(*, with_size: bool = True) -> list[Stored]:
    """Every environment in the cache, the most recently used first."""
    try:
        folders = [place for place in paths.environments().iterdir() if not place.name.startswith(".")]
    except OSError:
        return []
    found = [_stored(folder, with_size) for folder in folders if (folder / transaction.MARKER).exists()]
    return sorted(found, key=lambda one: one.last_used, reverse=True)


def show(prefix: str) -> Stored:
    """The environment whose key begins with *prefix*. Raises :class:`UsageError` when none or several do."""
    return _stored(_by_prefix(prefix), True)


def remove(prefix: str) -> Stored:
    """Remove the environment whose key begins with *prefix* and return what it was.

    Raises :class:`UsageError` for an unknown one, :class:`EnvironmentFailure` for one that a running command uses.
    """
    folder = _by_prefix(prefix)
    gone = _stored(folder, True)
    transaction.give_up(folder)
    with transaction.exclusive(folder):
        transaction.discard(folder)
    return gone


def prune(older_than: timedelta | None = None) -> Pruned:
    """Remove environments not used for *older_than* (None: all), and what killed builds left. Those in use stay."""
    bound = datetime.now(timezone.utc) - (older_than or timedelta(0))
    removed, kept, freed = [], [], 0
    for one in installed():
        if older_than is not None and one.last_used > bound:
            continue
        try:
            with transaction.exclusive(one.folder):
                transaction.discard(one.folder)
        except EnvironmentFailure:
            kept.append(one.key)
            continue
        removed.append(one.key)
        freed += one.size
    return Pruned(tuple(removed), tuple(kept), _prune_leftovers(), freed)


def _prune_leftovers() -> int:
    root = paths.environments()
    # The beginnings of keys serve as keys here: all names beside an environment's folder are made of them.
    keys = {
        place.name.split(".")[1]
        for end in (transaction.BUILDING, transaction.REMOVED)
        for place in root.glob(f".*{end}")
    }
    count = 0
    for key in keys:
        try:
            with transaction.exclusive(root / key):
                count += transaction.clear_leftovers(root / key)
        except EnvironmentFailure:
            continue
    return count


def _by_prefix(prefix: str) -> Path:
    matching = [one.folder for one in installed(with_size=False) if prefix and one.key.startswith(prefix)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise UsageError(
            f"{prefix!r} begins the keys of {len(matching)} environments", hint="give more digits of the key"
        )
    raise UsageError(f"there is no environment whose key begins with {prefix!r}", hint="mlproj env list shows them")


def _stored(folder: Path, with_size: bool) -> Stored:
    content = transaction.description(folder)
    as_of = content.get("as_of")
    return Stored(
        key=folder.name,
        kind=str(content.get("kind", "python")),
        manager=str(content.get("manager", "")),
        python=content.get("python"),
        declaration=str(content.get("declaration", "")),
        created=datetime.fromtimestamp(float(content.get("created", 0)), timezone.utc),
        last_used=datetime.fromtimestamp((folder / transaction.MARKER).stat().st_mtime, timezone.utc),
        size=_size(folder) if with_size else 0,
        packages=content.get("packages", {}),
        requirements=tuple(content.get("requirements", ())),
        as_of=datetime.fromisoformat(as_of) if as_of else None,
        notes=tuple(content.get("notes", ())),
        folder=folder,
        in_use=transaction.is_in_use(folder),
        language=content.get("language"),
    )


def _size(folder: Path) -> int:
    """Bytes that the files take, each file once however many names it has."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for place, _, files in file_tree.walk(folder):
        for name in files:
            status = Path(place, name).lstat()
            identity = (status.st_dev, status.st_ino)
            if identity not in seen:
                seen.add(identity)
                total += status.st_size
    return total
