"""The options that commands about models share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from mlproj.cli import options
from mlproj.foundation import env_vars

Function = TypeVar("Function", bound=Callable[..., Any])

model = click.argument("model", metavar="MODEL")


def environment(function: Function) -> Function:
    """``--env-manager``, ``--as-of``, ``--with-mlflow`` and ``--offline``: how the model's environment is decided."""
    for decorate in (
        options.offline,
        click.option(
            "--with-mlflow",
            is_flag=True,
            help="Keep MLflow in the environment of a model that mlproj can load without it.",
        ),
        click.option(
            "--as-of",
            metavar="WHEN",
            default="auto",
            help=(
                "Resolve packages as of commit (when the model was saved), pins, today, or a date. Default: the lock of"
                " the run that made it, else the date it was saved."
            ),
        ),
        click.option(
            "--env-manager",
            "manager",
            type=click.Choice(("auto", "uv", "virtualenv", "conda", "rattler", "local")),
            envvar=env_vars.ENV_MANAGER.name,
            default="auto",
            help="Who makes the environment; local: use the current one. Default: auto.",
        ),
    ):
        function = decorate(function)
    return function


target_options = click.option(
    "-C",
    "--option",
    "target_options",
    metavar="NAME=VALUE",
    multiple=True,
    help="An option of the target; an unknown one lists those that there are. Repeatable.",
)


def named(given: tuple[str, ...]) -> dict[str, str]:
    """The texts ``NAME=VALUE`` by name. Raises UsageError."""
    from mlproj.foundation.errors import UsageError

    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UsageError(f"-C {text!r:.100} is not NAME=VALUE", hint="write for example -C port=8080")
        found[name] = value
    return found


slim = click.option(
    "--slim",
    is_flag=True,
    help="Leave out the packages that predicting the model's input example does not import.",
)
