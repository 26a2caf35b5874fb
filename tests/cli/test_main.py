from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from mlproj import __version__
from mlproj.cli.command_table import COMMANDS, cli
from tests.cli.conftest import Cli
from tests.program import mlproj


def test_version_is_one_line() -> None:
    assert mlproj("--version").out == f"mlproj {__version__}\n"


def test_version_behind_other_words_is_the_same(cli: Cli) -> None:
    assert cli("--version", "--help").out == f"mlproj {__version__}\n"


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",)])
def test_help_lists_every_command_under_its_heading(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments)

    assert result.code == 0
    for name, entry in COMMANDS.items():
        assert f"\n{entry.section}:\n" in result.out
        assert f"\n  {name} " in result.out


def test_help_imports_no_command_and_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['mlproj', '--help']\n"
        "from mlproj.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")
    }  # its modules are not ours
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())

    assert not loaded & {entry.target.partition(":")[0] for entry in COMMANDS.values()}
    heavy = {"yaml", "sqlite3", "rich", "git", "virtualenv", "packaging", "platformdirs", "asyncio", "email"}
    if sys.version_info >= (3, 11):  # before, Python's own uuid, which click imports, brings it
        heavy.add("subprocess")
    assert not loaded & heavy


def test_a_group_without_a_command_shows_its_help_and_no_error(cli: Cli) -> None:
    result = cli("runs")

    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Usage: mlproj runs ") and "error" not in result.err and "hint" not in result.err


def test_a_value_that_is_parted_from_its_parameter_is_told_how_to_be_written(cli: Cli) -> None:
    assert "hint: a value follows its name after =, as in -P alpha=VALUE" in cli("run", ".", "-P", "alpha", "3").err


def test_a_mistyped_command_is_answered_with_the_one_meant(cli: Cli) -> None:
    result = cli("dcotor")

    assert result.code == 2
    assert "did you mean 'doctor'?" in result.err


def test_a_mistyped_subcommand_is_answered_with_the_one_meant(cli: Cli) -> None:
    assert "did you mean 'prune'?" in cli("env", "prunne").err


@pytest.mark.parametrize("word", [".", "./project", "https://example.org/project.git", "gh:owner/repo"])
def test_a_project_where_a_command_belongs_is_answered_with_the_command_that_runs_it(cli: Cli, word: str) -> None:
    assert f"to run that project: mlproj run {word}" in cli(word).err


def all_commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from all_commands(child, (*path, name))


ALL = dict(all_commands(cli))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_and_option_has_help(path: tuple[str, ...]) -> None:
    command = ALL[path]

    assert command.help
    assert [option.name for option in command.params if isinstance(option, click.Option) and not option.help] == []


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_answers_help(cli: Cli, path: tuple[str, ...]) -> None:
    result = cli(*path, "--help")

    assert result.code == 0
    assert "Usage: mlproj" in result.out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_says(name: str) -> None:
    command = ALL[(name,)]

    assert command.name == name
    assert COMMANDS[name].help.endswith(".")
