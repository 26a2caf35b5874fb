"""A command that never began: who ended in its place, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from mlproj.backends.base import Job, Outcome
from mlproj.environments.base import Prepared
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.redaction import redact


def explain(outcome: Outcome, environ: Mapping[str, str], prepared: Prepared) -> str | None:
    """What happened, where the command of a run that ended by itself never began; it was to get *environ*. None where
    it began, where more is known of a failure, or nobody knows."""
    is_explained = outcome.exit_code != 0 and outcome.explanation is not None
    if outcome.has_begun is not False or outcome.stopped_by is not None or is_explained:
        return None
    return f"the command never began: {_who(environ, prepared)} ended with exit code {outcome.exit_code} in its place"


def check(outcome: Outcome, environ: Mapping[str, str], prepared: Prepared) -> None:
    """Raises EnvironmentFailure for what would pass for a success, and where the command never began."""
    what = explain(outcome, environ, prepared)
    if what is not None and outcome.exit_code == 0:
        whose = "the image's fault" if prepared.container_runtime is not None else "this machine's fault"
        raise EnvironmentFailure(what, hint=f"{_remedy(environ, prepared)}; it is {whose}, not the command's")


def is_sandbox_at_fault(job: Job, outcome: Outcome) -> bool:
    """Whether the program that was to make a sandbox for *job* failed itself, before the command began."""
    if job.encloser is None or outcome.has_begun is not False or outcome.stopped_by is not None:
        return False
    from mlproj.run_folder import output_log

    return outcome.exit_code == 1 and output_log.tail(job.log_dir, 1).startswith(f"{job.encloser}: ".encode())


def _who(environ: Mapping[str, str], prepared: Prepared) -> str:
    if prepared.container_runtime is not None:
        program = prepared.container_runtime.entry_point
        return f"the container's ENTRYPOINT {redact(program)}" if program else "the shell of the image"
    if "noexec" in environ.get("SHELLOPTS", "").split(":"):
        return "bash, which SHELLOPTS tells to execute nothing (noexec),"
    if environ.get("BASH_ENV"):
        return f"bash, which first executes the file that BASH_ENV names ({json.dumps(redact(environ['BASH_ENV']))}),"
    return "bash"


def _remedy(environ: Mapping[str, str], prepared: Prepared) -> str:
    if prepared.container_runtime is not None:
        if prepared.container_runtime.entry_point:
            return "leave it out with -A entrypoint="
        return "look for what the image's shell executes first (BASH_ENV, SHELLOPTS), and whether it is a shell"
    if "noexec" in environ.get("SHELLOPTS", "").split(":"):
        return "unset SHELLOPTS"
    if environ.get("BASH_ENV"):
        return "let that file not exit, or unset BASH_ENV"
    return "is the bash that comes first on PATH the real one?"
