"""The program that runs containers, driven by its command line: docker, podman or nerdctl."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlproj.foundation import env_vars, process
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.foundation.process import Completed
from mlproj.foundation.redaction import redact

NAMES = ("docker", "podman", "nerdctl")
"""In the order they are looked for."""

# Variables that the engines' own programs and what they call go by. What a container or a build is to get under one of
# these
# names must not become the program's.
_OWN = re.compile(
    r"PATH|HOME|TMPDIR|USER|LD_.*|DYLD_.*|XDG_.*|SSH_.*|DOCKER_.*|BUILDKIT_.*|BUILDAH_.*|CONTAINER.*|PODMAN_.*|NERDCTL_.*|.*_proxy",
    re.I,
)
_FULL = re.compile(r"no space left on device|disk quota exceeded", re.I)
_PATIENCE = 30.0  # seconds that an engine may take to say how it is
_HINT = (
    "install docker (https://docs.docker.com/engine) or podman (https://podman.io), or run without a container:"
    " --env-manager local"
)


@dataclass(frozen=True)
class Engine:
    """An engine that answers. ``name`` is one of :data:`NAMES`, whatever the program is called. ``is_rootless``: it
    runs as the caller, who is root in its containers and nobody outside of them."""

    name: str
    program: str
    version: str
    is_rootless: bool

    def run(self, *arguments: str, env: dict[str, str] | None = None, timeout: float | None = None) -> Completed:
        """Run the program to its end. Raises ServiceError when it cannot be started."""
        return process.run([self.program, *arguments], env=self.environ(env), timeout=timeout)

    def inspect(self, kind: str, name: str) -> dict[str, Any] | None:
        """What the engine knows of the ``image``, ``container`` or ``network`` *name*; None when it knows none."""
        done = self.run(kind, "inspect", name)
        if done.returncode:
            return None
        try:
            found = json.loads(done.stdout)
            first = found[0] if isinstance(found, list) else found
        except (ValueError, IndexError):
            return None
        return first if isinstance(first, dict) else None

    @functools.cached_property
    def has_buildkit(self) -> bool:
        """Whether the newer of docker's builders is there; a client without it says so with every build."""
        return self.name == "docker" and self.run("buildx", "version").returncode == 0

    @functools.cached_property
    def is_elsewhere(self) -> bool:
        """Whether docker's client talks to an engine over a network; such an engine has files and addresses of its
        own."""
        if self.name != "docker":
            return False
        address = (
            os.environ.get("DOCKER_HOST")
            or self.run("context", "inspect", "--format", "{{.Endpoints.docker.Host}}").text
        )
        return address.strip().startswith(("tcp://", "ssh://", "http://", "https://"))

    def environ(self, more: dict[str, str] | None = None) -> dict[str, str]:
        """The variables that the program gets: ours, with *more*."""
        return {**os.environ, **(more or {})}


def hint_of_full_disk(engine: Engine, output: str) -> str | None:
    """What to do when the engine's *output* says that its disk is full; None when it does not."""
    if not _FULL.search(output):
        return None
    frees = f"mlproj env prune and {engine.name} system prune free it"
    return f"the disk of {engine.name} is full: {engine.name} system df shows what takes it; {frees}"


def is_own(name: str) -> bool:
    """Whether the engines' own programs act on the variable *name*."""
    return _OWN.fullmatch(name) is not None


def find() -> Engine:
    """The engine that ``MLPROJ_CONTAINER_ENGINE`` names, else the first that answers.

    Raises UsageError for a name that is none, ServiceError when there is none that answers.
    """
    named = env_vars.CONTAINER_ENGINE.get()
    if named is not None:
        return _asked_for(named)
    troubles = []
    for name in NAMES:
        program = shutil.which(name)
        if program is None:
            continue
        try:
            return _ask(program)
        except ServiceError as trouble:
            troubles.append(str(trouble))
    if troubles:
        hint = "start it, or name another one with MLPROJ_CONTAINER_ENGINE"
        raise ServiceError("; ".join(troubles), hint=hint, is_program_missing=True)
    message = "the project runs in a container, and no container engine is on PATH"
    raise ServiceError(message, hint=_HINT, is_program_missing=True)


def at(program: str) -> Engine:
    """The engine whose program is *program*. Raises ServiceError when it does not answer."""
    return _ask(program)


def answering() -> Iterator[Engine]:
    """Every engine of this machine that answers."""
    named = env_vars.CONTAINER_ENGINE.get()
    programs = dict.fromkeys(program for program in map(shutil.which, (*NAMES, *([named] if named else []))) if program)
    for program in programs:
        try:
            yield _ask(program)
        except ServiceError:
            continue


def _asked_for(named: str) -> Engine:
    program = shutil.which(named)
    if program is None:
        message = f"MLPROJ_CONTAINER_ENGINE names {named}, which is not on PATH"
        if Path(named).name in NAMES:
            raise ServiceError(message, hint=_HINT)
        raise UsageError(message, hint=f"known: {', '.join(NAMES)}, or a path")
    return _ask(program)


def _ask(program: str) -> Engine:
    """Raises ServiceError when it does not answer."""
    asked = process.run([program, "--version"], timeout=_PATIENCE)
    words = asked.text.split()
    name = words[0].lower() if words else ""
    if asked.returncode or name not in NAMES:
        raise ServiceError(f"{program} is no container engine that mlproj knows", hint=f"known: {', '.join(NAMES)}")
    info = process.run([program, "info", "--format", "{{json .}}"], timeout=_PATIENCE)
    try:
        facts = json.loads(info.stdout)
    except ValueError:
        facts = None
    # docker prints what it knows of itself, and the trouble beside it, when its daemon is away.
    if info.returncode or not isinstance(facts, dict) or facts.get("ServerErrors"):
        lines = [line for line in info.error_text.splitlines() if line.strip()]
        raise ServiceError(
            f"{name} does not answer: {redact(lines[-1]) if lines else 'it gave no reason'}",
            hint="start it, then run again",
        )
    version = next((word.rstrip(",") for word in words if word[:1].isdigit()), "")
    return Engine(name, program, version, _is_rootless(name, facts))


def _is_rootless(name: str, facts: dict[str, Any]) -> bool:
    if name == "podman":
        host = facts.get("host", facts.get("Host", {}))
        return bool(host.get("security", {}).get("rootless"))
    return any("rootless" in str(option) for option in facts.get("SecurityOptions") or ())
