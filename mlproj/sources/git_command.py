"""Git, run so that neither the caller's environment, nor a URL, nor a repository can make it do anything else."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlproj.foundation import process

# What ties a Git process to one repository (`git rev-parse --local-env-vars`), save configuration the user gives that
# way.
_CALLERS_REPOSITORY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_CONFIG", "GIT_DIR", "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_LITERAL_PATHSPECS", "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_QUARANTINE_PATH", "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE", "GIT_WORK_TREE", "GIT_EXTERNAL_DIFF", "GIT_PROXY_COMMAND", "GIT_TEMPLATE_DIR",
    "GIT_DEFAULT_HASH",
)  # fmt: skip

# Nothing that a repository says may start a program; nothing runs in the background or is pruned behind a reader's
# back.
_SAFE = (
    "core.hooksPath=" + os.devnull, "core.fsmonitor=false", "protocol.ext.allow=never", "gc.auto=0",
    "maintenance.auto=false", "core.pager=cat", "http.lowSpeedLimit=100", "http.lowSpeedTime=60",
    "submodule.recurse=false", "fetch.recurseSubmodules=false",
)  # fmt: skip


def environment(protocols: str = "file", extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a Git that speaks only *protocols* (colon-separated), in English, and asks nobody."""
    env = {name: value for name, value in os.environ.items() if name not in _CALLERS_REPOSITORY}
    allowed = env.get("GIT_ALLOW_PROTOCOL")
    if allowed is not None:
        protocols = ":".join(name for name in protocols.split(":") if name in allowed.split(":")) or "none"
    env.update(
        LC_ALL="C",
        LANGUAGE="",
        GIT_TERMINAL_PROMPT="0",
        GIT_OPTIONAL_LOCKS="0",
        GIT_ALLOW_PROTOCOL=protocols,
        GIT_NO_LAZY_FETCH="1",
    )
    env.update(extra or {})
    return env


def arguments(
    command: Sequence[str], settings: Sequence[str] = (), git_dir: Path | None = None, folder: Path | None = None
) -> list[str]:
    """The whole command line of ``git COMMAND``; *settings* are ``name=value`` and win over ours."""
    line = ["git"]
    for setting in (*_SAFE, *settings):
        line += ["-c", setting]
    if folder is not None:
        line += ["-C", str(folder)]
    if git_dir is not None:
        line += [f"--git-dir={git_dir}"]
    return [*line, *command]


def quoted(value: str) -> str:
    """*value* as a Git configuration file has it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def run(
    *command: str,
    git_dir: Path | None = None,
    folder: Path | None = None,
    settings: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    input: bytes | None = None,
    timeout: float | None = None,
) -> process.Completed:
    """Run ``git COMMAND`` on this machine's files only (see :mod:`remote` for the network) and return what it said."""
    return process.run(
        arguments(command, settings, git_dir, folder), env=environment(extra=env), input=input, timeout=timeout
    )
