"""A package of mlproj (``.mlproj``): the project's files with its environment's lock and, where they came along, its
packages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mlproj.foundation import paths, platforms
from mlproj.foundation.dataclass import replace
from mlproj.foundation.errors import ServiceError, SourceError, UsageError
from mlproj.foundation.locked import Given, Locked
from mlproj.foundation.redaction import mask_url
from mlproj.package.format import offline, reading
from mlproj.package.format.manifest import DIFF, INPUTS, LOCKS, PACKAGES, PROJECT, PYTHON, Manifest
from mlproj.sources import workspace
from mlproj.sources.address import Address
from mlproj.sources.archive import obtained
from mlproj.sources.base import Checkout, Revision


class BundleSource:
    """A package, local or by http(s). It is known by its SHA-256; every file in it is held to the hash that it
    lists. One with a model is opened with *model* only."""

    def __init__(self, address: Address, *, model: bool = False) -> None:
        self._is_model = model
        self._place = address.place
        self._subdirectory = address.subdirectory
        self._file: Path | None = None
        self._content: str | None = None

    def pin(self, version: str | None, *, offline: bool) -> Revision:
        """The package as it is now. It has one version, the commit that it was made of: raises UsageError for
        another."""
        self._file, digest, notes = obtained(self._place, offline=offline)
        with reading.opened(self._file, self._name) as bundle:
            _check_kind(bundle.manifest, self._name, is_model=self._is_model)
            self._content = bundle.digest
            source = bundle.manifest.source
            if version is not None and version != source.get("commit"):
                raise UsageError(
                    f"version {version!r}: a package has no versions",
                    hint="leave -v out, or name the repository instead",
                )
            return Revision(
                "bundle",
                mask_url(self._place),
                subdirectory=self._subdirectory or bundle.manifest.subdirectory,
                commit=source.get("commit"),
                branch=source.get("branch"),
                tag=source.get("tag"),
                commit_date=_moment(source.get("commit_date")),
                dirty=source.get("dirty"),
                diff=bundle.text(DIFF),
                digest=f"sha256:{digest}",
                notes=notes,
            )

    @property
    def _name(self) -> str:
        """The file's name for people."""
        return mask_url(self._place).rstrip("/").rpartition("/")[2]

    def fetch(self, revision: Revision, *, isolated: bool) -> Checkout:  # noqa: ARG002  # it always is
        """The project's files in a folder of their own; what else the package has is kept in the cache."""
        assert self._file is not None
        folder, release = workspace.new()
        try:
            with reading.opened(self._file, self._name) as bundle:
                if bundle.digest != self._content:
                    raise SourceError("it was replaced meanwhile", hint="try again")
                bundle.extract(PROJECT, folder)
                given = _given(bundle.manifest, _beside(bundle), self._name)
            project = workspace.inside(folder, revision.subdirectory)
        except BaseException:
            release()
            raise
        return Checkout(folder, project, False, lambda _: None, release, given)


def _check_kind(manifest: Manifest, name: str, *, is_model: bool) -> None:
    if is_model and manifest.model is None:
        raise UsageError(f"{name} is a package of a project, and of no model", hint=f"mlproj run {name}")
    if not is_model and manifest.model is not None:
        raise UsageError(f"{name} is a package of a model, and of no project", hint=f"mlproj models serve {name}")


def _beside(bundle: reading.Bundle) -> Path:
    """The folder of the cache with all that is no file of the project; made once for each package, whole or not at
    all."""
    target = paths.bundles() / bundle.digest
    if target.is_dir():
        return target
    draft, release = workspace.new()
    try:
        for part in (LOCKS, PACKAGES, PYTHON):
            bundle.extract(part, draft / part)
        bundle.extract(INPUTS, draft / INPUTS, read_only=True)  # the next run is to find them as they are
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.rename(target)
    except OSError as error:
        if not target.is_dir():  # another run may have been faster
            raise ServiceError(f"the package cannot be unpacked into {target.parent}: {error.strerror}") from error
    finally:
        release()
    return target


def _given(manifest: Manifest, beside: Path, name: str) -> Given:
    given = Given(
        entry_point=manifest.entry_point,
        parameters={
            parameter: value for parameter, value in manifest.parameters.items() if parameter not in manifest.defaults
        },
        defaults={
            parameter: manifest.parameters[parameter]
            for parameter in manifest.defaults
            if parameter in manifest.parameters
        },
        inputs={parameter: beside / member for parameter, member in manifest.inputs.items()},
        secret=manifest.secret,
        model=manifest.model,
    )
    environment, here = manifest.environment, platforms.here()
    if environment is None:
        return given
    doubt = _unavailable(manifest, environment, here)
    if doubt:
        return replace(given, notes=(f"{doubt}; what the project declares is resolved anew",))
    return replace(given, locked=_locked(manifest, environment, beside, f"the package {name}", here))


def _unavailable(manifest: Manifest, environment: Mapping[str, Any], here: str) -> str | None:
    """Why the environment of the package cannot be made again here, None when it may."""
    if environment.get("lock") and here not in manifest.locks:
        there = ", ".join(map(platforms.shown, manifest.locks)) or "none"
        return f"the package has no lock for {platforms.shown(here)} (it has: {there})"
    image = environment.get("image") or {}
    if image and not image.get("digest") and environment.get("lock") == "image.json":
        return f"the image {image.get('name') or 'of the package'} came from no registry"
    return None


def _locked(manifest: Manifest, environment: Mapping[str, Any], beside: Path, of: str, here: str) -> Locked:
    lock = beside / manifest.locks[here] if here in manifest.locks else None
    python = manifest.python if manifest.python and manifest.python["platform"] == here else None
    locked = Locked(
        of=of,
        kind=environment["kind"],
        manager=environment["manager"],
        python=environment.get("python"),
        as_of=_moment(environment.get("as_of")),
        lock=lock,
        image=environment.get("image") or {},
        interpreter=beside / python["program"] if python else None,
    )
    packages = manifest.offline.get(here)
    if lock is None:
        return locked
    text = lock.read_text("utf-8")
    if packages is None:
        return locked
    rewrite = offline.conda_lock if lock.name == "conda.lock.txt" else offline.python_lock
    files = {package: (beside / member, manifest.members[member].sha256) for package, member in packages.items()}
    written = _written(beside / "offline" / lock.name, rewrite(text, files))
    return replace(locked, lock=written, kept=lock, import_roots=manifest.import_roots)


def _written(file: Path, text: str) -> Path:
    try:
        if not file.exists():
            paths.write_atomic(file, text)
    except OSError as error:
        raise ServiceError(f"{file} cannot be written: {error.strerror}") from error
    return file


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc) if text else None
    except (ValueError, OverflowError):
        return None
