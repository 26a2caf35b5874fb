"""Git over the network: logs in as the user's own Git would, and keeps what it logs in with out of sight.

A password that came in a URL reaches Git through a credential helper that reads the environment of that one process:
it is on no command line and in no file. Otherwise the user's credential helpers and ssh settings are in charge. The
first try asks nobody (it runs in a session without terminal); where a person could have answered, a second one may ask.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mlproj.foundation import process
from mlproj.sources import git_command
from mlproj.sources.git_failure import asks_for_login
from mlproj.sources.git_url import GitUrl

_HELPER = (
    """!f() { test "$1" = get && printf 'username=%s\\npassword=%s\\n' """
    """"$MLPROJ_GIT_USERNAME" "$MLPROJ_GIT_PASSWORD"; }; f"""
)


def run(
    url: GitUrl,
    *command: str,
    git_dir: Path | None = None,
    folder: Path | None = None,
    settings: tuple[str, ...] = (),
    input: bytes | None = None,
    timeout: float | None = None,
) -> process.Completed:
    """Run ``git COMMAND``, which may speak to *url* and as much as that allows; the words of Git are the caller's to
    judge."""
    extra = {}
    if url.password is not None:
        extra = {"MLPROJ_GIT_USERNAME": url.username or "", "MLPROJ_GIT_PASSWORD": url.password}
    line = git_command.arguments(command, (*_login(url), *settings), git_dir, folder)
    env = git_command.environment(url.protocols, extra)
    result = process.run(line, env=env, input=input, timeout=timeout)
    if (
        result.returncode != 0
        and asks_for_login(result)
        and not url.is_local
        and url.password is None
        and _is_interactive()
    ):
        result = process.run(line, env=env | {"GIT_TERMINAL_PROMPT": "1"}, input=input, timeout=timeout, terminal=True)
    return result


def _login(url: GitUrl) -> tuple[str, ...]:
    if url.transport not in ("http", "https"):
        return ()
    scope = "/".join(url.url.split("/", 3)[:3])
    if url.password is not None:
        return (f"credential.{scope}.helper=", f"credential.{scope}.helper={_HELPER}")
    return (f"credential.{scope}.username={url.username}",) if url.username else ()


def _is_interactive() -> bool:
    return all(stream is not None and not stream.closed and stream.isatty() for stream in (sys.stdin, sys.stderr))
