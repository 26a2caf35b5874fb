"""Runs that a program logs to: where their files are, which of them it started, and how they end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from mlproj.foundation import env_vars
from mlproj.logging_api.line_file import LineFile

_METRICS, _PARAMS, _TAGS = (
    "metrics.log",
    "params.log",
    "tags.log",
)  # as in mlproj.run_folder.log_file, which brings the store along


class ActiveRun:
    """A run that is logged to. As a context manager it ends with the block: FINISHED, or FAILED by an exception, or
    KILLED by Ctrl-C."""

    def __init__(self, run_id: str, run_dir: str, environ: dict[str, str]) -> None:
        self.run_id = run_id
        self.run_dir = Path(run_dir)
        self.artifact_dir = Path(environ.get(env_vars.ARTIFACTS.name) or self.run_dir / "artifacts")
        self.metrics = LineFile(environ.get(env_vars.METRICS.name) or str(self.run_dir / _METRICS))
        self.params = LineFile(environ.get(env_vars.PARAMS.name) or str(self.run_dir / _PARAMS))
        self.tags = LineFile(environ.get(env_vars.TAGS.name) or str(self.run_dir / _TAGS))
        self.latest: dict[str, int] = {}
        self.end: Callable[[str, str | None], object] = _nothing
        self.flush: Callable[[], object] = _nothing

    @property
    def environ(self) -> dict[str, str]:
        """The variables by which another program (``subprocess.run(…, env={**os.environ, **run.environ})``) logs to
        this run."""
        return {
            env_vars.RUN_ID.name: self.run_id,
            env_vars.RUN_DIR.name: str(self.run_dir),
            env_vars.METRICS.name: self.metrics.path,
            env_vars.PARAMS.name: self.params.path,
            env_vars.TAGS.name: self.tags.path,
            env_vars.ARTIFACTS.name: str(self.artifact_dir),
        }

    def __repr__(self) -> str:
        return f"<ActiveRun {self.run_id}>"

    def __enter__(self) -> ActiveRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        close(self, *judge(error))


started: list[ActiveRun] = []
"""The runs that this program started and that have not ended, the active one last; changed under :func:`change`
only."""
_lock = threading.RLock()


def change() -> AbstractContextManager[object]:
    """What is held while :data:`started` is looked at and changed."""
    return _lock


def close(run: ActiveRun, status: str, reason: str | None) -> None:
    """End *run* and those that were started inside of it; nothing when it has ended."""
    with _lock:
        while run in started:
            ended = started.pop()
            ended.end(status, reason)


def judge(error: BaseException | None) -> tuple[str, str | None]:
    """What the exception that ended a block, if one did, means for the run: its status and the reason."""
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "FINISHED", None
    if isinstance(error, SystemExit):
        return "FAILED", f"the program exited with {error.code!r:.200}"
    if isinstance(error, (KeyboardInterrupt, GeneratorExit)):
        return "KILLED", "interrupted"
    return "FAILED", f"{type(error).__name__}: {error!s:.2000}"


def of_environment() -> ActiveRun | None:
    """The run that this program is part of, None when it is part of none."""
    environ = dict(os.environ)
    run_id, run_dir = environ.get(env_vars.RUN_ID.name), environ.get(env_vars.RUN_DIR.name)
    return ActiveRun(run_id, run_dir, environ) if run_id and run_dir else None


def _nothing(*_: object) -> None:
    return None


def _after_fork() -> None:
    """A forked process logs to the runs of its parent, and ends none of them."""
    global _lock
    _lock = threading.RLock()
    for run in started:
        run.end = run.flush = _nothing


os.register_at_fork(after_in_child=_after_fork)
