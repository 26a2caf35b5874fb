"""One command in one container: creates it, sends it signals, removes it."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlproj.environments.base import START_SIGN, ContainerLaunch, Folders, Network
from mlproj.environments.containers import sandbox
from mlproj.environments.containers.address import Route
from mlproj.environments.containers.engine import Engine, hint_of_full_disk, is_own
from mlproj.environments.containers.image import Image
from mlproj.environments.containers.settings import WORKDIR, Settings
from mlproj.foundation import paths
from mlproj.foundation.errors import EnvironmentFailure, ServiceError
from mlproj.foundation.redaction import redact

RUN_LABEL, HOME_LABEL = "mlproj.run", "mlproj.home"
"""Labels of our containers: the run it belongs to, and where that is recorded."""

# Signals are for all of the container's processes, as they are outside of one: docker's init is set so by a variable,
# podman's
# (catatonit, at one of two places) by an option.
_SHELL = """for init in /run/podman-init /dev/init; do
  if [ -x "$init" ]; then exec "$init" -g -- sh -c "$1" mlproj "$2"; fi
done
exec sh -c "$1" mlproj "$2"
"""
# bash where the image has it, as MLflow's commands are written for it. When the container's first program ends, so does
# everything in
# it: after a signal what is still at work gets its time, which is mlproj's to limit.
_STAY = """trap asked=1 HUP INT TERM
exec 3>&2 2>/dev/null # a shell tells of what a signal ended
if command -v bash >/dev/null; then shell=bash; else shell=sh; fi
(exec $shell -c "$1" 2>&3 3>&-)
code=$?
is_alone() {
  for place in /proc/[0-9]*; do
    case $place in /proc/1 | /proc/$$ | /proc/$PPID) continue ;; esac
    read -r state <$place/stat || continue
    case $state in *') '[ZX]' '*) ;; *) return 1 ;; esac
  done
}
while [ "$asked" ] && ! is_alone; do sleep 0.05 || sleep 1; done
exit $code
"""
_GROUP = {"TINI_KILL_PROCESS_GROUP": "1"}
_CDI = re.compile(r"[A-Za-z0-9][\w.\-]*/[\w\-]+=[\w.:\-]+", re.ASCII)
_PATIENCE = 10.0  # seconds that an engine may take for a signal
_NEVER = "0001-01-01"
_NO_INIT = re.compile(r"init\b.*(not found|no such file)|find init binary", re.I)
_TROUBLE = re.compile(r"(Error( response from daemon)?|docker): *")
_ADVICE = re.compile(r"See '|Run '|Usage:|WARNING:|For more help")


class Containers:
    """Makes containers of *image* as *settings* want them, reached by *route*. The
    :class:`~mlproj.environments.base.ContainerRuntime`."""

    def __init__(self, engine: Engine, image: Image, settings: Settings, route: Route) -> None:
        self._engine = engine
        self._image = image
        self._settings = settings
        self._route = route

    @property
    def network(self) -> Network:
        """How programs in it reach this machine."""
        return self._route.network

    @property
    def entry_point(self) -> str | None:
        """The image's ENTRYPOINT, or the program that the user's own options name, where one is to start the
        command."""
        if (named := self._settings.entry_point) is not None:
            return named or None
        words = () if self._settings.skips_entry_point else self._image.entry_point
        return json.dumps(words) if words else None

    @property
    def parts(self) -> tuple[Engine, Image, Settings]:
        """Who makes its containers, of which image, and how."""
        return self._engine, self._image, self._settings

    def create(self, command: str, variables: Mapping[str, str], folders: Folders, run_id: str) -> ContainerLaunch:
        """Create the container of a run.

        Raises ServiceError when the engine fails, EnvironmentFailure for a volume whose folder cannot be made.
        """
        for volume in self._settings.volumes:
            _make_folder(volume)
        given = {**self._defaults(), **self._settings.variables, **variables}
        with variables_options(given) as (by_option, by_environment):
            words = [*self._options(folders, run_id), *by_option, *self._settings.arguments]
            opening = sandbox.opening(folders.server_socket) if folders.server_socket else ""
            own = ["--entrypoint", "sh"] if self._settings.skips_entry_point else []
            made = [
                *own,
                self._image.id,
                *([] if own else ["sh"]),
                "-c",
                _SHELL,
                "mlproj",
                _STAY,
                opening + self._settings.begin + command,
            ]
            done = self._engine.run("create", "--init", *words, *made, env=by_environment)
            if done.returncode and _NO_INIT.search(done.error_text):  # the engine is here without its init program
                done = self._engine.run("create", *words, *made, env=by_environment)
        if done.returncode:
            message = f"{self._engine.name} cannot make the container: {engine_message(done.error_text)}"
            raise ServiceError(message, hint=_hint(self._engine, done.error_text))
        name = name_of(run_id)
        argv = (self._engine.program, "start", "--attach", "--interactive", name)
        return ContainerLaunch(argv, dict(os.environ), (self._engine.program, "rm", "--force", "--volumes", name))

    def pid(self, run_id: str) -> int | None:
        """The number of the container's first process, where the engine runs on this machine."""
        if self._engine.is_rootless and self._engine.name == "docker":
            return None  # it counts processes by itself
        state = self._state(run_id)
        number = int(state.get("Pid") or 0)
        return number if number > 0 and _is_alive(number) else None

    def send_signal(self, run_id: str, signal_number: int) -> bool:
        """Send a signal to every process of the container, as its init does. The attached client is not signalled:
        docker's ends by it, before the container has."""
        try:
            done = self._engine.run("kill", "--signal", str(signal_number), name_of(run_id), timeout=_PATIENCE)
        except ServiceError:
            return False
        return done.returncode == 0

    def remove(self, run_id: str) -> str | None:
        """Remove the container and return what is known of its end. Raises ServiceError when the engine could not start
        it."""
        state = self._state(run_id)
        conclusion, never = _conclusion(state), _never_began(state)
        try:
            remove(self._engine, name_of(run_id))
        except ServiceError as trouble:
            if state:
                raise
            message = f"{self._engine.name} went away while the run was on; {trouble.message}"
            raise ServiceError(message, hint=trouble.hint) from trouble
        if never:
            raise ServiceError(
                f"{self._engine.name} cannot start the container: {never}", hint=_hint(self._engine, never)
            )
        return conclusion

    def _state(self, run_id: str) -> dict[str, Any]:
        found = self._engine.inspect("container", name_of(run_id)) or {}
        state = found.get("State")
        return state if isinstance(state, dict) else {}

    def _defaults(self) -> dict[str, str]:
        """Variables that programs expect and a container may lack."""
        user = user_of(self._engine, self._settings)
        if self._settings.is_sandbox:
            return {**_GROUP, "HOME": sandbox.HOME}
        if user is None or user.partition(":")[0] in ("0", "root"):
            return _GROUP
        return {**_GROUP, "HOME": "/tmp"}  # noqa: S108  # of the container: a number without a name has no home

    def _options(self, folders: Folders, run_id: str) -> Iterator[str]:
        settings = self._settings
        yield from (
            "--name",
            name_of(run_id),
            "--label",
            f"{RUN_LABEL}={run_id}",
            "--label",
            f"{HOME_LABEL}={paths.home()}",
        )
        yield from ("--interactive", "--workdir", WORKDIR, "--log-driver", "none")  # its output is kept with the run
        if not settings.is_copied:
            yield from mount(folders.project_dir, WORKDIR)
        for place in folders.readable:
            yield from mount(place, str(place), "readonly")
        for place in folders.writable:
            yield from mount(place, str(place))
        if folders.server_socket:
            yield from mount(folders.server_socket.path, sandbox.SOCKET_PLACE)
        if folders.start_sign:
            yield from mount(folders.start_sign, START_SIGN)
        if settings.is_sandbox:
            yield from sandbox.options(settings)
        for volume in settings.volumes:
            yield from ("--volume", volume)
        if user := user_of(self._engine, settings):
            yield from ("--user", user)
        if self._engine.name == "podman":
            yield from ("--security-opt", "label=disable")  # SELinux would keep it from the mounted folders
            yield "--stop-timeout=0"  # it is removed when its time is over, and podman would ask it once more to end
        if settings.network is None and self._route.wanted:
            yield from ("--network", self._route.wanted)
        if settings.shm_size:
            yield from ("--shm-size", settings.shm_size)
        if settings.platform:
            yield from ("--platform", settings.platform)
        if settings.gpus:
            yield from _gpus(self._engine, settings.gpus)


