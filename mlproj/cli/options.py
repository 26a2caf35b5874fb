"""Options as click takes them; what they are is in :mod:`mlproj.cli.option`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mlproj.cli import option
from mlproj.cli.option import Option
from mlproj.foundation.dataclass import replace

Function = TypeVar("Function", bound=Callable[..., Any])
Reader = Callable[[click.Context, click.Parameter, Any], Any]


def for_click(described: Option, shell_complete: Any = None) -> click.Option:
    """The option of a command that *described* says."""
    return click.Option([*described.names, described.to], shell_complete=shell_complete, **_settings(described))


def _settings(described: Option) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "help": described.help,
        "metavar": described.metavar,
        "envvar": described.variable,
        "default": described.default,
    }
    if described.stands_for is True:
        settings["is_flag"] = True
    elif described.stands_for is not None:
        settings.update(
            flag_value=described.stands_for, type=type(described.stands_for), callback=_defaulting(described.default)
        )
    elif described.without is not None:
        settings.update(is_flag=False, flag_value=described.without)
    elif described.choices:
        settings["type"] = click.Choice(described.choices)
    elif described.is_file:
        settings["type"] = click.Path(dir_okay=False, path_type=Path)
    if described.read:
        settings["callback"] = _callback(described.read)
    if described.multiple:
        settings.update(multiple=True, default=())
    return settings


def _callback(read: Callable[[str], Any]) -> Reader:
    """*read* as click calls it: nothing for no value, and click's BadParameter for what cannot be read."""

    def called(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
        try:
            return None if value is None else read(value)
        except ValueError as error:
            raise click.BadParameter(str(error), context, parameter) from None

    return called


def _defaulting(default: Any) -> Reader:
    """A callback for flags that share a value: click before 8.3 forgets their default."""
    return lambda _context, _parameter, value: default if value is None else value


def _decorator(described: Option) -> Callable[[Function], Function]:
    return click.option(*described.names, described.to, **_settings(described))


as_json = _decorator(option.JSON)
"""``--json`` as ``as_json: bool``."""


def verbosity(function: Function) -> Function:
    """``-q/--quiet`` and ``--verbose`` as one ``verbosity: int``: -1, 0 or 1; the last one given counts."""
    return _decorator(option.QUIET)(_decorator(option.VERBOSE)(function))


offline = _decorator(option.OFFLINE)
"""``--offline`` as ``offline: bool``, which ``MLPROJ_OFFLINE=1`` sets as well."""

revision = _decorator(option.REVISION)
"""``-v/--version`` as ``version: str | None``: the revision of a project."""


def report_files(function: Function) -> Function:
    """``--junit-xml`` and ``--summary`` as ``junit_xml`` and ``summary``, each ``Path | None``."""
    return _decorator(option.JUNIT_XML)(_decorator(option.SUMMARY)(function))


def recorded_stand_in(function: Function) -> Function:
    """``--stand-in`` and ``--no-stand-in`` of a run done again as ``stand_in: str | None``: None is as it was."""

    @functools.wraps(function)
    def called(*args: Any, stand_in: str | None, no_stand_in: bool, **flags: Any) -> Any:
        return function(*args, stand_in="off" if no_stand_in else stand_in, **flags)

    as_it_was = replace(option.STAND_IN, default=None, help=f"{option.STAND_IN.help} Default: as it was.")
    decorated: Any = _decorator(as_it_was)(_decorator(option.NO_STAND_IN)(called))
    return decorated  # type: ignore[no-any-return]  # it takes other parameters than function


duration = _callback(option.seconds)
"""A click callback: ``90``, ``90s``, ``15m``, ``2h`` or ``30d`` in seconds. Raises click's BadParameter."""

size = _callback(option.size)
"""A click callback: ``500``, ``100MB`` (10⁶ bytes) or ``1GiB`` (2³⁰) in bytes. Raises click's BadParameter."""
