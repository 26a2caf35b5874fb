"""The MLflow servers that a project names on this machine and that do not run: the run's own tracking server answers
for them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from mlproj.foundation.progress import Progress
from mlproj.projects import server_addresses
from mlproj.projects.server_address import ServerAddress
from mlproj.running.plan import Plan

if TYPE_CHECKING:
    import socket

    from mlproj.server.stand_in import StandIn

TAG = "mlproj.stand_in"
"""The tag of a run that says which named addresses there were and what became of each, a line each."""

_LEFT_ALONE = "something listens there already, and is left alone"
_NO_CERTIFICATE = (
    "not answered, because it is https, for which the run's own tracking server has no certificate; at http:// it"
    " answers"
)
_OWNERS = "/proc/net/tcp"  # by which a connection's owner is found
_MOST_LOOKED = 1 << 20  # bytes of output at a time
_FREE, _TAKEN, _FORBIDDEN = (
    "free",
    "taken",
    "forbidden",
)  # as in server.stand_in, which is loaded only when there is an address


class NamedServers:
    """The addresses that the project of *plan* names, answered between entering and leaving by giving connections to
    *deliver*.

    *environ* is what the command inherits. ``has_own_network``: the command has a network of its own, in which the
    addresses are opened by its first program; ``ports`` are those that it is to open.
    """

    def __init__(
        self,
        plan: Plan,
        run_id: str,
        environ: Mapping[str, str],
        deliver: Callable[[socket.socket], None],
        progress: Progress,
        *,
        has_own_network: bool,
    ) -> None:
        self._plan = plan
        self._run_id = run_id
        self._deliver = deliver
        self._progress = progress
        self._has_own_network = has_own_network
        self._resources = ExitStack()
        self._served: dict[int, str] = {}
        self._taken: set[int] = set()  # ports of addresses that cannot be answered, where somebody else does
        self._stand_in: StandIn | None = None
        self._lock = threading.Lock()
        self._is_over = False
        self._looked = 0  # bytes of the command's output
        self.addresses = () if plan.request.stand_in == "off" else find(plan, environ)

    def __enter__(self) -> NamedServers:
        if self.addresses:
            self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Answer no more. Doing it again changes nothing."""
        with self._lock:
            self._is_over = True
            self._resources.close()

    def look(self, log: Path) -> None:
        """Answer, too, where the command's output in *log* says that an MLflow client was refused: a port that no file
        names."""
        if self._has_own_network or self._plan.request.stand_in == "off" or not os.path.exists(_OWNERS):  # noqa: PTH110
            return
        with log.open("rb") as file:
            file.seek(self._looked)
            data = file.read(_MOST_LOOKED)
        self._looked += data.rfind(b"\n") + 1 or (len(data) if len(data) == _MOST_LOOKED else 0)
        if b"refused" not in data or b"mlflow" not in data:
            return
        from mlproj.projects import refusal

        for host, port in dict.fromkeys(refusal.awaited(data.decode("utf-8", "replace"))):
            with self._lock:
                if not self._is_over and port not in self._served and self._state(port) is None:
                    self._open_named_in_output(ServerAddress(host, port, "the program's output"))

    def _open_named_in_output(self, address: ServerAddress) -> None:
        self.addresses = (*self.addresses, address)
        self._start().open([address.port])
        self._tell([address])

    def _start(self) -> StandIn:
        from mlproj.server.stand_in import StandIn

        if self._stand_in is None:
            is_always = self._plan.request.stand_in == "always"
            self._stand_in = self._resources.enter_context(StandIn(self._run_id, self._deliver, always=is_always))
        return self._stand_in

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that the first program of a network of the command's own is to listen at."""
        return tuple(self._stand_in.states) if self._stand_in and self._has_own_network else ()

    def accept(self, connection: socket.socket) -> None:
        """Serve a connection from the command's own network."""
        if self._stand_in:
            self._stand_in.accept(connection)

    def tag(self) -> dict[str, str]:
        """What became of the addresses, for the record."""
        lines = [f"{address.url} ({address.place}): {self._outcome(address)}" for address in self.addresses]
        return {TAG: "\n".join(lines)} if lines else {}

    def _begin(self) -> None:
        from mlproj.projects import served_ports

        ports = dict.fromkeys(address.port for address in self.addresses)
        self._served = served_ports.served(self._plan.checkout.project_dir, self._plan.command.text, ports)
        answerable = dict.fromkeys(address.port for address in self.addresses if address.is_answerable)
        free = [port for port in answerable if port not in self._served]
        if not self._has_own_network:
            self._taken = {each.port for each in self.addresses if not each.is_answerable and _is_taken(each.port)}
        if not answerable:
            pass
        elif self._has_own_network:
            self._start().states.update(dict.fromkeys(free, _FREE))
        elif self._plan.request.stand_in == "always" or os.path.exists(_OWNERS):  # noqa: PTH110
            self._start().open(free)
        self._tell(self.addresses)

    def _state(self, port: int) -> str | None:
        return self._stand_in.states.get(port) if self._stand_in else None

    def _tell(self, addresses: Sequence[ServerAddress]) -> None:
        answered = [each for each in addresses if each.is_answerable and self._state(each.port) == _FREE]
        if answered:
            where = "where the command runs" if self._has_own_network else "there"
            why = f"nothing listens {where}, so the run's own tracking server answers (--no-stand-in: it does not)"
            self._progress.note(f"stand-in: {_listed(answered)}: {why}")
        left = {(each.scheme, each.port): each for each in addresses if each not in answered}
        for (scheme, port), one in left.items():
            named = _listed(each for each in addresses if (each.scheme, each.port) == (scheme, port))
            self._progress.note(f"stand-in: {named}: {self._outcome(one)}")

    def _outcome(self, address: ServerAddress) -> str:
        """What became of an address, for people."""
        port = address.port
        if port in self._served:
            return f"left to the project, which starts a server there itself ({self._served[port]})"
        if not address.is_answerable:
            return _LEFT_ALONE if port in self._taken else _NO_CERTIFICATE
        if self._stand_in is None:
            return (
                "not answered, because this system does not tell whose a connection is; --stand-in=always answers every"
                " program here"
            )
        state = self._stand_in.states.get(port)
        if state == _TAKEN:
            return _LEFT_ALONE
        if state == _FORBIDDEN:
            return "not answered, because this user may not listen at that port"
        return "answered by the run's own tracking server" if port in self._stand_in.asked else "nobody asked"

    # When it failed.

    def explain(self, output: str) -> str | None:
        """Why a program that ended with *output* did not reach a server on this machine; None when that was not its
        trouble."""
        from mlproj.projects import refusal

        if (port := refusal.held(output)) is not None and self._state(port) == _FREE and not self._has_own_network:
            return (
                f"the program wants port {port} itself, which the run's own tracking server answers at; --no-stand-in"
                " leaves it free"
            )
        refused = refusal.refused(output)
        if refused is None:
            return None
        host, port = refused
        named = [each for each in self.addresses or find(self._plan, os.environ) if each.port == port]
        if not named:
            return (
                f"nothing listens at {host}:{port}, where the program looks for a server; no file of the project names"
                " that address"
            )
        return (
            f"nothing listens at {_listed(named)}, where the program looks for an MLflow"
            f" server{self._why_not(named[-1])}"
        )

    def _why_not(self, address: ServerAddress) -> str:
        if not address.is_answerable:
            return f"; it was {_NO_CERTIFICATE}"
        if self._plan.request.stand_in == "off":
            return "; without --no-stand-in the run's own tracking server would answer"
        return "" if self._state(address.port) == _FREE else f"; it was {self._outcome(address)}"


def _is_taken(port: int) -> bool:
    from mlproj.server import loopback_port

    return loopback_port.is_answered(port)


def find(plan: Plan, environ: Mapping[str, str]) -> tuple[ServerAddress, ...]:
    """The addresses that a project, its command, and the variables that it gets name."""
    return server_addresses.find(plan.checkout.project_dir, command=plan.command.text, variables=environ)


def _listed(addresses: Iterable[ServerAddress]) -> str:
    """``http://localhost:5000 (train.py:3, config.yaml:8)``, an address after the other."""
    places: dict[str, list[str]] = {}
    for each in addresses:
        places.setdefault(each.url, []).append(each.place)
    return ", ".join(
        f"{url} ({', '.join(found[:2])}{', …' if len(found) > 2 else ''})" for url, found in places.items()
    )
