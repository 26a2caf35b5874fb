"""Runs a command in a container: what of this machine it sees there, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlproj.backends.base import Job
from mlproj.environments.base import START_SIGN, ContainerRuntime, Folders, Network, Prepared, ServerSocket
from mlproj.foundation import env_vars, paths
from mlproj.foundation.dataclass import replace
from mlproj.foundation.progress import Progress
from mlproj.projects.base import Command
from mlproj.run_folder import start_sign
from mlproj.running.isolation import hiding
from mlproj.running.isolation.base import Reach
from mlproj.sources.base import Checkout

# Folders of this machine that a program in a container has nothing of.
_OF_THIS_MACHINE = {env_vars.HOME.name, env_vars.CACHE.name, "MLFLOW_CONDA_HOME", "MLFLOW_ALLOW_FILE_STORE"}
_UNANSWERED = (
    "the servers that the project names were not answered in the container: "
    "its image has no Python 3 that can open their ports"
)
_UNOPENED = (
    "what its program logs through MLflow did not reach the run: "
    "the image has no Python 3, which the connection out of the sandbox needs"
)


class Contained:
    """Runs the command in a container of its environment; with ``is_sandbox`` the container is the sandbox. See
    :class:`~mlproj.running.isolation.base.Isolation`."""

    writes_here = False

    def __init__(self, checkout: Checkout, command: Command, *, is_sandbox: bool) -> None:
        self._checkout = checkout
        self._command = command
        self._is_sandbox = is_sandbox

    def network(self, prepared: Prepared) -> Network:
        """The container's network."""
        return _container_runtime(prepared).network

    def inherited(self, prepared: Prepared) -> dict[str, str]:
        """Only the environment's variables, none of this process."""
        own = prepared.apply({})
        return hiding.without_secrets(own) if self._is_sandbox else own

    @contextmanager
    def isolated(self, job: Job, prepared: Prepared, reach: Reach, progress: Progress) -> Iterator[Callable[[], Job]]:
        """The function that creates the container and returns *job* as one that starts it."""
        with self._server_socket(job.run_id, reach, progress) as server_socket:
            folders = folders_of(self._checkout, self._command, reach, server_socket, is_sandbox=self._is_sandbox)
            yield lambda: contained_job(job, _container_runtime(prepared), self._command.text, folders)

    @contextmanager
    def _server_socket(self, run_id: str, reach: Reach, progress: Progress) -> Iterator[ServerSocket | None]:
        """Open the way from a network of the command's own to the run's tracking server while the block lasts.

        None where the command reaches it without one, and the project names no server on its own machine.
        """
        named = reach.stand_in.ports if reach.stand_in else ()
        ports = (reach.port, *named) if self._is_sandbox else named
        if not ports:
            yield None
            return
        from mlproj.backends.socket_forwarder import MountedSocketForwarder

        path = paths.cache() / "sockets" / run_id
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with MountedSocketForwarder(reach.port, path, reach.stand_in.accept if reach.stand_in else None) as forwarder:
            yield ServerSocket(path, ports)
        if not forwarder.was_opened:
            progress.warn(_UNOPENED if self._is_sandbox else _UNANSWERED)


def _container_runtime(prepared: Prepared) -> ContainerRuntime:
    assert prepared.container_runtime is not None
    return prepared.container_runtime


def contained_job(job: Job, container_runtime: ContainerRuntime, command: str, folders: Folders) -> Job:
    """Create the container for *command* and return *job* as one that starts it. Raises ServiceError,
    EnvironmentFailure."""
    variables = {name: value for name, value in job.environ.items() if name not in _OF_THIS_MACHINE}
    first = start_sign.shell_step(START_SIGN) if job.start_sign else ""
    launch = container_runtime.create(
        first + command, variables, replace(folders, start_sign=job.start_sign), job.run_id
    )

    def is_lasting(_pid: int | None) -> None:
        if job.on_lasting:
            job.on_lasting(container_runtime.pid(job.run_id))

    def on_end() -> str | None:
        return container_runtime.remove(job.run_id)

    def send_signal(signal_number: int) -> bool:
        return container_runtime.send_signal(job.run_id, signal_number)

    ending = replace(job, cleanup_argv=launch.cleanup_argv, on_end=on_end, send_signal=send_signal, is_measured=False)
    return replace(ending, argv=launch.argv, environ=launch.environ, on_lasting=is_lasting)


def folders_of(
    checkout: Checkout, command: Command, reach: Reach, server_socket: ServerSocket | None, *, is_sandbox: bool
) -> Folders:
    """What the container mounts: the project, the places where the program logs, and the inputs. All but the project
    have the same paths there as here."""
    inputs = [given.path for given in command.inputs]
    project_dir = checkout.project_dir
    within = [path for path in inputs if path.is_relative_to(project_dir)]
    outside = [path for path in inputs if path not in within]
    own = [project_dir] if within else []
    if not is_sandbox:
        return Folders(
            project_dir, _outermost([reach.run_dir, reach.artifacts, *own]), _outermost(outside), server_socket
        )
    return Folders(
        project_dir, _outermost([*hiding.written(reach), *own]), _outermost([reach.run_dir, *outside]), server_socket
    )


def _outermost(places: list[Path]) -> tuple[Path, ...]:
    """Drop places that lie in another one of them, and repetitions."""
    return tuple(
        one for one in dict.fromkeys(places) if not any(one != other and one.is_relative_to(other) for other in places)
    )
