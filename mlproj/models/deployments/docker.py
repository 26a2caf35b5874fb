"""Runs a model's image on this machine, published on loopback."""

from __future__ import annotations

import http.client
import re
import shlex
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mlproj.environments.containers import engine as engines
from mlproj.environments.containers.container import engine_message
from mlproj.environments.containers.engine import Engine
from mlproj.foundation.errors import EnvironmentFailure, ServiceError, UsageError
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import redact
from mlproj.models.deployments.base import Running, State, Wanted
from mlproj.models.image import place

LABEL = "mlproj.deployment"
_HOST = "127.0.0.1"
_LINES_SHOWN = 15  # last lines of a container that failed
_PAUSE = 0.1  # seconds
_FORMS = {"port": r"\d{1,5}", "memory": r"\d+[bkmgBKMG]?", "cpus": r"\d+(\.\d+)?", "workers": r"\d+", "timeout": r"\d+"}


class DockerTarget:
    """A container of docker, or of what ``MLPROJ_CONTAINER_ENGINE`` names, that starts again with the machine."""

    options: Mapping[str, str] = {
        "port": "where it answers on this machine (default: any free port, kept by updates)",
        "memory": "the most that it may use, such as 2g",
        "cpus": "how many processors it may use, such as 1.5",
        "workers": "processes that predict (default: 1)",
        "timeout": "seconds that it may take to answer after its start (default: 300)",
    }

    def plan(self, wanted: Wanted) -> str:
        """The engine's command."""
        _checked(wanted.options)
        port = wanted.options.get("port") or "PORT"
        return shlex.join(["docker", *_words(wanted, _name(wanted.name), port)]) + "\n"

    def create(self, wanted: Wanted, progress: Progress) -> Running:
        """Start the container, and wait for it to answer."""
        _checked(wanted.options)
        engine = engines.find()
        name = _name(wanted.name)
        if engine.inspect("container", name) is not None:
            raise UsageError(f"{engine.name} has a container {name} already", hint="choose another --name")
        port = wanted.options.get("port") or str(_free_port())
        with progress.step(f"starting {name}"), _removed_on_failure(engine, name):
            _start(engine, wanted, name, port)
        return Running(f"http://{_HOST}:{port}", {"container": name, "engine": engine.program, "port": port})

    def update(self, running: Running, wanted: Wanted, progress: Progress) -> Running:
        """Try the new container at a port of its own; when it answers, let it take the place of the old one, which
        answers what it was asked before. If it then does not come up, the old one is started again."""
        _checked(wanted.options)
        engine, name = _engine(running), running.handle["container"]
        port = wanted.options.get("port") or running.handle["port"]
        trial, old = f"{name}-trial", f"{name}-old"
        engine.run("rm", "--force", trial, old)  # of an update that was killed
        with progress.step(f"trying the new {name}"), _removed(engine, trial):
            _start(engine, wanted, trial, str(_free_port()))
        with progress.step(f"replacing {name}"):
            _replace(engine, wanted, name, old, port)
        return Running(f"http://{_HOST}:{port}", {**running.handle, "port": port})

    def state(self, running: Running) -> State:
        """What the engine says of the container, and the model's server of itself."""
        found = _engine(running).inspect("container", running.handle["container"])
        if found is None:
            return State("gone", detail=f"there is no container {running.handle['container']}")
        image = str(found.get("Image") or "") or None
        image = image if image is None or image.startswith("sha256:") else f"sha256:{image}"
        state = found.get("State") or {}
        if not state.get("Running"):
            code = state.get("ExitCode")
            return State("failed" if code else "stopped", image, f"it ended with code {code}")
        return State("ready" if _answers(int(running.handle["port"])) else "starting", image)

    def delete(self, running: Running) -> None:
        """Stop and remove the container."""
        engine, name = _engine(running), running.handle["container"]
        if engine.inspect("container", name) is None:
            return
        engine.run("stop", "--time", "30", name)
        done = engine.run("rm", "--force", name)
        if done.returncode:
            raise ServiceError(f"{engine.name} cannot remove {name}: {engine_message(done.error_text)}")


def _name(name: str) -> str:
    return f"mlproj-{name}"


def _engine(running: Running) -> Engine:
    return engines.at(running.handle["engine"])


def _checked(options: Mapping[str, str]) -> None:
    for name, value in options.items():
        if not re.fullmatch(_FORMS[name], value, re.ASCII) or (name == "port" and not 0 < int(value) < 65536):
            raise UsageError(f"-C {name}={value!r:.100}: that is no value for it", hint=DockerTarget.options[name])


def _words(wanted: Wanted, name: str, port: str) -> list[str]:
    """The command that starts the container."""
    options = wanted.options
    limits = [f"--{limit}={options[limit]}" for limit in ("memory", "cpus") if limit in options]
    workers = ["--workers", options["workers"]] if "workers" in options else []
    safe = ["--cap-drop=ALL", "--security-opt=no-new-privileges"]
    return [
        *("run", "--detach", "--name", name, "--label", f"{LABEL}={wanted.name}", "--restart=unless-stopped"),
        *("--publish", f"{_HOST}:{port}:{place.PORT}", *safe, *limits),
        *(wanted.image_id or wanted.image, "serve", *workers),
    ]


def _start(engine: Engine, wanted: Wanted, name: str, port: str) -> None:
    """Start the container, and wait until the model answers. Raises ServiceError, EnvironmentFailure."""
    done = engine.run(*_words(wanted, name, port))
    if done.returncode:
        raise ServiceError(f"{engine.name} cannot start {name}: {engine_message(done.error_text)}")
    patience = float(wanted.options.get("timeout") or 300)
    deadline = time.monotonic() + patience
    while not _answers(int(port)):
        found = engine.inspect("container", name) or {}
        if int(found.get("RestartCount") or 0) or not (found.get("State") or {}).get("Running"):
            raise _failed(engine, name, "ended")
        if time.monotonic() > deadline:
            raise _failed(engine, name, f"did not answer within {patience:.0f} s")
        time.sleep(_PAUSE)


def _failed(engine: Engine, name: str, how: str) -> EnvironmentFailure:
    done = engine.run("logs", "--tail", str(_LINES_SHOWN), name)
    lines = [f"  {redact(line)}" for line in f"{done.text}\n{done.error_text}".splitlines() if line.strip()]
    return EnvironmentFailure("\n".join([f"the model's container {how}; it said:", *lines[-_LINES_SHOWN:]]))


def _replace(engine: Engine, wanted: Wanted, name: str, old: str, port: str) -> None:
    there = engine.inspect("container", name) is not None
    if there:
        engine.run("stop", "--time", "30", name)
        engine.run("rename", name, old)
    try:
        with _removed_on_failure(engine, name):
            _start(engine, wanted, name, port)
    except BaseException:
        if there:
            engine.run("rename", old, name)
            engine.run("start", name)
        raise
    engine.run("rm", "--force", old)


@contextmanager
def _removed(engine: Engine, name: str) -> Iterator[None]:
    try:
        yield
    finally:
        engine.run("rm", "--force", name)


@contextmanager
def _removed_on_failure(engine: Engine, name: str) -> Iterator[None]:
    try:
        yield
    except BaseException:
        engine.run("rm", "--force", name)
        raise


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(_HOST, port, timeout=2)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
