"""The only module that starts other programs.

Tools (git, uv, a compiler) go through :func:`run` and :func:`follow`; a project's own command goes through a backend,
which builds on :func:`start`. An argument list is data: nothing here passes through a shell.
"""

from __future__ import annotations

import errno
import math
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO, Any

from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import MlprojError, ServiceError, UsageError

_BLOCK = 1 << 16
_LONGEST_LINE = 1 << 16
_SILENCE = 0.2  # seconds without a word after which we look whether a tool has ended although its streams are open


_started: set[int] = set()


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
    """Start a program in a session of its own, so that a signal can reach all of it and none of us.

    Without a terminal a program that wants a password fails instead of waiting. With *terminal* it stays in our session
    and process group, where it can ask the person (a group of its own would be stopped when it reads the terminal) and
    gets that person's Ctrl-C as we do.

    Raises :class:`ServiceError` when the program is not there or may not be executed, :class:`UsageError` for an
    argument that no program can be given.
    """
    arguments = [str(argument) for argument in argv]
    try:
        started = subprocess.Popen(
            arguments,
            cwd=cwd,
            env=env,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=pass_fds,
            start_new_session=not terminal,
        )
    except (OSError, ValueError) as error:
        raise _not_started(arguments[0], cwd, error) from error
    _started.add(started.pid)
    return started


def is_ours(pid: int) -> bool:
    """Whether the process *pid* was started here, and not adopted."""
    return pid in _started


