"""Channels of conda packages: names and addresses."""

from __future__ import annotations

import re
from pathlib import Path

from mlproj import env_vars
from mlproj.errors import InvalidProject, Place
from mlproj.redaction import MASK, mask_url

ALIAS = "https://conda.anaconda.org"
# https://docs.conda.io/projects/conda/en/latest/user-guide/configuration/settings.html#default-channels
_DEFAULTS = ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")
_TOKEN = re.compile(r"(/t/)[^/\s]+")


def members(name: str) -> tuple[str, ...]:
    """The channels that a name in a file stands for: ``defaults`` is several, ``nodefaults`` none."""
    if name == "nodefaults":
        return ()
    return _DEFAULTS if name == "defaults" else (name,)


def address(name: str, folder: Path, place: Place | None = None) -> str:
    """The address of a channel; *folder* is what relative paths count from. Raises InvalidProject."""
    if name == "defaults":
        return _DEFAULTS[0]
    if re.match(r"(https?|file)://\S+$", name):
        return name.rstrip("/")
    if name.startswith((".", "/")):
        return (folder / name).resolve().as_uri()
    if not re.fullmatch(r"[A-Za-z0-9][\w.\-]*(/[\w.\-]+)*", name):
        raise InvalidProject(f"{name!r} is no channel", place=place, hint="write conda-forge, or https://host/channel")
    return f"{(env_vars.CONDA_CHANNEL_ALIAS.get() or ALIAS).rstrip('/')}/{name}"


def shown(text: str) -> str:
    """*text* without the credentials and tokens of addresses in it."""
    return _TOKEN.sub(rf"\1{MASK}", mask_url(text))
