"""A job put into a container or the like: what of this machine it sees there, and its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlproj.backends.base import Job
from mlproj.environments.base import Door, Enclosure, Folders
from mlproj.foundation import env_vars, paths
from mlproj.foundation.dataclass import replace
from mlproj.running.plan import Plan
from mlproj.running.recording import Recording

# Folders of this machine that a program in a container has nothing of.
_OF_THIS_MACHINE = {env_vars.HOME.name, env_vars.CACHE.name, "MLFLOW_CONDA_HOME", "MLFLOW_ALLOW_FILE_STORE"}
_UNOPENED = (
    "what its program logs through MLflow did not reach the run: the image has no Python 3 that can open the sandbox's"
    " door"
)


@contextmanager
def door(plan: Plan, recording: Recording) -> Iterator[Door | None]:
    """A way from a sandbox to the run's tracking server for as long as the block lasts; None where the network is
    one."""
    if not plan.request.sandbox:
        yield None
        return
    from mlproj.backends.socket_forwarder import MountedSocketForwarder

    assert recording.embedded is not None
    port = recording.embedded.port
    path = paths.cache() / "doors" / recording.run_id
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with MountedSocketForwarder(port, path) as doorway:
        yield Door(path, port)
    if not doorway.was_opened:
        recording.progress.warn(_UNOPENED)


def launch(job: Job, enclosure: Enclosure, plan: Plan, recording: Recording, door: Door | None) -> Job:
    """*job* inside of *enclosure*. Raises ServiceError, EnvironmentFailure."""
    variables = {name: value for name, value in job.environ.items() if name not in _OF_THIS_MACHINE}
    inside = enclosure.put(plan.command.text, variables, _folders(plan, recording, door), job.run_id)

    def is_lasting(_pid: int | None) -> None:
        recording.is_lasting(enclosure.pid(job.run_id))

    def over() -> None:
        recording.explanation = enclosure.end(job.run_id)

    def pass_on(signal_number: int) -> bool:
        return enclosure.pass_on(job.run_id, signal_number)

    ending = replace(job, rescue=inside.rescue, over=over, pass_on=pass_on)
    return replace(ending, argv=inside.argv, environ=inside.environ, when_lasting=is_lasting)


def _folders(plan: Plan, recording: Recording, door: Door | None) -> Folders:
    """The project, the places where the program logs, and the inputs, all but the project under the names they have
    here."""
    inputs = [given.path for given in plan.command.inputs]
    project_dir = plan.checkout.project_dir
    within = [path for path in inputs if path.is_relative_to(project_dir)]
    outside = [path for path in inputs if path not in within]
    own = [project_dir] if within else []
    if not plan.request.sandbox:
        return Folders(project_dir, _outermost([recording.run_dir, recording.artifacts, *own]), _outermost(outside))
    from mlproj.running.isolation import confinement

    return Folders(
        project_dir,
        _outermost([*confinement.written(recording), *own]),
        _outermost([recording.run_dir, *outside]),
        door,
    )


def _outermost(places: list[Path]) -> tuple[Path, ...]:
    """Each place once, and none that is in another one of them."""
    return tuple(
        one for one in dict.fromkeys(places) if not any(one != other and one.is_relative_to(other) for other in places)
    )
