"""Who may do what: scopes, and the gate of a server that asks for tokens."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Protocol

from starlette.requests import Request

from mlproj.server.admission import Principal
from mlproj.server.call import ApiError
from mlproj.server.scope import Scope

__all__ = ["Scope", "Tokens", "asking", "needed"]


class Tokens(Protocol):
    """Knows tokens."""

    def scope_of(self, token: str) -> Scope | None:
        """What *token* is good for; None when it is unknown, revoked or expired."""


_MLFLOW = re.compile(r"/(?:api|ajax-api)/\d\.\d/(?:preview/)?(mlflow(?:-artifacts)?/.*)", re.DOTALL)
# Questions that are too long for a query.
_QUESTIONS = re.compile(r"mlflow/(?:[a-z-]+/search|registered-models/get-latest-versions)")
# What takes away from others what they logged, or the place that they log to.
_DELETIONS = re.compile(
    r"mlflow/(?:experiments|runs|registered-models|model-versions)/delete|mlflow/logged-models/[^/]+|mlflow-artifacts/.*"
)


_METHOD = re.compile(r"/api/2\.0/mlproj/(?:tracking|models)/(\w+)")
_ASKING = re.compile(
    r"(?:get|search|list)_\w+|metric_history|marks|purgeable|latest_versions|download_uri|models_of_runs"
)
_REMOVING = re.compile(r"purge|delete_(?:registered_model|version|logged_model)")


def needed(method: str, path: str) -> Scope:
    """The scope that a request needs: write, read for questions, admin to delete experiments, runs, models and
    files."""
    if method in {"GET", "HEAD", "OPTIONS"}:
        return Scope.READ
    if called := _METHOD.fullmatch(path):
        return (
            Scope.READ
            if _ASKING.fullmatch(called[1])
            else Scope.ADMIN
            if _REMOVING.fullmatch(called[1])
            else Scope.WRITE
        )
    match = _MLFLOW.fullmatch(path.rstrip("/"))
    what = match[1] if match else ""
    if method == "POST" and _QUESTIONS.fullmatch(what):
        return Scope.READ
    return (
        Scope.ADMIN
        if method in {"POST", "DELETE"} and _DELETIONS.fullmatch(what) and not _logs(method, what)
        else Scope.WRITE
    )


def _logs(method: str, what: str) -> bool:
    """Whether a POST to a path that deletes with DELETE only adds something."""
    return method == "POST" and what.startswith(("mlflow/logged-models/", "mlflow-artifacts/"))


def asking(tokens: Tokens, principal: Principal) -> Callable[[Request], Principal]:
    """A gate that admits who brings one of *tokens*, as a bearer token or as a password with any user name."""

    def admit(request: Request) -> Principal:
        token = _token(request.headers.get("authorization", ""))
        if token is None:
            raise ApiError(
                "UNAUTHENTICATED",
                "This server asks for a token: set MLFLOW_TRACKING_TOKEN, or log in with it as the password.",
            )
        scope = tokens.scope_of(token)
        if scope is None:
            raise ApiError("UNAUTHENTICATED", "The token is unknown, revoked or expired.")
        asked = needed(
            request.method, request.scope["path"]
        )  # as routes are found: `url` ends at a quoted question mark
        if scope < asked:
            raise ApiError("PERMISSION_DENIED", f"The token's scope is {scope.word}; this needs {asked.word}.")
        return principal._replace(scope=scope)

    return admit


def _token(header: str) -> str | None:
    kind, _, value = header.strip().partition(" ")
    if kind.lower() == "bearer":
        return value.strip() or None
    if kind.lower() == "basic":
        try:
            _, _, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except ValueError:
            return None
        return password or None
    return None
