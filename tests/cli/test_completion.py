from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlproj import tracking
from mlproj.tracking.base import NewRun
from tests.cli.conftest import Cli
from tests.program import project, start

WINE = """entry_points:
  main:
    parameters:
      alpha: {type: float, default: 0.5, description: "strength, more or less"}
      kind: {type: string, choices: [ridge, lasso]}
      fast: bool
    command: python train.py {alpha} {kind} {fast}
  validate:
    parameters: {deep: int}
    command: echo {deep}
  "$(touch hacked)": {command: "true"}
"""


@pytest.fixture
def wine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = project(tmp_path / "wine", WINE)
    monkeypatch.chdir(folder)
    return folder


def offered(cli: Cli, monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    """What the shell would offer for the last of *words*."""
    monkeypatch.setenv("_MLPROJ_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "\n".join(["mlproj", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    result = cli()
    assert result.err == ""
    return [line.partition(",")[2] for line in result.out.splitlines() if line]


def test_commands_are_offered_without_importing_them(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mlproj.cli.doctor", raising=False)

    assert offered(cli, monkeypatch, "do") == ["doctor"]
    assert offered(cli, monkeypatch, "run") == ["run", "runs"]
    assert "mlproj.cli.doctor" not in sys.modules


@pytest.mark.usefixtures("wine")
def test_entry_points_of_a_local_project_are_offered_but_none_that_a_shell_would_act_upon(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert offered(cli, monkeypatch, "run", ".", "-e", "") == ["main", "validate"]
    assert offered(cli, monkeypatch, "run", "-e", "v") == ["validate"]


def test_a_project_elsewhere_is_looked_at_too(cli: Cli, monkeypatch: pytest.MonkeyPatch, wine: Path) -> None:
    monkeypatch.chdir(wine.parent)

    assert offered(cli, monkeypatch, "run", "wine", "-e", "m") == ["main"]
    assert offered(cli, monkeypatch, "run", f"{wine.parent}#wine", "-e", "m") == ["main"]


@pytest.mark.usefixtures("wine")
def test_parameters_of_the_chosen_entry_point_are_offered_and_their_values(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert offered(cli, monkeypatch, "run", ".", "-P", "") == ["alpha=", "kind=", "fast="]
    assert offered(cli, monkeypatch, "run", ".", "-e", "validate", "-P", "") == ["deep="]
    assert offered(cli, monkeypatch, "run", ".", "-P", "kind=l") == ["kind=lasso"]
    assert offered(cli, monkeypatch, "run", ".", "-P", "fast=") == ["fast=true", "fast=false"]
    assert offered(cli, monkeypatch, "run", ".", "-P", "alpha=") == []


@pytest.mark.parametrize("uri", ["https://example.org/project.git", "gh:owner/repo", "nothing/there", "broken"])
def test_what_is_no_sound_local_project_offers_nothing_and_says_nothing(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, uri: str
) -> None:
    project(tmp_path / "broken", "entry_points: [")
    monkeypatch.chdir(tmp_path)

    assert offered(cli, monkeypatch, "run", uri, "-e", "") == []
    assert offered(cli, monkeypatch, "run", uri, "-P", "") == []


def test_runs_and_experiments_are_offered(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered(cli, monkeypatch, "runs", "show", "") == ["last"]
    assert offered(cli, monkeypatch, "runs", "list", "--experiment", "") == []
    store = tracking.open()
    run = store.create_run(NewRun(run_name="a-a-1", experiment_name="wine"))

    assert offered(cli, monkeypatch, "runs", "show", "") == ["last", "a-a-1", run.run_id]
    assert offered(cli, monkeypatch, "runs", "logs", run.run_id[:5]) == [run.run_id]
    assert offered(cli, monkeypatch, "runs", "restore", "") == []
    assert "wine" in offered(cli, monkeypatch, "runs", "list", "--experiment", "")
    store.close()


def test_environments_and_folders_are_offered(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered(cli, monkeypatch, "env", "show", "") == []
    monkeypatch.setenv("COMP_WORDS", "mlproj\nshow\n")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert cli().out.startswith("dir,")


def test_bash_completes_with_the_printed_script(wine: Path, tmp_path: Path) -> None:
    process = start("completion", "bash")
    script, _err = process.communicate()
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "mlproj"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mlproj "$@"\n')
    command.chmod(0o755)
    asked = (
        script.decode()
        + """
compopt() { echo "option $1 $2"; }
COMP_WORDS=(mlproj run . -P al); COMP_CWORD=4
_mlproj_completion mlproj
printf '%s\\n' "${COMPREPLY[@]}"
"""
    )
    environ = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "--norc", "-c", asked], capture_output=True, text=True, cwd=wine, env=environ, check=True
    )

    assert done.stdout.splitlines() == ["option -o nospace", "alpha="]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_script_names_the_program_and_asks_it(cli: Cli, shell: str) -> None:
    result = cli("completion", shell)

    assert result.code == 0
    assert "_MLPROJ_COMPLETE" in result.out
    assert f"{shell}_complete" in result.out


def test_another_shell_is_a_usage_error(cli: Cli) -> None:
    result = cli("completion", "tcsh", "--json")

    assert result.code == 2
    assert json.loads(result.out)["error"]["kind"] == "usage"
