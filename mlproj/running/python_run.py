"""``mlproj.run``: ``mlproj run`` from Python."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from mlproj.foundation import env_vars
from mlproj.foundation.progress import Progress, Silent
from mlproj.running import runner
from mlproj.running.handle import RunHandle
from mlproj.running.plan import Plan, RunRequest
from mlproj.running.recording import new_run_id


def run(
    uri: str,
    entry_point: str | None = None,
    version: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    *,
    synchronous: bool = True,
    progress: Progress | None = None,
    **options: Any,
) -> RunHandle:
    """Run a project and record what happened; ``mlproj run`` from Python.

    *options* are the other fields of :class:`mlproj.running.plan.RunRequest` (``experiment_name``, ``env_manager``,
    ``as_of``, …). With ``synchronous=False`` the run goes on in a thread after this returns; Python does not exit
    before it has ended. Called from inside a run, it makes a child run. An entry point that fails shows in the
    handle's ``status``; what keeps it from starting is raised: UsageError, InvalidProject, SourceError,
    EnvironmentFailure, ServiceError.
    """
    progress = progress or Silent()
    options.setdefault("parent_run_id", env_vars.RUN_ID.get())
    request = RunRequest(
        uri=os.fspath(uri), entry_point=entry_point, version=version, parameters=dict(parameters or {}), **options
    )
    handle = RunHandle(new_run_id())
    with ExitStack() as stack:
        plan = stack.enter_context(runner.planned(request, progress))
        if synchronous:
            _complete(handle, plan, progress, stack.pop_all())
            handle.wait()
            return handle
        threading.Thread(
            target=_complete, args=(handle, plan, progress, stack.pop_all()), name=f"mlproj-run-{handle.run_id[:8]}"
        ).start()
    return handle


def _complete(handle: RunHandle, plan: Plan, progress: Progress, resources: ExitStack) -> None:
    with resources:
        handle.complete(lambda: runner.execute(plan, progress, handle=handle))
