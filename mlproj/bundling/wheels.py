"""The packages of a ``pylock.toml`` as wheels: downloaded by the addresses and hashes of the lock, or built where there is none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mlproj import inputs, platforms, sources
from mlproj.bundle.manifest import PACKAGES
from mlproj.dataclass import dataclass, replace
from mlproj.environments import interpreter, lock, package_index, relocking
from mlproj.environments.base import Environment, Prepared, Request
from mlproj.environments.declaration import read
from mlproj.environments.interpreter import Interpreter
from mlproj.environments.uv import Uv
from mlproj.errors import EnvironmentFailure
from mlproj.progress import Progress

_MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)|manylinux(1|2010|2014)")
_OLD_MANYLINUX = {"1": (2, 5), "2010": (2, 12), "2014": (2, 17)}


@dataclass(frozen=True)
class Collected:
    """Members with their places, and the member of each package."""

    files: Mapping[str, Path]
    packages: Mapping[str, str]
    notes: tuple[str, ...] = ()


def collect(
    request: Request,
    prepared: Prepared,
    lock_file: Path,
    staging: Path,
    progress: Progress,
    *,
    moment: datetime | None,
    platform: str | None = None,
) -> Collected:
    """Wheels of everything that *lock_file* lists, for this machine or the *platform*; what builds them is as of *moment*.

    Raises EnvironmentFailure.
    """
    entries = lock.packages(relocking.placed(lock_file.read_text("utf-8"), request.root))
    builder = _Builder(request, prepared, staging, progress, moment, platform)
    files: dict[str, Path] = {}
    packages: dict[str, str] = {}
    with progress.step(f"collecting {len(entries)} packages for {platforms.shown(platform or platforms.here())}"):
        for entry in entries:
            place = _wheel(entry, request) if entry.get("wheels") else builder.build(entry)
            name = f"{PACKAGES}/{place.name}"
            files[name] = place
            packages[entry["name"]] = name
    return Collected(files, packages, tuple(builder.notes))


def lock_for(platform: str, request: Request, environment: Environment, prepared: Prepared, staging: Path, progress: Progress) -> Path:
    """The lock for another *platform*: what the project asks for, in the versions that this machine has. Raises EnvironmentFailure."""
    staging.mkdir(parents=True, exist_ok=True)
    declared = read(environment.description.declaration, request)
    pins = tuple(f"{name}=={version}" for name, version in prepared.packages.items())
    asked = replace(declared, constraints=(*declared.constraints, *pins))
    ask = lock.Ask(asked, _interpreter(prepared), environment.description.as_of, platform=platforms.for_uv(platform))
    with progress.step(f"resolving the packages for {platforms.shown(platform)}"):
        text = lock.resolve(Uv(staging, package_index.settings(), progress, offline=request.offline), ask)
    file = staging / "pylock.toml"
    file.write_text(lock.portable(lock.narrowed(text, _interpreter(prepared).version), request.root), "utf-8")
    return file


def _wheel(entry: Mapping[str, Any], request: Request) -> Path:
    """The wheel of a package that fits the oldest systems of those in the lock, which all fit."""
    told = min(entry["wheels"], key=lambda one: _needs(_file_name(one)))
    return _obtained(told, entry, request)


def _obtained(told: Mapping[str, Any], entry: Mapping[str, Any], request: Request) -> Path:
    place = Path(told["path"]) if "path" in told else _fetched(str(told["url"]), request)
    expected = (told.get("hashes") or {}).get("sha256")
    if expected and hashlib.sha256(place.read_bytes()).hexdigest() != expected:
        raise EnvironmentFailure(f"{_file_name(told)} of {entry['name']} is not the file that the lock names: its SHA-256 is another")
    return place


def _fetched(url: str, request: Request) -> Path:
    if url.startswith("file:"):
        return Path(unquote(urlsplit(url).path))
    return inputs.fetch(url, offline=request.offline)


def _file_name(told: Mapping[str, Any]) -> str:
    return str(told.get("name") or unquote(urlsplit(str(told.get("url") or told.get("path"))).path).rpartition("/")[2])


def _needs(name: str) -> tuple[tuple[int, int], str]:
    """The version of GNU's C library that a wheel asks for, by its name; then the name, so that the choice is always the same."""
    found = [(int(match[1]), int(match[2])) if match[1] else _OLD_MANYLINUX[match[3]] for match in _MANYLINUX.finditer(name)]
    return min(found, default=(0, 0)), name


def _interpreter(prepared: Prepared) -> Interpreter:
    found = interpreter.at(prepared.path[0] / "python", "environment")
    if found is None:
        raise EnvironmentFailure("the Python of the environment does not run", hint="mlproj run --rebuild makes it anew")
    return found


class _Builder:
    """Builds wheels of what has none: sources, folders of the project, repositories."""

    def __init__(
        self, request: Request, prepared: Prepared, staging: Path, progress: Progress, moment: datetime | None, platform: str | None
    ) -> None:
        self.notes: list[str] = []
        self._request = request
        self._prepared = prepared
        self._staging = staging
        self._progress = progress
        self._moment = moment
        self._platform = platform

    def build(self, entry: Mapping[str, Any]) -> Path:
        """A wheel of the package. Raises EnvironmentFailure."""
        name = str(entry["name"])
        folder = self._staging / "built" / name
        folder.mkdir(parents=True, exist_ok=True)
        uv = Uv(self._staging, package_index.settings(), self._progress, offline=self._request.offline)
        python = _interpreter(self._prepared)
        if "archive" in entry and _file_name(entry["archive"]).endswith(".whl"):
            return _obtained(entry["archive"], entry, self._request)
        with ExitStack() as resources:
            source = self._source(entry, resources)
            bounds = lock.bounds(self._moment, python)
            where = ("--python", python.path, "--out-dir", str(folder))
            uv.check(f"no wheel can be built of {name}", "build", "--wheel", "--quiet", *where, *bounds, source)
        built = next(iter(sorted(folder.glob("*.whl"))), None)
        if built is None:
            raise EnvironmentFailure(f"building {name} made no wheel")
        if self._platform is not None and not built.name.endswith("-none-any.whl"):
            shown = platforms.shown(self._platform)
            raise EnvironmentFailure(
                f"{name} has no wheel for {shown}, and one that is built here is for this machine only",
                hint=f"leave {shown} out of --platform",
            )
        if (entry.get("directory") or {}).get("editable"):
            self.notes.append(f"{name}, which is installed in place elsewhere, is a wheel of this revision in the package")
        return built

    def _source(self, entry: Mapping[str, Any], resources: ExitStack) -> Path:
        if "vcs" in entry:
            return self._of_repository(entry["vcs"], resources)
        if "directory" in entry:
            return Path(entry["directory"]["path"])
        return _obtained(entry.get("sdist") or entry["archive"], entry, self._request)

    def _of_repository(self, vcs: Mapping[str, Any], resources: ExitStack) -> Path:
        """The files of a package that is a repository at a commit."""
        source = sources.open(f"{vcs['type']}+{vcs['url']}#{vcs.get('subdirectory') or ''}")
        revision = source.pin(str(vcs["commit-id"]), offline=self._request.offline)
        checkout = source.fetch(revision, isolated=True)
        resources.callback(checkout.release)
        return checkout.project_dir
