"""An environment as a lock says that was recorded before, in the terms of each kind's requirements."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mlproj.environments.declarations.requirements import Requirements
from mlproj.foundation.dataclass import replace
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.locked import Locked

_URL = re.compile(r'(\burl = ")(?![A-Za-z][A-Za-z0-9+.-]*:|")')  # without a scheme: a file of the project
# A relative path in a lock as uv writes them, and what follows it.
_PATH = re.compile(r'\bpath = "(?![/"])([^"]*)"((?:, editable = true)?)')


def of_python(declared: Requirements, locked: Locked) -> Requirements:
    """What installs the packages of a ``pylock.toml`` and nothing else.

    Of what is *declared* the variables, the options of indexes, the logins in addresses and the folders that are
    installed in place remain.
    Raises EnvironmentFailure when there is no lock.
    """
    lock = lock_of(locked)
    return replace(
        declared,
        python=locked.python,
        python_reason=f"as {locked.of}",
        packages=(),
        constraints=(),
        build_dependencies=(),
        implied=(),
        lock_file=lock,
        kept_lock=locked.kept or lock,
        import_roots=locked.import_roots,
        notes=(f"exactly the packages of {locked.of}",),
        warnings=(),
        addressed=declared.with_login,
    )


def placed(text: str, root: Path) -> str:
    """A ``pylock.toml`` as it is kept, with the folders and files of the project, which are relative there, at
    *root*."""
    text = _URL.sub(lambda found: f"{found[1]}{root.as_uri()}/", text)
    return _PATH.sub(lambda found: f'path = "{os.path.normpath(root / found[1])}"{found[2]}', text)


def local_packages(lock: Path, root: Path) -> list[Path]:
    """The folders and files of the project at *root* that a ``pylock.toml`` installs copies of."""
    return [root / found[1] for found in _PATH.finditer(lock.read_text("utf-8")) if "editable" not in found[2]]


def lock_of(locked: Locked) -> Path:
    """The file with the lock. Raises EnvironmentFailure when there is none."""
    if locked.lock is None or not locked.lock.is_file():
        where = f" ({locked.lock.name})" if locked.lock else ""
        raise EnvironmentFailure(
            f"{locked.of} has no lock of its packages{where}", hint="mlproj run resolves what the project declares"
        )
    return locked.lock
