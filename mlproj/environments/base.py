"""What an environment is: decided without building anything, then prepared, then described as data for a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import Notice, Place
from mlproj.foundation.locked import Locked
from mlproj.foundation.progress import Progress


@dataclass(frozen=True)
class Declaration:
    """Where a project says what it needs.

    ``kind``: ``python_env``, ``conda_env``, ``docker_env``, ``uv_lock``, ``pylock``, ``requirements``, ``pyproject``,
    ``versions_lock`` (Poetry's or PDM's), ``pipfile``, ``setup``, ``script`` (PEP 723), ``renv_lock``, ``imports``
    (inferred) or ``none``. ``reason`` says for people why this one.
    ``options`` is the mapping of ``docker_env``. ``findings`` is what is wrong with files beside it.
    """

    kind: str
    file: Path | None = None
    reason: str = ""
    place: Place | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class Request:
    """Everything an environment is decided from.

    ``declared`` is what MLproject itself names, or None. ``script`` is the entry point's file when it is a script;
    ``command`` is the template of its command.
    ``as_of`` is ``auto``, ``commit``, ``pins``, ``today`` or an ISO date. ``commit_date`` (UTC) is the revision's, None
    without history; ``dated_by`` names for people what has that date. ``last_changed`` gives the last commit date of
    one file. ``time_travel`` says whether ``auto`` may mean the commit date (true for Git sources, false for a local
    folder). ``docker_args`` are options for the container
    engine's command line; ``build_image`` asks for an image with a copy of the project's files. ``in_container`` puts
    what is decided into a container of this image (empty: one that fits), None leaves it to the declaration. ``locked``
    is an environment that was made before and is to be made again: its lock decides, and not what is declared.
    ``plan_only``: nothing will be made, so that a program that this machine lacks is reported and keeps nothing from
    being described. ``sandbox``: what runs in the container is not trusted. ``relax`` names packages whose pins may
    give way where pins contradict each other.
    """

    project_dir: Path
    root: Path
    declared: Declaration | None = None
    script: Path | None = None
    command: str = ""
    manager: str = "auto"
    as_of: str = "auto"
    time_travel: bool = False
    commit_date: datetime | None = None
    dated_by: str = "the commit"
    last_changed: Callable[[Path], datetime | None] = field(default=lambda _file: None, repr=False)
    infer: bool = True
    offline: bool = False
    docker_args: Mapping[str, str | bool] = field(default_factory=dict)
    build_image: bool = False
    in_container: str | None = None
    locked: Locked | None = None
    sandbox: bool = False
    plan_only: bool = False
    relax: tuple[str, ...] = ()


@dataclass(frozen=True)
class Description:
    """An environment as decided, before it is built: plain data for the plan, the record and ``--json``.

    ``kind`` is ``python``, ``conda``, ``renv``, ``container`` or ``system``; ``manager`` who installs or runs it
    (``uv``, ``virtualenv``, ``rattler``, ``R``, ``docker``, ``podman``, ``nerdctl``, ``local``). ``python`` is
    the version of the interpreter that will be used, ``language`` another language with its version (``R 4.2.1``),
    ``requirements`` what will be asked of the installer, ``as_of`` the UTC moment that packages are resolved at (None:
    now) with ``as_of_reason``. ``notes`` are the choices worth telling: what was skipped, translated or substituted,
    and why. ``key`` names the content; equal keys, equal environments.
    It is None for the system, whose content nobody controls. ``image`` is what a container is made of: the name of
    an image, or the Dockerfile that one is built from. ``not_confined`` is what a container that was asked to be a
    sandbox does not keep a command from, a line each; None where none was asked to. ``warnings`` are what the
    declaration's files may have wrong.
    """

    kind: str
    manager: str
    declaration: Declaration
    key: str | None = None
    python: str | None = None
    python_reason: str = ""
    requirements: tuple[str, ...] = ()
    as_of: datetime | None = None
    as_of_reason: str = ""
    notes: tuple[str, ...] = ()
    image: str | None = None
    language: str | None = None
    not_confined: tuple[str, ...] | None = None
    warnings: tuple[Notice, ...] = ()

    def stored(self) -> dict[str, Any]:
        """What is kept beside a built environment, for ``mlproj env``."""
        file = self.declaration.file
        return {
            "kind": self.kind,
            "manager": self.manager,
            "python": self.python,
            "language": self.language,
            "declaration": " ".join(filter(None, (self.declaration.kind, file.name if file else ""))),
            "requirements": list(self.requirements),
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Network:
    """How a program reaches a server of ours: the address to ``listen`` at here, and the ``name`` that the program has
    for it."""

    listen: str
    name: str


@dataclass(frozen=True)
class ContainerLaunch:
    """How to start a command that is ready in a container or the like.

    ``argv`` starts it and runs as long as it does; ``environ`` is for that program. ``cleanup_argv`` is a command line
    that removes it when mlproj itself was killed.
    """

    argv: tuple[str, ...]
    environ: Mapping[str, str]
    cleanup_argv: tuple[str, ...]


@dataclass(frozen=True)
class ServerSocket:
    """How a command that has a network of its own reaches a server of ours at ``ports`` of its loopback: sockets that
    listen there are to be handed out, as descriptors, through the socket at ``path``."""

    path: Path
    ports: tuple[int, ...]


@dataclass(frozen=True)
class Folders:
    """What a container shows its command of this machine: the project's folder, and other folders and files, all
    absolute paths. A ``writable`` place may lie in a ``readable`` one. ``server_socket`` is for a command with a
    network of its own. ``start_sign`` is the file that is emptied when the command begins; it is mounted at
    :data:`START_SIGN`."""

    project_dir: Path
    writable: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()
    server_socket: ServerSocket | None = None
    start_sign: Path | None = None


class ContainerRuntime(Protocol):
    """Makes a container for each command. Where a :class:`Prepared` has no container runtime, the command runs as a
    process of this machine."""

    @property
    def network(self) -> Network:
        """How programs in a container reach this machine."""

    @property
    def entry_point(self) -> str | None:
        """The ENTRYPOINT that a container starts and that starts the command, written as in a Dockerfile; None where
        the command is started directly."""

    def create(self, command: str, variables: Mapping[str, str], folders: Folders, run_id: str) -> ContainerLaunch:
        """Create the container of a run for the shell's *command*, which gets *variables* and sees *folders*.

        Raises ServiceError, EnvironmentFailure.
        """

    def pid(self, run_id: str) -> int | None:
        """The number that the container's first process has on this machine; None where it has none."""

    def send_signal(self, run_id: str, signal_number: int) -> bool:
        """Send a signal to every process in the container; False when that is not possible."""

    def remove(self, run_id: str) -> str | None:
        """Remove the container, running or not; returns what is known of its end beyond an exit code.

        Raises ServiceError when the engine could not start it.
        """


