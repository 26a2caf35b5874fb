"""How a container with a model starts, and tells that it is well."""

from __future__ import annotations

import json

from mlproj.models.image import place

USER = "65532:65532"
"""Whom it runs as: nobody that an image knows, as in images without a shell."""

VARIABLES = {"HOME": "/tmp", "MLPROJ_HOME": "/tmp/mlproj", "MLPROJ_CACHE": "/tmp/mlproj-cache"}  # noqa: S108
"""Where programs may write, whoever they run as."""

LABELS = {"com.amazonaws.sagemaker.capabilities.accept-bind-to-port": "true"}
"""What SageMaker looks for."""

_ACTIVATED = 'exec "$0" "$@"'


def program(python: str, begin: str = "") -> tuple[str, ...]:
    """The program of a container; *begin* is what a shell does for the environment before."""
    words = (python, "-X", "utf8", "-IS", place.SERVER)
    return ("sh", "-c", f"{begin.rstrip()}\n{_ACTIVATED}", *words) if begin else words


def lines(python: str) -> tuple[str, ...]:
    """What a Dockerfile says besides the program."""
    check = json.dumps([*program(python), "health"])
    return (
        f"EXPOSE {place.PORT}",
        f"USER {USER}",
        f"HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD {check}",
    )
