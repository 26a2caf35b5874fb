from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from mlproj.cli import options


@click.command()
@click.option("--for", "seconds", callback=options.duration)
@click.option("--up-to", "number", callback=options.size)
@options.offline
@options.verbosity
@options.as_json
def command(**flags: object) -> None:
    click.echo(repr(flags))


def flags(*arguments: str, **variables: str) -> dict[str, object]:
    result = CliRunner().invoke(command, arguments, env=variables)
    assert result.exit_code == 0, result.output
    loaded: dict[str, object] = eval(result.output)
    return loaded


@pytest.mark.parametrize(
    ("arguments", "level"), [((), 0), (("-q",), -1), (("--quiet",), -1), (("--verbose",), 1), (("--verbose", "-q"), -1)]
)
def test_verbosity_is_one_number(arguments: tuple[str, ...], level: int) -> None:
    assert flags(*arguments)["verbosity"] == level


def test_offline_comes_from_the_flag_or_the_variable() -> None:
    assert flags()["offline"] is False
    assert flags("--offline")["offline"] is True
    assert flags(MLPROJ_OFFLINE="1")["offline"] is True
    assert flags(MLPROJ_OFFLINE="0")["offline"] is False


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5s", 1.5), ("15m", 900), ("2h", 7200), ("30 d", 2_592_000), ("250ms", 0.25), ("1w", 604_800)],
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert flags("--for", text)["seconds"] == seconds


@pytest.mark.parametrize(
    ("text", "number"),
    [("500", 500), ("100MB", 10**8), ("100mb", 10**8), ("1.5k", 1500), ("1GiB", 2**30), ("2 KiB", 2048), ("7B", 7)],
)
def test_sizes_are_bytes(text: str, number: int) -> None:
    assert flags("--up-to", text)["number"] == number


@pytest.mark.parametrize(
    ("option", "text"),
    [("--for", "soon"), ("--for", "-5"), ("--for", ""), ("--for", "5y"), ("--up-to", "big"), ("--up-to", "1PB")],
)
def test_what_is_neither_is_a_usage_error_that_names_what_was_expected(option: str, text: str) -> None:
    result = CliRunner().invoke(command, [option, text])

    assert result.exit_code == 2
    assert "expected one such as" in result.output
