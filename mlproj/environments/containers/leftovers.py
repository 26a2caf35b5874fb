"""Removes what is left in engines: containers whose mlproj and its watchdog were both killed, and images that nobody
uses."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from mlproj.environments.containers import container, engine, entry_point, image, packing
from mlproj.environments.containers.engine import Engine
from mlproj.foundation import paths
from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import ServiceError


@dataclass
class Removed:
    """The runs whose containers were removed, the names or ids of images that were, and what went wrong."""

    runs: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def remove(is_over: Callable[[str], bool], older_than: timedelta | None) -> Removed:
    """Remove the containers of this home's runs of which *is_over* says so, and the images made for this cache that
    were not used for
    *older_than* (None: all), in every engine that answers. What a container uses stays."""
    removed = Removed()
    for one in engine.answering():
        try:
            for run_id in filter(is_over, container.left(one, paths.home())):
                container.remove(one, container.name_of(run_id))
                removed.runs.append(run_id)
            _remove_builders(one)
            _remove_trials(one)
            removed.images += _remove_images(one, older_than)
        except ServiceError as trouble:
            removed.troubles.append(str(trouble))
    return removed


def _remove_builders(one: Engine) -> None:
    """Containers that were making an image when their mlproj was killed. Raises ServiceError."""
    for name in _listed(one, "ps", "--all", "--format", "{{.Names}}"):
        if name.startswith(packing.BUILDER):
            with packing.alone(
                packing.folder_of(packing.key_of(name.removeprefix(packing.BUILDER)), one.name), wait=False
            ) as is_ours:
                if is_ours:
                    container.remove(one, name)


def _remove_trials(one: Engine) -> None:
    """Containers in which an ENTRYPOINT was tried when their mlproj was killed. Raises ServiceError."""
    for name in _listed(one, "ps", "--all", "--format", "{{.Names}}"):
        if name.startswith(entry_point.TRIAL) and not _is_alive(name.removeprefix(entry_point.TRIAL).partition("-")[0]):
            container.remove(one, name)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (ValueError, ProcessLookupError):
        return False
    return True


def _remove_images(one: Engine, older_than: timedelta | None) -> Iterator[str]:
    bound = time.time() - (older_than.total_seconds() if older_than else 0)
    for line in _listed(one, "image", "ls", "--no-trunc", "--format", "{{.ID}}|{{.Repository}}:{{.Tag}}"):
        identity, _, name = line.partition("|")
        is_ours = name.partition(":")[0].endswith((packing.REPOSITORY, image.REPOSITORY))
        if not is_ours and not name.startswith("<none>"):
            continue  # somebody gave it that name to keep it
        if older_than is None or _last_used(identity, name, one.name) <= bound:
            known = name if is_ours else identity
            if one.run("image", "rm", known).returncode == 0:
                yield known


def _last_used(identity: str, name: str, engine_name: str) -> float:
    """Seconds since 1970; 0 when nothing is known of it."""
    places = (
        packing.folder_of(packing.key_of(name.rpartition(":")[2]), engine_name) / packing.FACTS,
        paths.cache() / "images" / identity.removeprefix("sha256:") / image.LOCK,
    )
    return max((_changed(place) for place in places), default=0.0)


def _changed(place: Path) -> float:
    try:
        return place.stat().st_mtime
    except OSError:
        return 0.0


def _listed(one: Engine, *words: str) -> list[str]:
    done = one.run(*words, "--filter", f"label={image.label()}")
    if done.returncode:
        raise ServiceError(f"{one.name} cannot list what it has: {container.engine_message(done.error_text)}")
    return done.text.split()
