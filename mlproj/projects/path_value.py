"""Values of ``path`` parameters: which file is meant, and where it is."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import Notice, UsageError
from mlproj.projects.base import Input, Parameter
from mlproj.projects.file_system import exists, is_folder
from mlproj.projects.parameter import shown

_SCHEME = r"([A-Za-z][A-Za-z0-9+.-]*):"


@dataclass(frozen=True)
class Location:
    """What the command gets for a path: ``text``, the input that it names, and a warning where it is not there yet."""

    text: str
    input: Input | None = None
    warning: Notice | None = None


def locate(
    parameter: Parameter,
    value: str,
    bases: tuple[Path, ...],
    fetch: Callable[[str], Path] | None,
    *,
    hashed: bool = True,
) -> Location:
    """Where the path *value* leads: an absolute path, as MLflow gives it to the command.

    A relative one is looked for in *bases*, in this order. A URI is brought here by *fetch*; without one it stays as it
    is. A file that does not exist is taken for an output when the folder it will be in does. *hashed*: the input tells
    what it holds. Raises UsageError.
    """
    local = _local(value, bases)
    if local is None:
        if fetch is None:
            return Location(value)
        return _existing(parameter, value, fetch(value), hashed)
    candidates = [Path(os.path.normpath(base.absolute() / local)) for base in bases]
    for path in candidates:
        if exists(path):
            return _existing(parameter, value, path, hashed)
    for path in candidates:
        if is_folder(path.parent):
            warning = f"{path} does not exist; it is taken for an output of the run, as its folder is there"
            return Location(str(path), warning=Notice(f"the value of {parameter.name!r}: {warning}"))
    looked = " nor ".join(dict.fromkeys(str(base) for base in bases))
    raise UsageError(
        f"the value {shown(parameter.name, value)} of parameter {parameter.name!r} is no file, "
        "expected an existing file or folder or a URI",
        hint=None if Path(local).is_absolute() else f"it is neither in {looked}",
    )


def _existing(parameter: Parameter, value: str, path: Path, hashed: bool) -> Location:
    if not hashed:
        return Location(str(path), Input(parameter.name, value, path, None, None))
    from mlproj.foundation.content_hash import measure

    return Location(str(path), Input(parameter.name, value, path, *measure(path)))


def _local(value: str, bases: tuple[Path, ...]) -> str | None:
    """*value* as a path on this machine, None when it is a URI of somewhere else.

    MLflow takes what has no scheme, and ``file:`` without a host, for local, and undoes percent-encoding in both.
    """
    from urllib.parse import unquote, urlsplit

    scheme = re.match(_SCHEME, value)
    if scheme and scheme[1].lower() == "file":
        parts = urlsplit(value)
        return unquote(parts.path) if parts.netloc in ("", "localhost") else None
    if any(exists(base / value) for base in bases):
        return value
    if value.startswith("~"):  # which no shell has seen: after -P name=, and in a file
        return os.path.expanduser(value)  # noqa: PTH111  # that of Path raises for an unknown user
    return None if scheme else unquote(value)
