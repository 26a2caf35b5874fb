"""What is on this machine that mlproj can use, and what each missing thing would be good for."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mlproj.foundation import env_vars, file_tree, paths, process, quantity
from mlproj.foundation.errors import EnvironmentFailure, MlprojError
from mlproj.foundation.redaction import mask_url

_PATIENCE = 10.0  # seconds that a tool may take to tell its version


@dataclass(frozen=True)
class Finding:
    """One thing looked for. ``state``: ok, missing, broken, or skipped (not looked for).

    ``detail`` is what was found; ``needed_for`` and ``remedy`` say what its absence means and how to mend it.
    """

    section: str
    name: str
    state: str
    detail: str
    needed_for: str = ""
    remedy: str = ""
    essential: bool = False

    @property
    def fatal(self) -> bool:
        """Whether mlproj cannot run projects because of this."""
        return self.essential and self.state in {"missing", "broken"}


@dataclass(frozen=True)
class Tool:
    """A program, under any of several names, with the arguments that make it tell its version."""

    names: tuple[str, ...]
    needed_for: str
    remedy: str
    version: tuple[str, ...] = ("--version",)
    essential: bool = False


TOOLS = (
    Tool(
        ("git",),
        "projects from Git, and what a local folder's state is",
        "install it with the system's package manager",
        essential=True,
    ),
    Tool(("bash",), "every command of a project", "install it with the system's package manager", essential=True),
    Tool(
        ("git-lfs",),
        "projects that keep large files in Git LFS",
        "https://git-lfs.com, then: git lfs install",
    ),
    Tool(("ssh",), "projects at git@host:path and ssh://", "install an OpenSSH client", version=("-V",)),
    Tool(("bwrap",), "mlproj run --sandbox", "install bubblewrap with the system's package manager (Linux only)"),
    Tool(("Rscript",), "entry points that are R scripts", "https://cran.r-project.org"),
)
ENGINES = ("docker", "podman", "nerdctl")


def look(offline: bool) -> list[Finding]:
    """Everything, in the order it is shown. Takes seconds: many tools are asked for their version."""
    return [
        Finding("mlproj", "mlproj", "ok", _own_version()),
        *map(_tool, TOOLS),
        _uv(),
        _rattler(),
        _conda(),
        *_engines(),
        *_interpreters(),
        _folder("home", paths.home(), "records of runs", "MLPROJ_HOME"),
        _folder("cache", paths.cache(), "mirrors, environments and checkouts", "MLPROJ_CACHE"),
        _cache_sizes(),
        _store(),
        _index(offline),
    ]


def _own_version() -> str:
    from mlproj import __version__

    return f"{__version__} on Python {sys.version.split()[0]} ({sys.executable})"


def _tool(tool: Tool) -> Finding:
    for name in tool.names:
        found = shutil.which(name)
        if found:
            release = _first_line((found, *tool.version))
            state = "ok" if release is not None else "broken"
            return Finding(
                "tools",
                name,
                state,
                release or f"{found} does not run",
                tool.needed_for,
                tool.remedy,
                tool.essential,
            )
    return Finding(
        "tools", " or ".join(tool.names), "missing", "not on PATH", tool.needed_for, tool.remedy, tool.essential
    )


def _uv() -> Finding:
    from mlproj.environments.python import uv

    needed_for, remedy = "making Python environments", f"{sys.executable} -m pip install uv"
    try:
        binary = uv.binary()
    except MlprojError as error:
        return Finding("tools", "uv", "missing", error.message, needed_for, remedy, essential=True)
    release = _first_line((binary, "--version"))
    return Finding(
        "tools",
        "uv",
        "ok" if release else "broken",
        release or f"{binary} does not run",
        needed_for,
        remedy,
        essential=True,
    )


def _rattler() -> Finding:
    """py-rattler; it is a library, and what it costs to load is not paid for a version."""
    from importlib.metadata import PackageNotFoundError, version

    needed_for, remedy = (
        "conda packages of conda.yaml; without it they are translated to Python packages",
        "pip install 'mlproj[conda]'",
    )
    try:
        return Finding("tools", "py-rattler", "ok", f"py-rattler {version('py-rattler')}", needed_for, remedy)
    except PackageNotFoundError:
        return Finding("tools", "py-rattler", "missing", "not installed", needed_for, remedy)


def _conda() -> Finding:
    """An installed conda, mamba or micromamba, which takes py-rattler's place."""
    from mlproj.environments.conda import tool, tool_choice

    needed_for = "conda packages where py-rattler is not installed, or with --env-manager conda"
    try:
        found = next((one for one in tool_choice.all_for("conda") if one.name != tool.RATTLER), None)
    except EnvironmentFailure as error:
        return Finding("tools", "conda", "missing", error.message, needed_for, error.hint or "")
    if found is None:
        return Finding(
            "tools", " or ".join(tool.NAMES), "missing", "not on PATH", needed_for, "not needed with mlproj[conda]"
        )
    path = str(getattr(found, "path", ""))
    release = _first_line((path, "--version"))
    return Finding(
        "tools",
        found.name,
        "ok" if release else "broken",
        f"{release} ({path})" if release else f"{path} does not run",
        needed_for,
    )


