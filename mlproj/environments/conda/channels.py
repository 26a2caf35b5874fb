"""Channels of conda packages: names and addresses."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from mlproj.foundation import env_vars
from mlproj.foundation.errors import InvalidProject, Place
from mlproj.foundation.redaction import mask_channel

ALIAS = "https://conda.anaconda.org"
# https://docs.conda.io/projects/conda/en/latest/user-guide/configuration/settings.html#default-channels
DEFAULTS = ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")
_SUBDIR = re.compile(r"/(noarch|(linux|osx|win|emscripten|wasi|freebsd|zos)-\w+)$")


def addresses(name: str, folder: Path, place: Place | None = None) -> tuple[str, ...]:
    """The channels that a name in a file stands for: ``defaults`` is several, ``nodefaults`` none. *folder* is what
    relative paths count from. Raises InvalidProject."""
    if name == "nodefaults":
        return ()
    if name == "defaults":
        return DEFAULTS
    return (_address(_SUBDIR.sub("", name.rstrip("/")), folder, place),)


def _address(name: str, folder: Path, place: Place | None) -> str:
    if re.match(r"(https?|file)://[^\s/]*/?\S*$", name) and _is_address(name):
        return name
    if name.startswith((".", "/")):
        return (folder / name).resolve().as_uri()
    if not re.fullmatch(r"[A-Za-z0-9][\w.\-]*(/[\w.\-]+)*", name):
        raise InvalidProject(
            f"{mask_channel(name)!r} is no channel", place=place, hint="write conda-forge, or https://host/channel"
        )
    return f"{(env_vars.CONDA_CHANNEL_ALIAS.get() or ALIAS).rstrip('/')}/{name}"


def _is_address(text: str) -> bool:
    try:
        return bool(urlsplit(text).scheme)
    except ValueError:  # brackets that hold no IPv6 address
        return False
