"""One request of the REST API, and what answers it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from mlproj.foundation.quantity import FIRST_MOMENT, LAST_MOMENT
from mlproj.server.json_text import JsonText
from mlproj.server.scope import Scope
from mlproj.tracking.base import Run, TrackingStore

if TYPE_CHECKING:
    from starlette.responses import Response

    from mlproj.artifacts.base import ArtifactStore
    from mlproj.tracking.model_base import ModelStore

_LEAST = -(2**63)
_LONGEST_SHOWN = 80
_RUN_ID = re.compile(r"[0-9a-f]{32}")

STATUS_OF = {
    "RESOURCE_DOES_NOT_EXIST": 404,
    "ENDPOINT_NOT_FOUND": 404,
    "RESOURCE_ALREADY_EXISTS": 400,
    "INVALID_PARAMETER_VALUE": 400,
    "INVALID_STATE": 400,
    "BAD_REQUEST": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "INTERNAL_ERROR": 500,
    "TEMPORARILY_UNAVAILABLE": 503,
}
"""HTTP status of each of MLflow's error codes that we answer. MLflow 1.30 dies of a code it does not know."""


class ApiError(Exception):
    """An answer that says no: MLflow's error *code* and a message for the user."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = STATUS_OF[code]


def invalid(name: str, value: Any, expected: str) -> ApiError:
    """The refusal of a field's *value*, which is written as JSON: clients look for the beginning of the sentence."""
    shown = json.dumps(value, default=str)[:_LONGEST_SHOWN]
    return ApiError("INVALID_PARAMETER_VALUE", f"Invalid value {shown} for parameter '{name}' supplied: {expected}.")


class Fields:
    """The fields of a request, or of one of its parts, read as protobuf's JSON reads them.

    ``place`` is what errors call the part, such as ``metrics[0]``; empty for the request itself.
    """

    place: str = ""

    def __init__(self, fields: Mapping[str, Any], place: str = "") -> None:
        self.fields = fields
        self.place = place

    def path(self, name: str) -> str:
        """What errors call the field *name*."""
        return f"{self.place}.{name}" if self.place else name

    def missing(self, name: str) -> ApiError:
        """The refusal of a request without the field *name*."""
        return ApiError("INVALID_PARAMETER_VALUE", f"Missing value for required parameter '{self.path(name)}'.")

    def text(self, *names: str, empty: bool = False) -> str:
        """The first of these fields that is there, as text. Raises ApiError(INVALID_PARAMETER_VALUE) when none is.

        An empty text counts as none, as protobuf has no other word for it, unless it may be *empty*.
        """
        for name in names:
            found = self.optional_text(name)
            if found or (found is not None and empty):
                return found
        raise self.missing(names[0])

    def optional_text(self, *names: str) -> str | None:
        """As :meth:`text`; None when it is absent or null."""
        for name in names:
            value = self.fields.get(name)
            if value is None:
                continue
            if not isinstance(value, str):
                raise invalid(self.path(name), value, "a string was expected")
            return value
        return None

    def word(self, name: str) -> str | None:
        """A value of an enumeration, which protobuf JSON writes as its name or its number; None when it is absent or
        null."""
        value = self.fields.get(name)
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else self.optional_text(name)

    def integer(self, name: str, default: int) -> int:
        """An int64, which protobuf JSON writes as a number or a string."""
        value = self.fields.get(name)
        if value is None or value == "":
            return default
        try:
            if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
                raise ValueError
            number = int(value)
            if not _LEAST <= number < -_LEAST:
                raise ValueError
            return number
        except (TypeError, ValueError, OverflowError):
            raise invalid(self.path(name), value, "an integer of 64 bits was expected") from None

    def moment(self, name: str) -> int:
        """A time in UTC milliseconds, 0 when it is absent. Raises ApiError for one that no calendar has, as nanoseconds
        are."""
        found = self.integer(name, 0)
        if not FIRST_MOMENT <= found <= LAST_MOMENT:
            expected = "UTC milliseconds since 1970 between the years 1 and 9999 were expected"
            raise ApiError(
                "INVALID_PARAMETER_VALUE",
                f"Invalid value {found} for parameter '{self.path(name)}' supplied: {expected}.",
            )
        return found

    def limit(self, name: str, default: int, most: int) -> int:
        """A page's size, from 1 to *most*."""
        found = self.integer(name, default) or default
        if not 1 <= found <= most:
            raise invalid(self.path(name), found, f"1 to {most} were expected")
        return found

    def items(self, name: str) -> list[Any]:
        """A repeated field; absent is empty, and a query's single value is a list of one."""
        value = self.fields.get(name)
        if value is None:
            return []
        return list(value) if isinstance(value, (list, tuple)) else [value]


@dataclass(frozen=True)
class Call(Fields):
    """A request that was read: the stores it is about, its fields, which client sends it, and how it reaches artifacts.

    ``fields`` is the JSON body, or the query of a GET (a key given several times is a list); path parameters are in it
    too. ``artifact_place`` makes of the place of artifacts, as the store has it, the one that this client can use,
    ``accept_place`` of a place that the client wants for artifacts the one that the store is to have (ApiError when it
    may not be), and ``artifacts`` gives the store with the artifacts at a place and the path there, None when they are
    not served.
    """

    store: TrackingStore
    models: ModelStore
    fields: Mapping[str, Any]
    client: str = ""
    artifact_place: Callable[[str], str] = str
    accept_place: Callable[[str], str] = str
    artifacts: Callable[[str], tuple[ArtifactStore, str] | None] = lambda _place: None

    def run_id(self) -> str:
        """The whole id of the run that the request is about."""
        return self.text("run_id", "run_uuid")

    def run(self) -> Run:
        """The run that the request is about. Raises NotFound; a name or a part of an id is none."""
        run_id = self.run_id()
        found = self.store.get_run(run_id) if _RUN_ID.fullmatch(run_id) else None
        if found is None:
            raise ApiError("RESOURCE_DOES_NOT_EXIST", f"Run with id={run_id:.80} not found.")
        return found


Handler = Callable[[Call], "Mapping[str, Any] | JsonText | Response"]
"""Answers one endpoint: the JSON document or a file, or an ApiError or one of the store's errors. Runs in a worker
thread."""


class Endpoint(NamedTuple):
    """What answers an endpoint, what a token must be good for to ask it, and whether the body is a file: the field
    ``data``, beside those of the query."""

    handler: Handler
    needs: Scope
    takes_file: bool = False

    def __call__(self, call: Call) -> Mapping[str, Any] | JsonText | Response:
        """Answer a call that was let in."""
        return self.handler(call)


def read(handler: Handler) -> Endpoint:
    """An endpoint that only looks."""
    return Endpoint(handler, Scope.READ)


def write(handler: Handler) -> Endpoint:
    """An endpoint that adds, changes or restores."""
    return Endpoint(handler, Scope.WRITE)


def admin(handler: Handler) -> Endpoint:
    """An endpoint that takes away from others what they logged, or the place that they log to."""
    return Endpoint(handler, Scope.ADMIN)


Routes = Mapping[tuple[str, str], Endpoint]
"""Endpoints by method and path below ``/api/2.0/mlflow/``; ``{name}`` is a path parameter."""
