"""Which runs the process belongs to that has the other end of a TCP connection on this machine; Linux tells it in
/proc.

A process belongs to the runs whose ids its own environment and those of the processes above it carry. An environment
counts only where it is one of our own user's: anybody can set a variable, and no other user can start a process of
ours.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress

from mlproj.backends import process_tree

_DEEPEST = 64  # processes above one
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_MAPPED = b"\0" * 10 + b"\xff\xff"  # of an IPv4 address in one of IPv6 (RFC 4291, 2.5.5.2)


def runs_of(connection: socket.socket) -> list[str] | None:
    """The ids of the runs that the client of *connection* is part of, the innermost first; None where the system does
    not tell.

    A client that is gone, or whose processes may not be looked into, is of no run.
    """
    try:
        client, server = connection.getpeername()[:2], connection.getsockname()[:2]
        inode = _inode(client, server)
    except OSError:
        return None if not os.path.exists(_TABLES[0]) else []  # noqa: PTH110
    return [] if inode is None else next((runs for pid in _holders(inode) if (runs := runs_of_process(pid))), [])


def _inode(client: tuple[str, int], server: tuple[str, int]) -> str | None:
    """The number of the socket at the client's end. Raises FileNotFoundError where there is no such table."""
    wanted = {(_written(client, mapped), _written(server, mapped)) for mapped in (False, True)}
    for table in _TABLES:
        try:
            with open(table, encoding="ascii") as file:  # noqa: PTH123
                rows = (line.split() for line in file)
                found = next((row[9] for row in rows if len(row) > 9 and (row[1], row[2]) in wanted), None)
        except FileNotFoundError:
            if table == _TABLES[0]:
                raise
            continue  # without IPv6
        if found not in (None, "0"):
            return found
    return None


def _written(address: tuple[str, int], mapped: bool) -> str:
    """An address as the kernel's table has it: words of 32 bits in the machine's own order, then the port."""
    host, port = address
    packed = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host.partition("%")[0])
    packed = _MAPPED + packed if mapped and len(packed) == 4 else packed
    words = (int.from_bytes(packed[at : at + 4], sys.byteorder) for at in range(0, len(packed), 4))
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"


def _holders(inode: str) -> Iterator[int]:
    """The processes that have this socket open, the youngest first."""
    wanted = f"socket:[{inode}]"
    pids = sorted((int(name) for name in os.listdir("/proc") if name.isdigit()), reverse=True)  # noqa: PTH208
    for pid in pids:
        if pid != os.getpid() and wanted in _open_files(pid):
            yield pid


def _open_files(pid: int) -> Iterator[str]:
    folder = f"/proc/{pid}/fd"
    with suppress(OSError):  # gone, or not to be looked into
        for name in os.listdir(folder):  # noqa: PTH208
            with suppress(OSError):
                yield os.readlink(f"{folder}/{name}")  # noqa: PTH115


def runs_of_process(pid: int) -> list[str]:
    """The ids of the runs that the process *pid* is part of, the innermost first."""
    found: list[str] = []
    for _ in range(_DEEPEST):
        if pid <= 1 or pid == os.getpid():
            break
        run_id = process_tree.run_id_of(pid) if _is_our_users(pid) else None
        if run_id and run_id not in found:
            found.append(run_id)
        pid = process_tree.parent_of(pid)
    return found


def _is_our_users(pid: int) -> bool:
    try:
        return os.stat(f"/proc/{pid}").st_uid == os.geteuid()  # noqa: PTH116
    except OSError:
        return False