def user_of(engine: Engine, settings: Settings) -> str | None:
    """The user that the processes run as: who calls mlproj, so that the files they make belong to that user. None: the
    image's own."""
    if settings.chooses_user or settings.user == "image":
        return None
    if settings.user not in (None, "caller"):
        return settings.user
    return "0:0" if engine.is_rootless else f"{os.getuid()}:{os.getgid()}"


def name_of(run_id: str) -> str:
    """The name of a run's container."""
    return f"mlproj-{run_id}"


def mount(source: Path, target: str, *more: str) -> tuple[str, str]:
    """The option that shows *source* as *target* in a container."""
    fields = ("type=bind", f"source={source}", f"target={target}", *more)
    return "--mount", ",".join('"' + one.replace('"', '""') + '"' if set(one) & set(',"') else one for one in fields)


def _gpus(engine: Engine, wanted: str) -> tuple[str, str]:
    """podman takes the devices by the names of the Container Device Interface."""
    if engine.name != "podman":
        return "--gpus", wanted
    return "--device", wanted if _CDI.fullmatch(wanted) else f"nvidia.com/gpu={wanted.removeprefix('device=')}"


@contextmanager
def variables_options(given: Mapping[str, str]) -> Iterator[tuple[list[str], dict[str, str]]]:
    """The engine's options that set variables in a container, and the variables that its program needs for them.

    No value is on a command line: the program takes values from its own environment, or from a file where it would
    itself act on a variable of that name.
    """
    own = {name: value for name, value in given.items() if is_own(name)}
    others = {name: value for name, value in given.items() if name not in own}
    broken = next((name for name, value in own.items() if "\n" in value), None)
    if broken is not None:
        raise EnvironmentFailure(
            f"the variable {broken} of a container cannot have several lines", hint="give it another name"
        )
    with tempfile.NamedTemporaryFile("w", prefix="mlproj-", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(f"{name}={value}\n" for name, value in own.items())
        file.flush()
        yield [*(f"--env={name}" for name in others), *([f"--env-file={file.name}"] if own else [])], others


def _make_folder(volume: str) -> None:
    """Make a volume's folder where it is missing: the engine would, and it would be root's."""
    source = volume.partition(":")[0]
    if source.startswith("/") and ":" in volume and not os.path.lexists(source):
        try:
            Path(source).mkdir(parents=True)
        except OSError as error:
            raise EnvironmentFailure(f"the folder {source} of a volume cannot be made: {error.strerror}") from error


def _never_began(state: Mapping[str, Any]) -> str | None:
    """Why the engine could not start the container; None when it could, or nothing is known."""
    began = str(state.get("StartedAt") or "")
    error = str(state.get("Error") or "")
    if state and error and (not began or began.startswith(_NEVER) or state.get("ExitCode") in (126, 127, 128)):
        return engine_message(error)
    if state and began.startswith(_NEVER) and str(state.get("Status")) in ("created", "configured", "initialized"):
        return "the engine gives no reason; its own log may"
    return None


def _conclusion(state: Mapping[str, Any]) -> str | None:
    if state.get("OOMKilled"):
        return "killed by the system, as the container used up its memory"
    if not state:
        return "the container is gone: the engine was stopped, or somebody removed it"
    if state.get("Running"):
        return "the engine's program ended before the container did"
    return None


def engine_message(text: str) -> str:
    """The line of an engine's output that is the error, else its last line that is no advice; without secrets."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not _ADVICE.match(line)]
    errors = [line for line in lines if _TROUBLE.match(line)]
    return redact(_TROUBLE.sub("", (errors or lines or ["it gave no reason"])[-1]))


def _hint(engine: Engine, engine_message: str) -> str | None:
    if full := hint_of_full_disk(engine, engine_message):
        return full
    lowered = engine_message.lower()
    if "docker-init" in lowered:
        return "the engine lacks its init program: install the package docker-init or tini"
    if "device driver" in lowered or "nvidia" in lowered or "cdi" in lowered:
        return (
            "the container asks for GPUs: they need a driver and NVIDIA's container toolkit on this machine; or remove"
            " gpus from docker_env"
        )
    if "mount" in lowered or "bind source path" in lowered:
        return "folders are mounted from this machine: is the engine on it, and may it read them?"
    return None


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def left(engine: Engine, home: Path) -> list[str]:
    """The runs recorded in *home* whose containers are there. Raises ServiceError."""
    done = engine.run("ps", "--all", "--filter", f"label={HOME_LABEL}={home}", "--format", "{{.Names}}")
    if done.returncode:
        raise ServiceError(f"{engine.name} cannot list its containers: {engine_message(done.error_text)}")
    return [name.removeprefix("mlproj-") for name in done.text.split() if re.fullmatch(r"mlproj-[0-9a-f]{32}", name)]


def remove(engine: Engine, name: str) -> None:
    """Remove the container *name*, running or not, if there is one. Raises ServiceError."""
    for pause in (0.2, 1.0, 0.0):
        done = engine.run("rm", "--force", "--volumes", name)
        if done.returncode == 0 or "no such container" in done.error_text.lower():
            return
        time.sleep(pause)
    message = f"the container {name} could not be removed: {engine_message(done.error_text)}"
    raise ServiceError(message, hint="mlproj env prune removes it when the engine answers")