def _not_started(program: str, cwd: Path | None, error: OSError | ValueError) -> MlprojError:
    if not isinstance(error, OSError):  # Python's own check of what execve(2) takes
        return UsageError(
            f"cannot run {program!r}: an argument or variable holds a NUL byte or text that cannot be encoded ({error})"
        )
    if cwd is not None and not Path(cwd).is_dir():
        return ServiceError(f"cannot run {program}: the folder {cwd} is not there")
    if isinstance(error, FileNotFoundError):
        return ServiceError(f"{program} is not installed or not on PATH", hint="mlproj doctor lists what is missing")
    if error.errno == errno.E2BIG:
        return ServiceError(
            f"cannot run {program}: the command line and environment are longer than this system allows"
        )
    return ServiceError(f"{program} cannot be executed: {error.strerror}")


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

    *timeout* is in seconds. When this is left by an exception (Ctrl-C, a timeout), the tool's process group is gone. A
    daemon that the tool leaves behind (a credential cache, a compiler cache) is not waited for.
    Raises :class:`ServiceError` when the tool is missing or takes longer than *timeout*.
    """
    stdout, stderr = bytearray(), bytearray()
    with _SignalsHeld() as held:
        process = start(
            argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL if input is None else subprocess.PIPE, terminal=terminal
        )
        readers = {process.stdout: stdout.extend, process.stderr: stderr.extend}
        try:
            _attend(process, held, readers, input or b"", timeout)
        except TimeoutError as error:
            raise ServiceError(f"{argv[0]} did not answer within {timeout:g} seconds") from error
    return Completed(tuple(str(argument) for argument in argv), process.returncode, bytes(stdout), bytes(stderr))


def follow(
    argv: Sequence[str | Path],
    on_line: Callable[[str], None],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Completed:
    """Run a tool to its end, giving each line of its standard error to *on_line* as it appears.

    A carriage return ends a line too: progress bars are drawn that way. Returns both streams whole, like :func:`run`.
    """
    stdout, stderr, lines = bytearray(), bytearray(), _Lines(on_line)

    def on_stderr(data: bytes) -> None:
        stderr.extend(data)
        lines.feed(data)

    with _SignalsHeld() as held:
        process = start(argv, cwd=cwd, env=env)
        _attend(process, held, {process.stdout: stdout.extend, process.stderr: on_stderr})
    lines.end()
    return Completed(tuple(str(argument) for argument in argv), process.returncode, bytes(stdout), bytes(stderr))


class _SignalsHeld:
    """Keeps signals that would raise an exception waiting while a tool is started, so that none is started and
    forgotten."""

    def __enter__(self) -> _SignalsHeld:
        self._waiting: list[int] = []
        self._before: dict[int, Callable[[int, FrameType | None], Any]] = {}
        if threading.current_thread() is threading.main_thread():  # the only one that handlers run in
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                handler = signal.getsignal(number)
                if callable(handler):
                    self._before[number] = handler
                    signal.signal(number, self._wait)
        return self

    def __exit__(self, *_error: object) -> None:
        self.release()

    def release(self) -> None:
        """From now on they are delivered again, first those that came meanwhile."""
        for number in list(self._before):  # one by one: a handler that is back may raise
            signal.signal(number, self._before[number])
            del self._before[number]
        waiting, self._waiting = self._waiting, []
        for number in waiting:
            signal.raise_signal(number)

    def _wait(self, number: int, _frame: FrameType | None) -> None:
        self._waiting.append(number)


def _attend(
    process: subprocess.Popen[bytes],
    held: _SignalsHeld,
    readers: Mapping[IO[bytes] | None, Callable[[bytes], None]],
    input: bytes = b"",
    timeout: float | None = None,
) -> None:
    """Stay with *process* until it has ended: feed it *input*, give what it says to *readers*; on any exception end it.

    Raises :class:`TimeoutError` after *timeout* seconds.
    """
    deadline = math.inf if timeout is None else time.monotonic() + timeout
    try:
        held.release()
        _converse(
            process,
            {pipe.fileno(): reader for pipe, reader in readers.items() if pipe is not None},
            memoryview(input),
            deadline,
        )
        process.wait(None if deadline == math.inf else max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise TimeoutError from error
    finally:
        if process.poll() is None:
            kill_group(process)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None and not pipe.closed:
                pipe.close()


def _converse(
    process: subprocess.Popen[bytes], readers: dict[int, Callable[[bytes], None]], input: memoryview, deadline: float
) -> None:
    """Until every stream has ended, or the process has and is silent. Raises :class:`TimeoutError` at *deadline*."""
    poll = select.poll()
    for descriptor in readers:
        poll.register(descriptor, select.POLLIN)
    if process.stdin is not None:
        poll.register(process.stdin.fileno(), select.POLLOUT)
    while readers or (process.stdin is not None and not process.stdin.closed):
        ready = poll.poll(1000 * max(0.0, min(_SILENCE, deadline - time.monotonic())))
        for descriptor, _ in ready:
            if descriptor not in readers:
                input = _feed(process, input)
                if not input:
                    poll.unregister(descriptor)
            elif data := os.read(descriptor, _BLOCK):
                readers[descriptor](data)
            else:
                poll.unregister(descriptor)
                del readers[descriptor]
        if time.monotonic() >= deadline:
            raise TimeoutError
        if not ready and process.poll() is not None:
            return  # someone it left behind holds its streams


def _feed(process: subprocess.Popen[bytes], input: memoryview) -> memoryview:
    """Give the next piece of *input*, which a pipe with room takes at once; returns the rest. At its end stdin is
    closed."""
    assert process.stdin is not None
    try:
        rest = input[os.write(process.stdin.fileno(), input[: select.PIPE_BUF]) :]
    except BrokenPipeError:  # it reads no more, which is its right
        rest = input[:0]
    if not rest:
        process.stdin.close()
    return rest


class _Lines:
    """Cuts bytes into lines as they come."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """More bytes; every line that is complete by now is given away."""
        lines = (self._rest + data).splitlines(keepends=True)
        # A carriage return at the very end may be half of a line's end.
        self._rest = b"" if lines[-1].endswith(b"\n") or len(lines[-1]) > _LONGEST_LINE else lines.pop()
        for line in lines:
            self._say(line)

    def end(self) -> None:
        """No more bytes."""
        if self._rest:
            self._say(self._rest)

    def _say(self, line: bytes) -> None:
        self._on_line(line.decode("utf-8", "backslashreplace").rstrip())
