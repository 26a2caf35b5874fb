"""``mlproj experiments``: over a file and over a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mlproj import tracking
from mlproj.cli import complete
from mlproj.tracking.base import NewRun, Status
from tests.cli.conftest import Cli
from tests.server.conftest import application, serve, store

__all__ = ["application", "serve", "store"]  # fixtures


@pytest.fixture(params=["file", "server"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store that commands use: the file at home, or an mlproj server over it."""
    if request.param == "server":
        served: Callable[[Any], str] = request.getfixturevalue("serve")
        monkeypatch.setenv("MLPROJ_TRACKING_URI", served(request.getfixturevalue("application")))


def names(cli: Cli, *options: str) -> set[str]:
    return {one["name"] for one in json.loads(cli("experiments", "list", "--json", *options).out)["experiments"]}


@pytest.mark.usefixtures("place")
def test_an_experiment_is_made_shown_renamed_deleted_and_restored(cli: Cli) -> None:
    made = json.loads(cli("experiments", "create", "wine", "-t", "team=red", "--json").out)["experiment"]
    assert made["name"] == "wine" and made["tags"] == {"team": "red"}
    assert cli("experiments", "rename", "wine", "beer").out == f"renamed wine to beer (id {made['experiment_id']})\n"
    shown = cli("experiments", "show", made["experiment_id"]).out
    assert "beer" in shown and "team  red" in shown
    assert names(cli) == {"Default", "beer"} and names(cli, "--filter", "name LIKE 'b%'") == {"beer"}
    assert cli("experiments", "delete", "beer").out == f"deleted beer (id {made['experiment_id']})\n"
    assert names(cli) == {"Default"} and names(cli, "--deleted") == {"beer"}
    assert "beer (deleted)" in cli("experiments", "show", "beer").out
    assert cli("experiments", "restore", "beer").code == 0
    assert names(cli) == {"Default", "beer"}
    assert cli("experiments", "list").out.splitlines()[0].split() == ["ID", "NAME", "CREATED", "UPDATED", "ARTIFACTS"]


@pytest.mark.usefixtures("place")
def test_what_cannot_be_done_says_why_and_what_to_do(cli: Cli) -> None:
    cli("experiments", "create", "wine")
    missing = cli("experiments", "show", "wines")
    assert missing.code == 2 and "did you mean 'wine'" in missing.err and "mlproj experiments list" in missing.err
    assert cli("experiments", "create", "wine").code == 2
    default = cli("experiments", "delete", "Default")
    assert default.code == 2 and "cannot be deleted" in default.err
    assert names(cli) == {"Default", "wine"}
    nothing = cli("experiments", "delete", "wine", "nonsense")  # all are found first
    assert nothing.code == 2 and names(cli) == {"Default", "wine"}
    cli("experiments", "delete", "wine")
    assert "mlproj experiments restore" in cli("experiments", "rename", "wine", "beer").err


@pytest.mark.parametrize(
    ("option", "value"), [("--artifacts", "s3://b/p#x"), ("--tag", "novalue"), ("--artifacts", "s3://b/../c")]
)
def test_an_option_that_is_wrong_makes_nothing(cli: Cli, option: str, value: str) -> None:
    assert cli("experiments", "create", "wine", option, value).code == 2
    assert names(cli) == {"Default"}


def test_a_folder_for_artifacts_is_taken_from_where_the_user_stands(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = json.loads(cli("experiments", "create", "wine", "--artifacts", "my files", "--json").out)["experiment"]
    assert made["artifact_location"] == (tmp_path / "my files").as_uri()


def test_a_name_of_digits_comes_before_an_id(cli: Cli) -> None:
    cli("experiments", "create", "wine")
    cli("experiments", "create", "1")
    assert json.loads(cli("experiments", "show", "1", "--json").out)["experiment"]["name"] == "1"


def test_removing_for_good_says_which_experiments_went(cli: Cli) -> None:
    with closing(tracking.open()) as opened:
        opened.create_run(NewRun(run_name="r", experiment_name="wine", status=Status.FINISHED))
    cli("experiments", "create", "empty")
    cli("experiments", "create", "stays")
    cli("experiments", "delete", "wine", "empty")
    would = cli("gc", "--dry-run").out
    assert "would remove experiment wine (id 1)" in would and "would remove experiment empty (id 2)" in would
    assert names(cli, "--deleted") == {"wine", "empty"}
    assert cli("gc", "--older-than", "1h").err == "nothing to remove\n"
    done = json.loads(cli("gc", "--json").out)
    assert {one["name"] for one in done["removed_experiments"]} == {"wine", "empty"} and len(done["removed"]) == 1
    assert names(cli, "--deleted") == set() and names(cli) == {"Default", "stays"}
    assert cli("gc").err == "nothing to remove\n"


def test_a_deleted_experiment_that_keeps_a_run_is_not_said_to_go(cli: Cli) -> None:
    with closing(tracking.open()) as opened:
        runs = [opened.create_run(NewRun(experiment_name="wine", status=Status.FINISHED)).run_id for _ in range(2)]
    cli("experiments", "delete", "wine")
    assert "experiment" not in cli("gc", runs[0], "--dry-run").out
    assert "experiment" not in cli("gc", runs[0]).out
    assert "removed experiment wine" in cli("gc", runs[1]).out


def test_deleted_experiments_complete() -> None:
    with closing(tracking.open()) as opened:
        made = opened.create_experiment("wine")
        opened.create_experiment("beer")
        opened.update_experiment(made.experiment_id, lifecycle_stage="deleted")
    assert [item.value for item in complete.deleted_experiments(None, None, "")] == ["wine"]  # type: ignore[arg-type]
