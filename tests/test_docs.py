"""What the documents say is what the program does."""

from __future__ import annotations

import signal
from pathlib import Path

import click
import pytest

from mlproj.foundation import env_vars, errors
from mlproj.foundation.errors import Interrupted
from mlproj.running import machine

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
GUIDE = (ROOT / "docs" / "guide.md").read_text()


@pytest.mark.parametrize(
    "variable", [*env_vars.USER_VARIABLES, *env_vars.RUN_VARIABLES], ids=lambda variable: variable.name
)
def test_every_variable_is_in_the_guide(variable: env_vars.Variable) -> None:
    assert f"`{variable.name}`" in GUIDE


def test_every_recorded_variable_is_in_the_guide() -> None:
    assert [name for name in machine.VARIABLES if f"`{name}`" not in GUIDE] == []


@pytest.mark.parametrize("kind", errors.MlprojError.__subclasses__(), ids=lambda kind: kind.kind)
def test_every_exit_code_is_in_the_readme(kind: type[errors.MlprojError]) -> None:
    assert f"| {kind.exit_code} |" in README


def test_every_command_of_the_readme_exists() -> None:
    from mlproj.cli.command_table import cli

    shown = {line.split()[2] for line in README.splitlines() if line.startswith("$ mlproj ")}
    with click.Context(cli) as context:
        known = set(cli.list_commands(context))

    assert shown
    assert shown <= known


def test_every_sample_project_is_described() -> None:
    folders = {path.parent.name for path in (ROOT / "sample_projects").glob("*/MLproject")}
    described = (ROOT / "sample_projects" / "README.md").read_text()

    assert {folder for folder in folders if f"`{folder}`" not in described} == set()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_the_exit_code_of_every_signal_that_is_heeded_is_in_the_readme(number: signal.Signals) -> None:
    (row,) = [line for line in README.splitlines() if line.endswith("the run says KILLED |")]

    assert str(Interrupted(number).exit_code) in row
