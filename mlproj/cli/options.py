"""Options that several commands share, so that they mean the same everywhere.

``-v`` belongs to ``--version`` of a project, as in MLflow; more detail is therefore only ``--verbose``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from mlproj import env_vars

Function = TypeVar("Function", bound=Callable[..., Any])

_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_BYTES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


def as_json(function: Function) -> Function:
    """``--json`` as ``as_json: bool``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output, errors too.")(function)


def verbosity(function: Function) -> Function:
    """``-q/--quiet`` and ``--verbose`` as one ``verbosity: int``: -1, 0 or 1; the last one given counts."""
    louder = click.option(
        "--verbose",
        "verbosity",
        flag_value=1,
        type=int,
        default=0,
        help="Show every line of what is done. (-v is --version, as in MLflow.)",
    )
    quieter = click.option("-q", "--quiet", "verbosity", flag_value=-1, type=int, default=0, help="Say nothing but warnings and errors.")
    return quieter(louder(function))


def offline(function: Function) -> Function:
    """``--offline`` as ``offline: bool``, which ``MLPROJ_OFFLINE=1`` sets as well."""
    return click.option(
        "--offline", is_flag=True, envvar=env_vars.OFFLINE.name, help="Never use the network; what is not here already is an error."
    )(function)


def revision(function: Function) -> Function:
    """``-v/--version`` as ``version: str | None``: the revision of a project."""
    return click.option("-v", "--version", metavar="REVISION", help="Branch, tag or commit of a Git source. Default: the default branch.")(
        function
    )


def duration(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """A click callback: ``90``, ``90s``, ``15m``, ``2h`` or ``30d`` in seconds. Raises click's BadParameter."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w|)", value.strip(), re.ASCII)
    if not match:
        raise click.BadParameter(f"{value!r} is no duration; expected one such as 90, 90s, 15m, 2h or 30d", context, parameter)
    return float(match[1]) * _SECONDS[match[2]]


def size(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """A click callback: ``500``, ``100MB`` (10⁶ bytes) or ``1GiB`` (2³⁰) in bytes. Raises click's BadParameter."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]I?|)B?", value.strip().upper(), re.ASCII)
    if not match:
        raise click.BadParameter(f"{value!r} is no size; expected one such as 500000, 100MB or 1GiB", context, parameter)
    return int(float(match[1]) * _BYTES[match[2]])
