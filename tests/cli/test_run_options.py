"""The two readers of ``mlproj run``'s command line agree, and plain lines need no click."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlproj.cli import option, run_options
from mlproj.cli.run_command import command

NAMES = [name for each in run_options.OPTIONS for name in each.names]
VALUES = [
    "name", "a=1", "alpha=-0.5", "--alpha", "-1", "-", "--", "", " ", "x y", "=", "ü=✓", "10s", "1.5 h", "soon",
    "100MB", "1GiB", "-5", "uv", "local", "auto", "UV", "today", "2022-08-15", ".", "./project#sub",
    "https://example.org/x.git", "tests", "setup.py", "True", "0",
]  # fmt: skip
WORDS = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(VALUES),
    st.builds(lambda name, value: f"{name}={value}", st.sampled_from(NAMES), st.sampled_from(VALUES)),
    st.builds(lambda name, value: f"{name}{value}", st.sampled_from(NAMES), st.sampled_from(VALUES)),
    st.sampled_from(["-h", "--help", "--no-such", "--env", "--dry", "-x", "-Pq", "-qe", "--no-offline"]),
    st.text(max_size=5),
)
# What people write: an option with its value, a flag, a project.
PAIRS = st.builds(lambda name, value: [name, value], st.sampled_from(NAMES), st.sampled_from(VALUES))
LINES = st.lists(st.one_of(PAIRS, st.builds(lambda word: [word], WORDS)), max_size=5).map(
    lambda parts: [word for part in parts for word in part]
)
VARIABLES = st.fixed_dictionaries(
    {},
    optional={
        "MLPROJ_ENV_MANAGER": st.sampled_from(["uv", "local", "nonsense", ""]),
        "MLPROJ_AS_OF": st.sampled_from(["today", "-x", ""]),
        "MLPROJ_OFFLINE": st.sampled_from(["1", "0", "true", "no", "maybe", ""]),
        "MLPROJ_MAX_OUTPUT_SIZE": st.sampled_from(["1GB", "big", ""]),
    },
)


def by_click(arguments: list[str]) -> dict[str, Any] | None:
    """What click makes of *arguments*, None for help and for errors."""
    try:
        with command.make_context("run", list(arguments)) as context:
            return context.params
    except (click.ClickException, click.exceptions.Exit):
        return None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=600)
@given(arguments=LINES, variables=VARIABLES)
def test_what_is_read_without_click_is_what_click_reads(arguments: list[str], variables: dict[str, str]) -> None:
    with pytest.MonkeyPatch.context() as environ:
        for name, value in variables.items():
            environ.setenv(name, value)
        plain = run_options.parse(arguments)

        assert plain is None or plain == by_click(arguments)


@pytest.mark.parametrize("word", VALUES)
@pytest.mark.parametrize("name", NAMES)
def test_each_option_with_each_value_is_read_alike(name: str, word: str) -> None:
    for arguments in ([name, word], [f"{name}={word}"], [word, name], [name, word, name, "2s"]):
        plain = run_options.parse(arguments)

        assert plain is None or plain == by_click(arguments)


@pytest.mark.parametrize(
    "line",
    [
        "",
        ".",
        "./project -P alpha=0.5 -P l1=x",
        "gh:owner/repo -v main -e train --param-list a=1 --experiment-name=trial --run-name first -t stage=dev",
        "project --env-manager local --as-of 2022-08-15 --timeout 15m --grace=1s --max-output-size 1GiB",
        "-q --offline --json --dry-run --no-infer --isolated --rebuild project --backend local --verbose",
    ],
)
def test_usual_lines_need_no_click(line: str) -> None:
    plain = run_options.parse(line.split())

    assert plain is not None
    assert plain == by_click(line.split())


def test_every_flag_is_in_what_is_read_without_click() -> None:
    plain = run_options.parse([])

    assert plain is not None
    assert plain.keys() == {parameter.name for parameter in command.params}


@pytest.mark.parametrize(
    "line", ["-h", "--help", "a b", "--no-such", "--env-manager nix", "--timeout soon", "-e", "--json=1", "-- -x"]
)
def test_help_and_mistakes_are_left_to_click(line: str) -> None:
    assert run_options.parse(line.split()) is None


def test_variables_count_where_the_option_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPROJ_ENV_MANAGER", "local")
    monkeypatch.setenv("MLPROJ_OFFLINE", "1")

    plain = run_options.parse([])
    given = run_options.parse(["--env-manager", "uv"])

    assert plain is not None and (plain["env_manager"], plain["offline"]) == ("local", True)
    assert given is not None and given["env_manager"] == "uv"


@pytest.mark.parametrize(("read", "text"), [(option.seconds, "soon"), (option.size, "big")])
def test_a_value_that_cannot_be_read_says_what_was_expected(read: Any, text: str) -> None:
    with pytest.raises(ValueError, match="expected one such as"):
        read(text)


def test_a_plain_run_loads_no_click(tmp_path: Path) -> None:
    (tmp_path / "MLproject").write_text("entry_points: {main: {command: 'true'}}\n")
    code = (
        "import sys; from mlproj.cli.main import main\ntry: main()\nexcept SystemExit as end: print(end.code, 'click'"
        " in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, "run", tmp_path, "--env-manager", "local"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["0", "False"]
