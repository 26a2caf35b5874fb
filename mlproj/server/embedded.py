"""The tracking server of one run: a port on this machine that its program alone has the token for, until the run ends.

Most of it happens at the first connection. Until then there is a socket that listens and a thread that waits for the
first connection; the HTTP stack is imported by that thread. A program that never logs pays for neither.
"""

from __future__ import annotations

import _socket  # the module around it is slow to load, and not needed before the first connection
import os
import select
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from mlproj.tracking.base import Run, Status, TrackingStore

if TYPE_CHECKING:
    import socket

    from mlproj.server.run_scoped_store import RunScopedStore

FOREIGN_VARIABLES = frozenset(
    {
        *("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_AUTH"),
        *("MLFLOW_TRACKING_AWS_SIGV4", "MLFLOW_TRACKING_CLIENT_CERT_PATH", "MLFLOW_TRACKING_SERVER_CERT_PATH"),
        *("MLFLOW_TRACKING_INSECURE_TLS", "MLFLOW_WORKSPACE"),
    }
)
"""Variables by which the user's MLflow reaches another server, which is none of the program's business."""

_HOST = "127.0.0.1"
_FREEBIND = 15  # IP_FREEBIND of ip(7)
_BACKLOG = 128  # connections that may wait while the HTTP stack is imported
_NO_PROXY = ("NO_PROXY", "no_proxy")


class Embedded:
    """Serves *store* to the program of *run* between entering and leaving; binding is the only thing that entering
    waits for.

    ``experiment_chosen`` and ``name_chosen`` say what of the run stands whatever the program wants, *folder* is where
    it works. Files are written by the program itself, on this machine, unless they are to come through us (*proxied*),
    as those of a program in a container must. A *confined* program reads its own only. *host* is the address to listen
    at,
    *name* what the program calls it, *uri* the address of *store*, and *team* that of a server which is read from, too.
    Raises OSError when there is no port.
    """

    def __init__(
        self,
        run: Run,
        store: TrackingStore,
        *,
        folder: Path,
        experiment_chosen: bool = False,
        name_chosen: bool = False,
        proxied: bool = False,
        confined: bool = False,
        host: str = _HOST,
        name: str | None = None,
        uri: str | None = None,
        team: str | None = None,
    ) -> None:
        self.token = os.urandom(32).hex()
        self.trouble: Exception | None = None
        self._run = run
        self._store = store
        self._folder = folder
        self._experiment_chosen = experiment_chosen
        self._name_chosen = name_chosen
        self._proxied = proxied
        self._confined = confined
        self._uri = uri
        self._team = team
        self._host = host
        self._name = name or host
        self._run_store: RunScopedStore | None = None
        self._admitted: list[socket.socket] = []

    def __enter__(self) -> Embedded:
        self._socket = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        try:
            if self._host != _HOST and sys.platform == "linux":  # a bridge that comes with the first container on it
                self._socket.setsockopt(_socket.IPPROTO_IP, _FREEBIND, 1)
            self._socket.bind((self._host, 0))
            self._socket.listen(_BACKLOG)
            self.port: int = self._socket.getsockname()[1]
        except BaseException:
            self._socket.close()
            raise
        self._stop_read, self._stop_write = os.pipe()  # readable at its end, when the other side is closed
        # Readable when there is a connection that was admitted elsewhere.
        self._accepted_read, self._accepted_write = os.pipe()
        self._thread = threading.Thread(
            target=self._attend, name=f"mlproj-embedded-{self._run.run_id[:8]}", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the port, answer what was asked before, and return. Doing it again changes nothing."""
        if self._stop_write >= 0:
            os.close(self._stop_write)
            self._stop_write = -1
        self._thread.join()

    def admit(self, connection: socket.socket) -> None:
        """Serve a client that was accepted elsewhere, and that needs no token. From any thread, until :meth:`stop`."""
        self._admitted.append(connection)
        os.write(self._accepted_write, b"!")

    @property
    def uri(self) -> str:
        """The address for clients."""
        return f"http://{self._name}:{self.port}"

    def variables(self, environ: Mapping[str, str]) -> dict[str, str]:
        """What a program that gets *environ* needs besides, to log here."""
        return {
            "MLFLOW_TRACKING_URI": self.uri,
            "MLFLOW_TRACKING_TOKEN": self.token,
            # MLflow prefers these, also those in ~/.mlflow/credentials, to a token.
            "MLFLOW_TRACKING_USERNAME": "mlproj",
            "MLFLOW_TRACKING_PASSWORD": self.token,
            # Addresses of runs at this port, which is closed when the output is read.
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
            **_without_proxy(environ, self._name),
        }

    # What came of it; for after the end.

    @property
    def is_adopted(self) -> bool:
        """Whether the program took the run for one of its own."""
        return self._run_store is not None and self._run_store.is_adopted

    @property
    def reported_failure(self) -> Status | None:
        """FAILED or KILLED when the program left its run so."""
        status = self._run_store.reported_status if self._run_store else None
        return status if status in (Status.FAILED, Status.KILLED) else None

    def warnings(self) -> list[str]:
        """What the program did that the record does not follow."""
        if self.trouble is not None:
            return [
                f"what the program logged through MLflow is not recorded: {type(self.trouble).__name__}: {self.trouble}"
            ]
        if self._run_store is None:
            return []
        found = []
        if self._run_store.differing:
            differing = ", ".join(sorted(self._run_store.differing))
            found.append(f"the program logged other values than the run was given, which are kept: {differing}")
        if self._run_store.reported_deleted:
            found.append("the program deleted its run, which is kept; mlproj runs delete removes it")
        return found

    def end_children(self, status: Status) -> None:
        """Give runs that the program left open the run's own *status*. Raises ServiceError."""
        if self._run_store:
            self._run_store.run_tree.end(status)

    # The thread.

    def _attend(self) -> None:
        try:
            if self._is_connected_to():
                self._serve()
        except Exception as trouble:  # nothing here could catch it; the run goes on and reports it at its end
            self.trouble = trouble
        finally:
            self._socket.close()
            for descriptor in (self._stop_read, self._accepted_read, self._accepted_write):
                os.close(descriptor)
            for connection in self._admitted:
                connection.close()

    def _is_connected_to(self) -> bool:
        """Wait for a connection; False when the run ends before there is one."""
        poll = select.poll()
        poll.register(self._socket.fileno(), select.POLLIN)
        poll.register(self._stop_read, select.POLLIN)
        poll.register(self._accepted_read, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll()}
        return self._stop_read not in ready

    def _serve(self) -> None:
        import socket

        from mlproj.server import embedded_service, run_scoped_experiments, run_scoped_store

        chosen = run_scoped_experiments.Chosen(self._experiment_chosen, self._name_chosen)
        with (
            socket.socket(fileno=os.dup(self._socket.fileno())) as listening,
            embedded_service.stores(self._store, self._uri, self._team) as known,
        ):
            self._socket.close()
            self._run_store = run_scoped_store.RunScopedStore(
                known.store, self._run, chosen, self._folder, confined=self._confined
            )
            accepted = embedded_service.AcceptedConnections(self._accepted_read, self._admitted)
            embedded_service.serve(
                self._run_store, known, self.token, listening, self._stop_read, accepted, proxied=self._proxied
            )


def _without_proxy(environ: Mapping[str, str], host: str) -> dict[str, str]:
    """The variables that keep requests to *host* from a proxy, where *environ* names one."""
    if not any(name.lower().endswith("_proxy") for name in environ):
        return {}
    before = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if before.strip() == "*":
        return {}
    return dict.fromkeys(_NO_PROXY, f"{before},{host}" if before else host)
