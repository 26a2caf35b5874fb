"""The only door to other programs.

Tools (git, uv, a compiler) go through :func:`run` and :func:`follow`; a project's own command goes through a backend,
which builds on :func:`start`. An argument list is data: nothing here passes through a shell.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlproj.errors import ServiceError


@dataclass(frozen=True)
class Completed:
    """A tool that ended: its code and everything it said."""

    argv: tuple[str, ...]
    returncode: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output as text, undecodable bytes kept as escapes."""
        return self.stdout.decode("utf-8", "backslashreplace")

    @property
    def error_text(self) -> str:
        """Standard error as text, undecodable bytes kept as escapes."""
        return self.stderr.decode("utf-8", "backslashreplace")


def start(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: int | None = subprocess.DEVNULL,
    stdout: int | None = subprocess.PIPE,
    stderr: int | None = subprocess.PIPE,
    pass_fds: Sequence[int] = (),
    terminal: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own, so that a signal can reach all of it and none of us.

    With *terminal* it stays in our session, where it can ask the person at the terminal.

    Raises :class:`ServiceError` when the program is not there or may not be executed.
    """
    arguments = [str(argument) for argument in argv]
    try:
        return subprocess.Popen(
            arguments, cwd=cwd, env=env, stdin=stdin, stdout=stdout, stderr=stderr, pass_fds=pass_fds, start_new_session=not terminal
        )
    except FileNotFoundError as error:
        if cwd is not None and not Path(cwd).is_dir():
            raise ServiceError(f"cannot run {arguments[0]}: the folder {cwd} is not there") from error
        raise ServiceError(f"{arguments[0]} is not installed or not on PATH", hint="mlproj doctor lists what is missing") from error
    except PermissionError as error:
        raise ServiceError(f"{arguments[0]} may not be executed: {error.strerror}") from error


def kill_group(process: subprocess.Popen[bytes], grace: float = 2.0) -> None:
    """End *process* and its group: SIGTERM, after *grace* seconds SIGKILL. Returns when the process is reaped."""
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:  # reaped, or started with `terminal` and so in no group of its own
            process.send_signal(number)
        except PermissionError:
            pass
        try:
            process.wait(patience)
            return
        except subprocess.TimeoutExpired:
            continue


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: bytes | None = None,
    timeout: float | None = None,
    terminal: bool = False,
) -> Completed:
    """Run a tool to its end and return what it said, whatever its code; the caller knows what a failure means.

    *timeout* is in seconds. However this ends (an exception, Ctrl-C), the tool's whole process group is gone.
    Raises :class:`ServiceError` when the tool is missing or takes longer than *timeout*.
    """
    process = start(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL if input is None else subprocess.PIPE, terminal=terminal)
    try:
        stdout, stderr = process.communicate(input, timeout)
    except subprocess.TimeoutExpired as error:
        raise ServiceError(f"{argv[0]} did not answer within {timeout:g} seconds") from error
    finally:
        if process.poll() is None:
            kill_group(process)
        _close_pipes(process)
    return Completed(tuple(str(argument) for argument in argv), process.returncode, stdout, stderr)


def follow(
    argv: Sequence[str | Path],
    on_line: Callable[[str], None],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Completed:
    """Run a tool to its end, giving each line of its standard error to *on_line* as it appears.

    Returns both streams whole, like :func:`run`.
    """
    process = start(argv, cwd=cwd, env=env)
    assert process.stdout is not None and process.stderr is not None
    stdout: list[bytes] = []
    reader = threading.Thread(target=lambda pipe: stdout.append(pipe.read()), args=(process.stdout,), daemon=True)
    reader.start()
    lines: list[bytes] = []
    try:
        for line in process.stderr:
            lines.append(line)
            on_line(line.decode("utf-8", "backslashreplace").rstrip())
        reader.join()
        process.wait()
    finally:
        if process.poll() is None:
            kill_group(process)
        reader.join(1)
        _close_pipes(process)
    return Completed(tuple(str(argument) for argument in argv), process.returncode, b"".join(stdout), b"".join(lines))


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None and not pipe.closed:
            pipe.close()
