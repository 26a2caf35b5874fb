"""A model's environment as it goes into an image: compiled, and without what only installs or tests packages."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from mlproj.environments.base import INSIDE, Description, Packable, Packed, Prepared
from mlproj.foundation.dataclass import replace
from mlproj.foundation.progress import Progress

_INSTALLERS = ("pip", "wheel")
_TESTED = ("matplotlib", "numpy", "pandas", "pyarrow", "scipy", "sklearn", "statsmodels")
"""Packages whose own tests are large, and which never import them; others (astropy) do."""

_TIDY = """\
import os, shutil, sys

for folder in sys.argv[2:]:
    for place, folders, files in os.walk(os.path.join(sys.argv[1], folder)):
        if "tests" in folders:
            shutil.rmtree(os.path.join(place, "tests"))
            folders.remove("tests")
if sys.version_info >= (3, 7):
    import compileall, py_compile
    compileall.compile_dir(sys.argv[1], quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
"""


class ServingEnvironment:
    """*inner* for an image that only serves. Whoever runs the container cannot write there, so it is compiled."""

    def __init__(self, inner: Packable) -> None:
        self._inner = inner

    @property
    def description(self) -> Description:
        """That of the environment itself."""
        return self._inner.description

    def is_ready(self) -> bool:
        """Whether the environment itself is built."""
        return self._inner.is_ready()

    def prepare(self, progress: Progress, *, rebuild: bool = False) -> Prepared:
        """Build the environment itself. Raises EnvironmentFailure."""
        return self._inner.prepare(progress, rebuild=rebuild)

    @property
    def fitting_image(self) -> str:
        """The name of an image that it can be made in, where the user names none."""
        return self._inner.fitting_image

    def contents(self) -> list[str]:
        """What makes its image another one than that of the environment in full."""
        return [*self._inner.contents(), "serving-1"]

    def pack(self, staging: Path, progress: Progress) -> Packed:
        """What an image is made of. Raises EnvironmentFailure."""
        packed = self._inner.pack(staging, progress)
        lock = staging / "pylock.toml"
        if not lock.exists():
            return replace(packed, script=packed.script + _tidying())
        lock.write_text(without_installers(lock.read_text("utf-8")), "utf-8")
        return replace(
            packed,
            script=packed.script + _tidying(),
            lock=(packed.lock[0], without_installers(packed.lock[1])),
            packages={name: version for name, version in packed.packages.items() if name not in _INSTALLERS},
        )


def without_installers(lock: str) -> str:
    """The ``pylock.toml`` *lock* without the packages that only install others."""
    head, *packages = re.split(r"(?m)^(?=\[\[packages\]\]\s*$)", lock)
    return "".join([head, *(_rest(one) if _name(one) in _INSTALLERS else one for one in packages)])


def _name(package: str) -> str | None:
    found = re.search(r'(?m)^name\s*=\s*"([^"]+)"', package)
    return found[1].lower() if found else None


def _rest(package: str) -> str:
    """What follows a package that is left out: tables of the lock itself."""
    found = re.search(r"(?m)^\[(?!\[?packages\b)", package)
    return package[found.start() :] if found else ""


def _tidying() -> str:
    """The lines of a shell that make an environment one that only serves."""
    tidy = f"{INSIDE}/bin/python -I -c {shlex.quote(_TIDY)} $folder {' '.join(_TESTED)}"
    return f"\nfor folder in {INSIDE}/lib/python*/site-packages; do {tidy}; done\n"
