"""An environment of R packages: those of a ``renv.lock``, in a library that nothing else is in."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlproj.environments.base import INSIDE, MATERIAL, Declaration, Description, Environment, Packed, Prepared, Request
from mlproj.environments.cache import transaction
from mlproj.environments.python import key, shebang
from mlproj.environments.renv import lockfile, program
from mlproj.environments.renv.lockfile import Lockfile
from mlproj.environments.renv.program import R
from mlproj.foundation import paths
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import mask_url

if TYPE_CHECKING:
    from mlproj.environments.renv.source import Source

_LAYOUT = 1
"""Raised when what is installed from the same lock changes."""
_LIBRARY = "library"

_SCRIPT = """\
if ! command -v R >/dev/null; then echo "the image has no R" >&2; exit 1; fi
mkdir -p {library}
{exports}cd {material}
for file in {files}; do R CMD INSTALL {options} --library={library} "$file"; done
"""


def create(request: Request, declaration: Declaration, progress: Progress) -> Environment:
    """The environment that the lock of *declaration* asks for. Nothing is fetched.

    Raises InvalidProject, and EnvironmentFailure for packages that cannot be had and where there is no R.
    """
    assert declaration.file is not None
    lock = lockfile.load(declaration.file)
    here = program.find() if request.in_container is None else None
    if here is None and request.in_container is None:
        raise EnvironmentFailure(
            f"{declaration.file.name} asks for R {lock.r_version}, and Rscript is not on PATH",
            hint="install R (https://cran.r-project.org), or let it run in a container: --in-container",
            is_program_missing=True,
        )
    if here is not None and _minor(here.version) != _minor(lock.r_version):
        progress.warn(f"{_told_apart(lock, here)}: packages may not fit it")
    return RenvEnvironment(request, declaration, lock, here)


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]


def _told_apart(lock: Lockfile, here: R) -> str:
    return f"renv.lock was made with R {lock.r_version}, and R {here.version} is here"


def _notes(lock: Lockfile, here: R | None) -> tuple[str, ...]:
    other = [_told_apart(lock, here)] if here is not None and here.version != lock.r_version else []
    python = ["renv.lock names a Python, too, which is not made"] if lock.names_python else []
    return (*other, *python)


class RenvEnvironment:
    """The packages of a lock for the R that is *here*, or (None) for that of an image."""

    def __init__(self, request: Request, declaration: Declaration, lock: Lockfile, here: R | None) -> None:
        self._request = request
        self._lock = lock
        self._here = here
        self.description = Description(
            kind="renv",
            manager="R",
            declaration=declaration,
            key=key.digest(
                {
                    "layout": _LAYOUT,
                    "r": [here.version, os.path.realpath(here.rscript), os.uname().machine] if here else None,
                    "packages": [
                        [one.name, one.version, [mask_url(url) for url in one.addresses], one.sha256]
                        for one in lock.records
                    ],
                }
            ),
            language=f"R {here.version if here else lock.r_version}",
            requirements=tuple(f"{one.name} {one.version}" for one in lock.records),
            notes=_notes(lock, here),
        )

    def is_ready(self) -> bool:
        """Whether it is built."""
        assert self.description.key is not None
        return transaction.find(self.description.key) is not None

    def prepare(self, progress: Progress, *, rebuild: bool = False) -> Prepared:
        """Build it, or find it built; it is kept from removal until this process ends. Raises EnvironmentFailure."""
        assert self.description.key is not None
        folder, reused = transaction.obtain(
            self.description.key, lambda staging: self._build(staging, progress), progress, rebuild=rebuild
        )
        return Prepared(
            variables=program.variables(str(folder / _LIBRARY)),
            lock=folder / lockfile.NAME,
            reused=reused,
            packages=transaction.description(folder).get("packages", {}),
            readable=(folder / _LIBRARY,),
        )

    def _build(self, staging: Path, progress: Progress) -> dict[str, Any]:
        assert self.description.key is not None and self._here is not None
        sources = self._obtained(progress)
        library = staging / _LIBRARY
        library.mkdir()
        with progress.step(f"installing {len(sources)} R packages"):
            for source in sources:
                self._here.install(source, library, progress)
        _point_at(library, paths.environments() / self.description.key / _LIBRARY)
        (staging / lockfile.NAME).write_text(self._recorded(sources), "utf-8")
        return {**self.description.stored(), "packages": _versions(sources)}

    def _obtained(self, progress: Progress) -> list[Source]:
        """The packages' sources, each after those that it needs."""
        from mlproj.environments.renv import description, source

        with progress.step(f"fetching {len(self._lock.records)} R packages"):
            found = {record.name: source.obtain(record, offline=self._request.offline) for record in self._lock.records}
        return [found[name] for name in description.in_order({name: one.needs for name, one in found.items()})]

    def _recorded(self, sources: list[Source]) -> str:
        fields = {
            one.record.name: {"url": one.url, "sha256": one.sha256}
            for one in sorted(sources, key=lambda one: one.record.name)
        }
        return lockfile.recorded(self._lock, self._here.version if self._here else None, fields)

    @property
    def fitting_image(self) -> str:
        """R of the lock's version with compilers (https://rocker-project.org/images/versioned/r-ver.html)."""
        return f"rocker/r-ver:{self._lock.r_version}"

    def contents(self) -> list[str]:
        """Nothing of the checkout gets into an image."""
        return []

    def pack(self, staging: Path, progress: Progress) -> Packed:
        """The packages' sources, in the order in which the script installs them. Raises EnvironmentFailure."""
        sources = self._obtained(progress)
        for source in sources:
            shutil.copyfile(source.path, staging / _file_name(source))
        library = f"{INSIDE}/{_LIBRARY}"
        variables = program.variables(library)
        return Packed(
            script=_SCRIPT.format(
                library=library,
                material=MATERIAL,
                exports="".join(f"export {name}={value}\n" for name, value in variables.items()),
                files=" ".join(map(_file_name, sources)),
                options=" ".join(program.OPTIONS),
            ),
            lock=(lockfile.NAME, self._recorded(sources)),
            variables=variables,
            packages=_versions(sources),
        )


def _file_name(source: Source) -> str:
    return f"{source.record.name}_{source.record.version}.tar.gz"


def _versions(sources: list[Source]) -> dict[str, str]:
    return {source.record.name: source.record.version for source in sources}


def _point_at(library: Path, final: Path) -> None:
    """Let what packages have noted of their *library*, as shared libraries do that find others there, name the *final*
    place.

    The name has to stay as long as it is; a slash more means the same place.
    """
    built = os.fsencode(library)
    there = os.fsencode(final.parent).ljust(len(built) - len(_LIBRARY), b"/") + _LIBRARY.encode()
    for place in library.rglob("*"):
        if place.is_file() and not place.is_symlink() and built in (content := place.read_bytes()):
            shebang.replace(place, content.replace(built, there))
