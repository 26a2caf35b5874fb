"""What the shell offers after Tab: entry points and parameters of a local project, recorded runs, built environments.

A completer is fast, says nothing when something is wrong, and never touches the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def entry_points(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The entry points of the local project."""
    return []


def parameters(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The parameters of the chosen entry point."""
    return []