def _engines() -> Iterable[Finding]:
    """The container engines that are installed and whether they answer; one finding when there is none."""
    needed_for = "projects with docker_env"
    installed = [name for name in ENGINES if shutil.which(name)]
    if not installed:
        yield Finding(
            "tools",
            " or ".join(ENGINES),
            "missing",
            "not on PATH",
            needed_for,
            "https://podman.io or https://docs.docker.com/engine",
        )
    for name in installed:
        reply = _ask(
            (name, "version", "--format", "{{.Server.Version}}" if name == "docker" else "{{.Client.Version}}")
        )
        if reply is not None and reply.returncode == 0:
            yield Finding("tools", name, "ok", f"{name} {reply.text.strip()}", needed_for)
        else:
            why = _last_line(reply.error_text) if reply else "no answer"
            yield Finding(
                "tools",
                name,
                "broken",
                f"does not answer: {why}",
                needed_for,
                f"start its service, or add yourself to its group; see: {name} info",
            )


def _interpreters() -> Iterable[Finding]:
    from mlproj.environments.python import interpreter

    for one in sorted(interpreter.find(), key=lambda one: one.order, reverse=True):
        yield Finding("Pythons", one.version, "ok", f"{one.path} ({one.source})")


def _folder(name: str, folder: Path, holds: str, variable: str) -> Finding:
    """Whether *folder* can be written, tried where it or the nearest parent that exists is."""
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    free = quantity.size(shutil.disk_usage(nearest).free)
    writable = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    remedy = f"make {folder} writable, or set {variable} to a folder that is"
    detail = f"{folder} ({free} free)" if writable else f"{folder} cannot be written"
    return Finding("storage", name, "ok" if writable else "broken", detail, holds, remedy, essential=True)


def _cache_sizes() -> Finding:
    parts = (
        ("mirrors", paths.git_mirrors()),
        ("environments", paths.environments()),
        ("checkouts", paths.checkouts()),
        ("downloads", paths.downloads()),
    )
    sizes = ", ".join(f"{name} {quantity.size(folder_size(folder))}" for name, folder in parts)
    return Finding("storage", "cache use", "ok", sizes)


def folder_size(folder: Path) -> int:
    """Bytes that the files below *folder* take on the disk, each hard-linked one counted once; 0 when it is not
    there."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for parent, _folders, names in file_tree.walk(folder):
        for name in names:
            try:
                status = os.lstat(os.path.join(parent, name))  # noqa: PTH118  # a Path per file would double the time
            except OSError:
                continue
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_blocks * 512
    return total


def _store() -> Finding:
    from mlproj import tracking
    from mlproj.tracking.sql.sqlite import SCHEMA_VERSION

    uri, database = env_vars.TRACKING_URI.get(), paths.database()
    is_elsewhere = tracking.is_postgres(uri) or tracking.is_server(uri)
    if not is_elsewhere and not database.exists():
        return Finding("storage", "runs", "ok", "none recorded yet")
    try:
        with closing(tracking.open()) as store:
            store.list_runs(limit=1)  # tells that it can be read; to count runs would be to read them all
    except MlprojError as error:
        return Finding("storage", "runs", "broken", str(error), "records of runs", error.hint or "", essential=True)
    if tracking.is_server(uri):
        return Finding("storage", "runs", "ok", f"{mask_url(uri)} answers")
    if is_elsewhere:
        return Finding("storage", "runs", "ok", f"{mask_url(str(uri))} (schema {SCHEMA_VERSION})")
    return Finding(
        "storage", "runs", "ok", f"{database} ({quantity.size(database.stat().st_size)}, schema {SCHEMA_VERSION})"
    )


def _index(offline: bool) -> Finding:
    """Whether uv reaches its package index with the machine's own settings: it is asked for one small package."""
    from mlproj.environments.python import package_index, uv

    needed_for, remedy = (
        "installing packages",
        "check the network, or name another index: UV_DEFAULT_INDEX, PIP_INDEX_URL",
    )
    if offline:
        return Finding("network", "package index", "skipped", "not asked: offline", needed_for)
    try:
        argv = (uv.binary(), "pip", "compile", "--no-cache", "--no-header", "--no-deps", "-q", "-")
        reply = _ask(argv, b"pip", uv.environ(package_index.settings(), offline=False))
    except MlprojError:
        return Finding("network", "package index", "skipped", "not asked: there is no uv", needed_for)
    if reply is not None and reply.returncode == 0:
        return Finding("network", "package index", "ok", "answers", needed_for)
    why = _last_line(reply.error_text) if reply else f"no answer within {_PATIENCE:g} s"
    return Finding("network", "package index", "broken", why, needed_for, remedy)


def _ask(
    argv: Sequence[str], input: bytes | None = None, env: Mapping[str, str] | None = None
) -> process.Completed | None:
    try:
        return process.run(argv, input=input, timeout=_PATIENCE, env=env)
    except MlprojError:
        return None


def _first_line(argv: Sequence[str]) -> str | None:
    """The first line that a program says about its version, wherever it says it; None when it does not run."""
    reply = _ask(argv)
    if reply is None or reply.returncode != 0:
        return None
    lines = (reply.text or reply.error_text).strip().splitlines()
    return lines[0].strip() if lines else ""


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no reason given"
