"""Logging to the active run: the one that was started last, else the one that this program is part of, else a new one.

The active run is that of the whole process: its threads and forked processes log to it too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from mlproj.foundation.errors import UsageError
from mlproj.logging_api import active_run as runs
from mlproj.logging_api import line
from mlproj.logging_api.active_run import ActiveRun

_STATUSES = ("FINISHED", "FAILED", "KILLED")
_ADOPTED = "adopted"
_own: list[ActiveRun] = []  # the run that this program is part of, when it was looked up and there is one


def log_metric(key: str, value: float, step: int | None = None, timestamp: int | None = None) -> None:
    """Log a value of a metric: a number, NaN or infinite. Without a *step* it is 0; *timestamp* is UTC milliseconds,
    None: now.

    Raises UsageError for what is no number or no name.
    """
    run = _active()
    run.metrics.append(_metric(run, key, value, step, timestamp).encode())


def log_metrics(metrics: Mapping[str, float], step: int | None = None, timestamp: int | None = None) -> None:
    """Log many metrics at once; all of them, or none when one is wrong."""
    run = _active()
    if step is None:
        lines = [_metric(run, key, value, None, timestamp) for key, value in metrics.items()]
    else:
        number = line.integer("step", step)
        moment = time.time_ns() // 1_000_000 if timestamp is None else line.moment(timestamp)
        lines = [line.metric(key, value, number, moment) for key, value in metrics.items()]
    if lines:
        run.metrics.append("".join(lines).encode())


def log_param(key: str, value: Any) -> None:
    """Log a parameter, as text. The first value of a parameter stays; another one is reported as a warning when the run
    ends."""
    _active().params.append(line.text("parameter", key, value).encode())


def log_params(params: Mapping[str, Any]) -> None:
    """Log many parameters at once."""
    lines = "".join([line.text("parameter", key, value) for key, value in params.items()])
    if lines:
        _active().params.append(lines.encode())


def set_tag(key: str, value: Any) -> None:
    """Set a tag, as text; a new value replaces the old one."""
    _active().tags.append(line.text("tag", key, value).encode())


def set_tags(tags: Mapping[str, Any]) -> None:
    """Set many tags at once."""
    _tag(_active(), tags)


def active_run() -> ActiveRun | None:
    """The run that is logged to; None when there is none yet."""
    with runs.change():
        return runs.started[-1] if runs.started else _of_environment()


def start_run(
    run_id: str | None = None,
    *,
    run_name: str | None = None,
    experiment_name: str | None = None,
    nested: bool = False,
    tags: Mapping[str, Any] | None = None,
) -> ActiveRun:
    """Start a run and make it the active one; use it as a context manager, or call :func:`end_run`.

    In a program that ``mlproj run`` started, the first run *is* that run, which takes the name and tags given here;
    further ones are its children. With *run_id* a run of the store is gone on with. *nested* starts a child of the
    active run. Raises UsageError when a run is active already, or for an unknown run; ServiceError when runs cannot be
    recorded.
    """
    lines = "".join([line.text("tag", key, value) for key, value in (tags or {}).items()])
    with runs.change():
        if runs.started and not nested:
            raise UsageError(
                f"the run {runs.started[-1].run_id} is active",
                hint="end it first with mlproj.end_run(), or give nested=True",
            )
        own = _of_environment()
        if own and not runs.started and (run_id == own.run_id or (run_id is None and _adopts(own))):
            _adopt(own, run_name, experiment_name)
            run = own
        else:
            from mlproj.logging_api import owned_run

            parent = runs.started[-1] if runs.started else own
            run = owned_run.start(run_id, run_name, experiment_name, parent.run_id if parent else None)
        if lines:
            run.tags.append(lines.encode())
        runs.started.append(run)
        return run


def end_run(status: str = "FINISHED") -> None:
    """End the active run, if this program started one. ``status`` is FINISHED, FAILED or KILLED."""
    if status not in _STATUSES:
        raise UsageError(f"{status!r} is no status that a run ends with; expected one of {', '.join(_STATUSES)}")
    with runs.change():
        if runs.started:
            runs.close(runs.started[-1], status, None)


def _metric(run: ActiveRun, key: str, value: float, step: int | None, timestamp: int | None) -> str:
    if timestamp is not None:
        return line.metric(key, value, 0 if step is None else line.integer("step", step), line.moment(timestamp))
    now = time.time_ns() // 1_000_000
    if step is not None:
        return line.metric(
            key, value, step if type(step) is int and -1 < step < 1 << 62 else line.integer("step", step), now
        )
    # Of points of one step the latest one counts; within a millisecond it would be the greatest.
    if isinstance(key, str) and now <= run.latest.get(key, 0):
        now = run.latest[key] + 1
    text = line.metric(key, value, 0, now)
    run.latest[key] = now
    return text


def _tag(run: ActiveRun, tags: Mapping[str, Any]) -> None:
    lines = "".join([line.text("tag", key, value) for key, value in tags.items()])
    if lines:
        run.tags.append(lines.encode())


def _active() -> ActiveRun:
    if runs.started:
        return runs.started[-1]
    if _own:
        return _own[0]
    return active_run() or start_run()


def _of_environment() -> ActiveRun | None:
    if not _own and (run := runs.of_environment()):
        _own.append(run)
    return _own[0] if _own else None


def _adopts(run: ActiveRun) -> bool:
    """Whether *run* is not taken yet; one program of the run can take it."""
    try:
        os.close(os.open(run.run_dir / _ADOPTED, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
    except FileExistsError:
        return False
    except OSError:  # a folder that we cannot write to
        return True
    return True


def _adopt(run: ActiveRun, run_name: str | None, experiment_name: str | None) -> None:
    if run_name:
        _tag(run, {"mlflow.runName": run_name})
    if experiment_name:
        from mlproj.logging_api import owned_run

        owned_run.move(run.run_id, experiment_name)
