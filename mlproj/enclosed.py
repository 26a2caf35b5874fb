"""A job put into a container or the like: what of this machine it sees there, and its end."""

from __future__ import annotations

from pathlib import Path

from mlproj import env_vars
from mlproj.backends.base import Job
from mlproj.dataclass import replace
from mlproj.environments.base import Enclosure, Folders
from mlproj.plan import Plan
from mlproj.recording import Recording

# Folders of this machine that a program in a container has nothing of.
_OF_THIS_MACHINE = {env_vars.HOME.name, env_vars.CACHE.name, "MLFLOW_CONDA_HOME", "MLFLOW_ALLOW_FILE_STORE"}


def put(job: Job, enclosure: Enclosure, plan: Plan, recording: Recording) -> Job:
    """*job* inside of *enclosure*. Raises ServiceError, EnvironmentFailure."""
    variables = {name: value for name, value in job.environ.items() if name not in _OF_THIS_MACHINE}
    inside = enclosure.put(plan.command.text, variables, _folders(plan, recording), job.run_id)

    def is_lasting(_pid: int | None) -> None:
        recording.is_lasting(enclosure.pid(job.run_id))

    def over() -> None:
        recording.explanation = enclosure.end(job.run_id)

    return replace(job, argv=inside.argv, environ=inside.environ, rescue=inside.rescue, when_lasting=is_lasting, over=over)


def _folders(plan: Plan, recording: Recording) -> Folders:
    """The project, the places where the program logs, and the inputs, all but the project under the names they have here."""
    inputs = [given.path for given in plan.command.inputs]
    project_dir = plan.checkout.project_dir
    within = [path for path in inputs if path.is_relative_to(project_dir)]
    writable = _outermost([recording.run_dir, recording.artifacts, *([project_dir] if within else [])])
    return Folders(project_dir, writable, _outermost([path for path in inputs if path not in within]))


def _outermost(places: list[Path]) -> tuple[Path, ...]:
    """Each place once, and none that is in another one of them."""
    return tuple(one for one in dict.fromkeys(places) if not any(one != other and one.is_relative_to(other) for other in places))
