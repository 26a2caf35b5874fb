"""Where mlproj keeps things, and how files come to be whole.

Home holds what must not be lost and is never deleted without being asked; everything in the cache may be deleted at
any time and is made again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlproj.foundation import env_vars


def home() -> Path:
    """``MLPROJ_HOME``, else the platform's folder for user data."""
    chosen = env_vars.HOME.get()
    if chosen:
        return Path(chosen).expanduser().absolute()
    return _platforms("user_data_dir", "XDG_DATA_HOME", "~/.local/share")


def cache() -> Path:
    """``MLPROJ_CACHE``, else the platform's folder for caches."""
    chosen = env_vars.CACHE.get()
    if chosen:
        return Path(chosen).expanduser().absolute()
    return _platforms("user_cache_dir", "XDG_CACHE_HOME", "~/.cache")


def _platforms(kind: str, variable: str, default: str) -> Path:
    """What platformdirs says for *kind*.

    On Linux the rule is short, and importing a library for it takes a tenth of a short run: an absolute path in
    *variable*, else *default* (https://specifications.freedesktop.org/basedir-spec/latest/).
    """
    chosen = os.environ.get(variable, "")
    if sys.platform == "linux" and chosen[:1] in ("", "/") and "ANDROID_DATA" not in os.environ:
        return Path(chosen or os.path.expanduser(default), "mlproj")  # noqa: PTH111  # that of Path raises without a home
    import platformdirs

    return Path(getattr(platformdirs, kind)("mlproj", appauthor=False))


def database() -> Path:
    """The SQLite file with all runs."""
    return home() / "mlproj.db"


def run_dir(run_id: str) -> Path:
    """The folder of one run: plan, log, lock and diff, readable without mlproj."""
    return home() / "runs" / run_id


PLAN = "plan.json"
"""In a run's folder: what was decided before it began."""

DEFINITION = "MLproject"
"""In a run's folder: the project's definition as it was read."""

DIFF = "diff.patch"
"""In a run's folder: what made the project's folder differ from its commit."""

STATEMENT = "statement.intoto.jsonl"
"""In a run's folder: the signed statement about it."""


def bisections() -> Path:
    """What searches for a commit have measured, a file each."""
    return home() / "bisect"


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


def bundles() -> Path:
    """What came with packages beside the projects' files, by the packages' content."""
    return cache() / "bundles"


def downloads() -> Path:
    """Files fetched for archives and ``path`` parameters, by content."""
    return cache() / "downloads"


def nested_conda() -> Path:
    """What ``mlflow.run`` inside a run finds in place of a conda."""
    return cache() / "nested-conda"


PROJECT = "project"
"""The folder of a run's folder with a copy of a project that has no history."""


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
