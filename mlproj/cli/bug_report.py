"""A bug in mlproj, written down so that it can be pasted into an issue as it is."""

from __future__ import annotations

import os
import platform
import sys
import time
import traceback
from pathlib import Path

from mlproj import __version__
from mlproj.foundation import paths
from mlproj.foundation.errors import MlprojError
from mlproj.foundation.redaction import MASK, looks_secret, redact

_PACKAGES = ("click", "pyyaml", "rich", "gitpython", "virtualenv", "uv", "platformdirs", "packaging")


class Bug(MlprojError):
    """Something that must not happen: mlproj's own mistake."""

    exit_code = 70
    kind = "bug"


def write(error: BaseException, arguments: list[str]) -> Bug:
    """Write the report of *error* into ``home()/bugs`` and return what to tell the user.

    When the report cannot be written the bug is shown all the same, with the place in the code where it happened.
    """
    what = (
        f"mlproj has a bug: {type(error).__name__}: {error}"
        if str(error)
        else f"mlproj has a bug: {type(error).__name__}"
    )
    path = paths.home() / "bugs" / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.getpid()}.log"
    try:
        paths.write_atomic(path, report(error, arguments))
    except OSError as unwritable:
        reason = unwritable.strerror or str(unwritable)
        return Bug(
            what, hint=f"it happened at {_origin(error)}; a report could not be written to {path.parent} ({reason})"
        )
    return Bug(what, hint=f"a report without secrets, ready to paste into an issue, is in {path}")


def report(error: BaseException, arguments: list[str]) -> str:
    """What a maintainer needs: the command, the versions, the platform and the traceback, without secrets."""
    lines = [
        f"command: mlproj {' '.join(map(repr, mask_arguments(arguments)))}",
        f"mlproj {__version__}, Python {platform.python_version()} ({sys.executable}), {platform.platform()}",
        f"packages: {', '.join(_versions())}",
        "",
        *(line.rstrip("\n") for line in traceback.format_exception(error)),
    ]
    return redact("\n".join(lines)) + "\n"


def mask_arguments(arguments: list[str]) -> list[str]:
    """*arguments* with the value of each ``NAME=VALUE`` masked whose name looks secret."""
    masked = []
    for argument in arguments:
        name, equals, _value = argument.partition("=")
        masked.append(f"{name}={MASK}" if equals and looks_secret(name.lstrip("-")) else argument)
    return masked


def _versions() -> list[str]:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} missing")
    return found


def _origin(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
