"""What went wrong for a caller, in the words and with the status of MLflow 3.17's scoring server."""

from __future__ import annotations

import json

BAD_REQUEST = "BAD_REQUEST"
INTERNAL_ERROR = "INTERNAL_ERROR"
INVALID_PARAMETER_VALUE = "INVALID_PARAMETER_VALUE"
SCHEMA_ENFORCEMENT_FAILED = "SCHEMA_ENFORCEMENT_FAILED"

_STATUS = {BAD_REQUEST: 400, INVALID_PARAMETER_VALUE: 400, INTERNAL_ERROR: 500}
_CLASS = {
    BAD_REQUEST: INVALID_PARAMETER_VALUE,
    INVALID_PARAMETER_VALUE: INVALID_PARAMETER_VALUE,
    INTERNAL_ERROR: "CLIENT_INTERNAL_ERROR",
}
_SQLSTATE = {SCHEMA_ENFORCEMENT_FAILED: "KAM01", "CLIENT_INTERNAL_ERROR": "XXM00", INVALID_PARAMETER_VALUE: "KAM00"}


class ScoringError(Exception):
    """A request that cannot be answered; *code* is MLflow's error code, from which the HTTP *status* follows unless
    it is given."""

    def __init__(
        self,
        message: str,
        code: str = INTERNAL_ERROR,
        error_class: str | None = None,
        stack_trace: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.error_class = error_class or _CLASS[code]
        self.stack_trace = stack_trace
        self.status = status or _STATUS[code]

    def __repr__(self) -> str:
        """As the messages of MLflow's server quote the cause of an error."""
        return f"MlflowException({self.message!r})"

    def as_json(self) -> bytes:
        """The body of the answer."""
        document: dict[str, str] = {"error_code": self.code, "message": self.message}
        document["sqlstate"] = _SQLSTATE[self.error_class]
        document["error_class"] = self.error_class
        if self.stack_trace is not None:
            document["stack_trace"] = self.stack_trace
        return json.dumps(document).encode()


def invalid_input(message: str) -> ScoringError:
    """The body is not what the server reads."""
    return ScoringError("Invalid input. " + message, BAD_REQUEST)


def invalid_parameter(message: str, error_class: str | None = None) -> ScoringError:
    """A value that the signature does not allow."""
    return ScoringError(message, INVALID_PARAMETER_VALUE, error_class)
