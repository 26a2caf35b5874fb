"""The HTTP application of one model: finds who answers a request, and says so when nobody does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from mlproj.foundation.dataclass import dataclass
from mlproj.models.scoring.worker_process import Answer
from mlproj.models.serving.http import (
    JSON,
    Disconnected,
    Handler,
    Receive,
    Request,
    Scope,
    Send,
    TooLarge,
    document,
    refusal,
    respond,
)
from mlproj.models.serving.measurements import Measurements

Methods = Mapping[str, Handler]


@dataclass(frozen=True)
class Tree:
    """Routes below a path: *find* gives the methods of what follows it, None if nothing is there, and the name of the
    route under which it is counted."""

    find: Callable[[str], tuple[str, Methods] | None]


class ModelApp:
    """Answers by *routes*, path to method to handler, and by *trees*, beginnings of paths to what is below them.

    Bodies may have *largest* bytes. Unknown paths and methods are answered as FastAPI does, on which MLflow builds.
    """

    def __init__(
        self,
        routes: Mapping[str, Methods],
        trees: Mapping[str, Tree],
        largest: int,
        measurements: Measurements,
    ) -> None:
        self._routes = routes
        self._trees = trees
        self._largest = largest
        self._measurements = measurements

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        self._measurements.in_flight += 1
        try:
            await self._answer(scope, receive, send)
        finally:
            self._measurements.in_flight -= 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        begin = time.perf_counter()
        route, methods = self._found(scope["path"])
        method = scope["method"]
        answer = _unanswered(methods, method) if methods else self._elsewhere(scope["path"])
        if answer is None:
            try:
                answer = await methods[method](Request(scope, receive, self._largest))
            except TooLarge:
                answer = refusal(413, f"the body is larger than {self._largest} bytes")
            except Disconnected:  # as nginx counts those that did not wait
                self._measurements.answered(route, 499, time.perf_counter() - begin)
                return
        await respond(send, answer, with_body=method != "HEAD")
        self._measurements.answered(route, answer.status, time.perf_counter() - begin)

    def _found(self, path: str) -> tuple[str, Methods]:
        methods = self._routes.get(path)
        if methods is not None:
            return path, methods
        for beginning, tree in self._trees.items():
            if path.startswith(beginning):
                found = tree.find(path[len(beginning) :])
                if found is not None:
                    return found
        return "", {}

    def _elsewhere(self, path: str) -> Answer:
        without = path.rstrip("/")
        if without != path and without in self._routes:
            return Answer(307, JSON, b"", headers=((b"location", without.encode()),))
        return document({"detail": "Not Found"}, 404)


def _unanswered(methods: Methods, method: str) -> Answer | None:
    if method not in methods:
        allowed = ", ".join(methods).encode()
        return document({"detail": "Method Not Allowed"}, 405, (b"allow", allowed))
    return None