@dataclass(frozen=True)
class Prepared:
    """A ready environment as data: what to set, what to put before ``PATH``, what to unset, and its lock.

    ``lock`` is the file that records every installed package with hashes (``pylock.toml``), None for the system.
    ``reused`` tells whether it was there already. ``packages`` maps normalised names to installed versions.
    ``container_runtime`` makes the container that the command runs in; the program then gets ``variables`` and nothing
    else of this process's environment. ``record`` is what the run's record of its environment has besides. ``readable``
    are folders of it that are not beside ``path``, for a sandbox.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    path: tuple[Path, ...] = ()
    unset: tuple[str, ...] = ()
    lock: Path | None = None
    python: str | None = None
    reused: bool = False
    packages: Mapping[str, str] = field(default_factory=dict)
    container_runtime: ContainerRuntime | None = None
    record: Mapping[str, Any] = field(default_factory=dict)
    readable: tuple[Path, ...] = ()

    def apply(self, environ: Mapping[str, str]) -> dict[str, str]:
        """*environ* as a process of this environment should see it."""
        import os

        result = {name: value for name, value in environ.items() if name not in self.unset}
        result.update(self.variables)
        if self.path:
            inherited = [entry for entry in result.get("PATH", os.defpath).split(os.pathsep) if entry]
            result["PATH"] = os.pathsep.join([*map(str, self.path), *inherited])
        return result


START_SIGN = "/run/mlproj/not-started"
"""Where the file :attr:`Folders.start_sign` is seen in a container."""

INSIDE = "/opt/mlproj/env"
"""Where a packed environment is in its image."""

MATERIAL = "/opt/mlproj/build"
"""Where the material of a packed environment is seen while its image is made."""


class Environment(Protocol):
    """A decided environment: described at once, built on demand."""

    @property
    def description(self) -> Description:
        """What was decided, and why."""

    def is_ready(self) -> bool:
        """Whether :meth:`prepare` would find it built. Cheap; no lock is taken."""

    def prepare(self, progress: Progress, *, rebuild: bool = False) -> Prepared:
        """Build it, or find it built. Concurrent calls build once; a failure leaves nothing. Raises
        EnvironmentFailure."""


@dataclass(frozen=True)
class Packed:
    """How an environment gets into an image: a shell ``script`` that makes :data:`INSIDE` there, as root, of the
    material.

    The command gets ``variables``, and a shell does what ``begin`` says before it. ``lock`` is the name and the content
    of the file that records what is installed; ``packages`` maps normalised names to versions. ``readable`` are folders
    that the script reads where they are on this machine.
    """

    script: str
    lock: tuple[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)
    begin: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    readable: tuple[Path, ...] = ()


class Packable(Environment, Protocol):
    """An environment that can be made in an image as well as on this machine."""

    @property
    def fitting_image(self) -> str:
        """The name of an image that it can be made in, where the user names none."""

    def contents(self) -> list[str]:
        """Digests of what gets into an image and is not in the key, as it is read from the checkout here."""

    def pack(self, staging: Path, progress: Progress) -> Packed:
        """Put into the empty folder *staging* what the script finds at :data:`MATERIAL`. Raises EnvironmentFailure."""
