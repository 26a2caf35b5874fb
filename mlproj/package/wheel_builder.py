"""Builds wheels of what has none: sources, folders of the project, repositories; the same bytes of the same sources."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mlproj import sources
from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import lock, package_index, uv_configuration
from mlproj.environments.python.interpreter import Interpreter
from mlproj.environments.python.target import Target
from mlproj.foundation import platforms
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.progress import Progress

_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip archive can say


class Builder:
    """Builds with a Python and what is needed for that as of a moment. ``notes`` say what people should know of the
    wheels.

    Methods raise EnvironmentFailure with the build's own reason.
    """

    def __init__(
        self,
        staging: Path,
        python: Interpreter,
        target: Target,
        moment: datetime | None,
        progress: Progress,
        *,
        offline: bool,
        declared: Requirements,
    ) -> None:
        self.notes: list[str] = []
        settings = {**package_index.settings(), **_alike()}
        self._uv = uv_configuration.uv_for(staging, declared, progress, offline=offline, settings=settings)
        self._python = python
        self._target = target
        self._moment = moment

    def of_archive(self, entry: Mapping[str, Any], archive: Path) -> Path:
        """A wheel of a package's sources."""
        return self._build(entry, archive)

    def of_folder(self, entry: Mapping[str, Any]) -> Path:
        """A wheel of a package that is a folder of the project."""
        folder = entry["directory"]
        if folder.get("editable"):
            self.notes.append(
                f"{entry['name']}, which is installed in place elsewhere, is a wheel of this revision in the package"
            )
        return self._build(entry, Path(folder["path"], folder.get("subdirectory") or ""))

    def of_repository(self, entry: Mapping[str, Any]) -> Path:
        """A wheel of a package that is a repository at a commit."""
        vcs = entry["vcs"]
        source = sources.open(f"{vcs['type']}+{vcs['url']}#{vcs.get('subdirectory') or ''}")
        checkout = source.fetch(source.pin(str(vcs["commit-id"]), offline=self._uv.offline), isolated=True)
        try:
            return self._build(entry, checkout.project_dir)
        finally:
            checkout.release()

    def _build(self, entry: Mapping[str, Any], source: Path) -> Path:
        name = str(entry["name"])
        folder = self._uv.folder / "built" / name
        folder.mkdir(parents=True, exist_ok=True)
        bounds = lock.bounds(self._moment, self._python)
        where = ("--python", self._python.path, "--out-dir", str(folder))
        with self._uv.progress.step(f"building a wheel of {name}"):
            self._uv.check(f"no wheel can be built of {name}", "build", "--wheel", "--quiet", *where, *bounds, source)
        built = next(iter(sorted(folder.glob("*.whl"))), None)
        if built is None:
            raise EnvironmentFailure(f"building {name} made no wheel")
        if not self._target.is_here and not built.name.endswith("-none-any.whl"):
            shown = platforms.shown(self._target.platform)
            raise EnvironmentFailure(
                f"{name} has no wheel for {shown}, and one that is built here is for this machine only",
                hint=f"leave {shown} out of --platform",
            )
        _normalise(built)
        return built


def _alike() -> dict[str, str]:
    """What builds look at so as to make the same of the same, with no names of passing folders in compiled code.

    https://reproducible-builds.org/specs/source-date-epoch
    """
    flags = {name: f"{os.environ.get(name, '')} -g0".strip() for name in ("CFLAGS", "CXXFLAGS")}
    return {"SOURCE_DATE_EPOCH": "315532800", "PYTHONHASHSEED": "0", **flags}


def _normalise(wheel: Path) -> None:
    """Write *wheel* anew without what depends on when and by whom it was built; its own list of hashes holds as
    before."""
    draft = wheel.with_suffix(".new")
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as new:
        for original in sorted(old.infolist(), key=lambda entry: entry.filename):
            if original.is_dir():
                continue
            entry = zipfile.ZipInfo(original.filename, _FIRST_DAY)
            is_program = bool(original.external_attr >> 16 & 0o100)
            entry.create_system, entry.external_attr = 3, (0o100755 if is_program else 0o100644) << 16
            entry.file_size = original.file_size
            with old.open(original) as content, new.open(entry, "w") as copy:
                while block := content.read(1 << 20):
                    copy.write(block)
    draft.replace(wheel)
