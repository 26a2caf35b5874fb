"""An environment as a lock says that was recorded before, in the terms of each kind's requirements."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from mlproj import paths
from mlproj.dataclass import replace
from mlproj.environments.requirements import Requirements
from mlproj.errors import EnvironmentFailure
from mlproj.locked import Locked


def of_python(declared: Requirements, locked: Locked, root: Path) -> Requirements:
    """What installs the packages of a ``pylock.toml`` and nothing else, for the project at *root*.

    Of what is *declared* the variables, the options of indexes and the folders that are installed in place remain.
    Raises EnvironmentFailure when there is no lock.
    """
    lock = lock_of(locked)
    text = placed(lock.read_text("utf-8"), root)
    file = paths.cache() / "locks" / hashlib.sha256(text.encode()).hexdigest() / lock.name
    if not file.exists():
        paths.write_atomic(file, text)
    return replace(
        declared,
        python=locked.python,
        python_reason=f"as {locked.of}",
        packages=(),
        constraints=(),
        build_dependencies=(),
        implied=(),
        lock_file=file,
        kept_lock=locked.kept,
        import_roots=locked.import_roots,
        notes=(f"exactly the packages of {locked.of}",),
        warnings=(),
    )


def placed(text: str, root: Path) -> str:
    """A ``pylock.toml`` as it is kept, with the folders and files of the project, which are relative there, at *root*."""
    return re.sub(r'(\bpath = ")(?![/"])\.?/?([^"]*")', lambda match: f"{match[1]}{root}/{match[2]}".replace('/"', '"'), text)


def lock_of(locked: Locked) -> Path:
    """The file with the lock. Raises EnvironmentFailure when there is none."""
    if locked.lock is None or not locked.lock.is_file():
        where = f" ({locked.lock.name})" if locked.lock else ""
        raise EnvironmentFailure(f"{locked.of} has no lock of its packages{where}", hint="mlproj run resolves what the project declares")
    return locked.lock
