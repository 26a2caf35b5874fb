"""The first program in a sandbox: opens sockets that lead to the run's tracking server, then starts the command and
stays with it.

A sandbox has a network of its own, in which nothing listens. A socket belongs to the network that it was made in,
whichever process holds it: so the one that the program will connect to is made here and handed out, through a pair of
sockets, to mlproj, which answers.

When this ends, the kernel ends every process of the sandbox. So it stays until what the command left behind has had the
time that it has outside. It is started with the signals ignored that end a program, as bubblewrap is, which else would
take the sandbox away at the first one; the command gets them as it would outside.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from contextlib import suppress

from mlproj.foundation import process

_LOOK_AGAIN = 0.02  # seconds


def main() -> None:
    """``DESCRIPTOR PORTS SIGNALS PATIENCE GRACE COMMAND…``: exits with the command's code, 128 + n for signal n.

    The first of the ports is the server's own, the others are those that the project names for one.
    """
    descriptor, ports, signals, patience, grace, *command = sys.argv[1:]
    _open_listeners(int(descriptor), [int(port) for port in ports.split(",")])
    for number in map(int, signals.split(",") if signals else ()):
        signal.signal(
            number, _pass
        )  # no longer ignored: what is caught here is as usual in the program that is started
    started = process.start(command, stdin=None, stdout=None, stderr=None)
    code = started.wait()
    _await_leftovers(float(patience), float(grace))
    sys.exit(128 - code if code < 0 else code)


def _pass(_number: int, _frame: object) -> None:
    """A signal to all of the job; the command has got it, too."""


def _open_listeners(descriptor: int, ports: list[int]) -> None:
    with socket.socket(fileno=descriptor) as channel:
        listeners = [_listener(socket.AF_INET, "127.0.0.1", ports[0])]
        for port in ports[1:]:
            for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                with suppress(OSError):  # without IPv6; a port that only root may have
                    listeners.append(_listener(family, host, port))
        socket.send_fds(channel, [b"!"], [listener.fileno() for listener in listeners])
        for listener in listeners:
            listener.close()


def _listener(family: int, host: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _await_leftovers(patience: float, grace: float) -> None:
    """Return when no other process is left, or they were told to end and *grace* seconds are over."""
    term_at = time.monotonic() + patience
    while _others():
        if time.monotonic() >= term_at + grace:
            return
        if time.monotonic() >= term_at and patience < float("inf"):
            with suppress(ProcessLookupError):
                os.kill(-1, signal.SIGTERM)
            patience = float("inf")
        time.sleep(_LOOK_AGAIN)


def _others() -> bool:
    """Whether a process lives in the sandbox besides its first one and us."""
    ours = {"1", str(os.getpid())}
    return any(name.isdigit() and name not in ours and _is_alive(name) for name in os.listdir("/proc"))  # noqa: PTH208  # names


def _is_alive(pid: str) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  # as fast as it goes
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except (OSError, IndexError):
        return False
