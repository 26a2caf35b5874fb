"""Where mlproj keeps things, and how files come to be whole.

Home holds what must not be lost and is never deleted without being asked; everything in the cache may be deleted at
any time and is made again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlproj import env_vars


def home() -> Path:
    """``MLPROJ_HOME``, else the platform's folder for user data."""
    chosen = env_vars.HOME.get()
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("mlproj", appauthor=False))


def cache() -> Path:
    """``MLPROJ_CACHE``, else the platform's folder for caches."""
    chosen = env_vars.CACHE.get()
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("mlproj", appauthor=False))


def database() -> Path:
    """The SQLite file with all runs."""
    return home() / "mlproj.db"


def run_dir(run_id: str) -> Path:
    """The folder of one run: plan, log, lock and diff, readable without mlproj."""
    return home() / "runs" / run_id


def artifacts() -> Path:
    """The root of all artifacts kept on this machine."""
    return home() / "artifacts"


def git_mirrors() -> Path:
    """Bare mirrors of Git repositories."""
    return cache() / "git"


def environments() -> Path:
    """Built environments, one folder per key."""
    return cache() / "envs"


def checkouts() -> Path:
    """Working folders of running and recent runs."""
    return cache() / "checkouts"


def downloads() -> Path:
    """Files fetched for archives and ``path`` parameters, by content."""
    return cache() / "downloads"


def write_atomic(path: Path, data: str | bytes) -> None:
    """Make *path* hold *data*, all of it or what it held before; its folder is made when missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    payload = data.encode() if isinstance(data, str) else data
    temporary = path.with_name(f".{path.name[:200]}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        with temporary.open("xb") as file:
            file.write(payload)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def temporary_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A folder beside its future place, so that one rename publishes it; gone afterwards unless it was renamed."""
    import shutil
    import tempfile

    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
