"""MLflow's scoring server: ``/invocations``, and whether it is up and which protocol it speaks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from mlproj.models.scoring.queue import QueueFull, TimedOut
from mlproj.models.scoring.service import Service
from mlproj.models.scoring.worker_process import Answer, WorkerGone
from mlproj.models.serving.app import Methods
from mlproj.models.serving.current import Current
from mlproj.models.serving.http import JSON, Request, refusal
from mlproj.models.serving.recording import Exchange
from mlproj.server.mlflow_version import VERSION

_LATER = (b"retry-after", b"1")
# In MLflow's own words, and with the type that it gives them.
TIMED_OUT = Answer(504, JSON, b"Request processing time exceeded limit")
_UP = Answer(200, JSON, b"\n")
_DOWN = Answer(503, JSON, b"\n", headers=(_LATER,))


def routes(current: Current) -> Mapping[str, Methods]:
    """The routes, for the model that is the current one at the moment of a request."""

    async def ping(_request: Request) -> Answer:
        return _UP if current.service.is_ready else _DOWN

    async def version(_request: Request) -> Answer:
        return Answer(200, JSON, VERSION.encode())

    async def invocations(request: Request) -> Answer:
        body = await request.body()
        return await asked(current, request, "/invocations", body)

    return {
        "/ping": {"GET": ping},
        "/health": {"GET": ping},
        "/version": {"GET": version},
        "/invocations": {"POST": invocations},
    }


async def asked(
    current: Current, request: Request, route: str, body: bytes, form: Mapping[str, Any] | None = None
) -> Answer:
    """The current model's answer to *body*, or what keeps it from one; recorded, if that is wanted."""
    recorder = current.recorder
    if recorder is None or not recorder.wants_one:
        return await _answer(current.service, request, body, form)
    about, begin = current.about, time.perf_counter()
    answer = await _answer(current.service, request, body, form)
    seconds = time.perf_counter() - begin
    kind, answered = request.header(b"content-type"), (answer.status, answer.type, answer.body)
    recorder.add(Exchange(time.time(), route, kind, body, *answered, seconds, about.name, about.version))
    return answer


async def _answer(service: Service, request: Request, body: bytes, form: Mapping[str, Any] | None) -> Answer:
    kind = request.header(b"content-type") if form is None else JSON
    try:
        return await service.ask(kind, body, form, request.when_gone)
    except TimedOut:
        return TIMED_OUT
    except (QueueFull, WorkerGone) as error:
        return refusal(503, str(error), "TEMPORARILY_UNAVAILABLE", _LATER)
