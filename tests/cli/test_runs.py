from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlproj import tracking
from mlproj.cli import output, run_view
from mlproj.cli.terminal import width_of
from mlproj.foundation import paths
from mlproj.run_folder import liveness
from mlproj.run_folder.output_log import OutputLog
from mlproj.tracking.base import Metric, NewRun, Output, Run, RunChanges, Status, TrackingStore
from tests.cli.conftest import Cli
from tests.program import mlproj, start
from tests.server.conftest import application, serve

__all__ = ["application", "serve"]  # fixtures


@pytest.fixture
def store() -> Iterator[TrackingStore]:
    opened = tracking.open()
    yield opened
    opened.close()


def record(
    store: TrackingStore, name: str, *, age: int = 0, status: Status = Status.FINISHED, experiment: str | None = None
) -> Run:
    """A run that began *age* seconds ago and took 1.5 seconds."""
    began = (int(time.time()) - age) * 1000
    run = store.create_run(
        NewRun(
            run_name=name,
            experiment_name=experiment,
            start_time=began,
            entry_point="main",
            command="python train.py \\\n  --alpha 0.5",
            user="somebody",
            params={"alpha": "0.5", "text": "two\nlines \x1b[2J"},
            tags={"team": "wine"},
            source={
                "uri": "https://example.org/team/project.git",
                "commit": "0123456789abcdef" * 2,
                "dirty": True,
                "subdirectory": "sub",
            },
            environment={"kind": "python", "manager": "uv", "python": "3.10.13", "notes": ["skipped mkl"]},
            inputs=[{"parameter": "data", "uri": "file:///data.csv", "sha256": "ab" * 32, "size": 1234}],
        )
    )
    store.log(run.run_id, metrics=[Metric("rmse", 0.25, began), Metric("loss", float("nan"), began)])
    if status.ended:
        store.update_run(
            run.run_id,
            RunChanges(
                status=status,
                exit_code=0,
                end_time=began + 1500,
                outputs=[Output("model.pkl", "cd" * 32, 2_000_000, kept=False)],
            ),
        )
    return store.get_run(run.run_id)


def test_runs_are_listed_newest_first_with_whole_ids(cli: Cli, store: TrackingStore) -> None:
    old, new = record(store, "old-run-1", age=100), record(store, "new-run-2")

    heading, *rows = cli("runs", "list").out.splitlines()

    assert heading.split()[:3] == ["RUN", "STATUS", "STARTED"]
    assert [row.split()[0] for row in rows] == [new.run_id, old.run_id]
    assert "1.5 s" in rows[0]
    assert f"https://example.org/team/project.git#sub@{'0123456789abcdef' * 2}" in rows[0]


def test_on_a_terminal_the_list_fits_and_ids_are_short(
    cli: Cli, store: TrackingStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = record(store, "a-run-with-a-name", experiment="an experiment with a name that is too long for any table")
    monkeypatch.setenv("NO_COLOR", "1")
    for columns in (60, 80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr("mlproj.cli.terminal.is_terminal", lambda stream: stream is sys.stdout)
        lines = cli("runs", "list").out.splitlines()
        assert max(map(len, lines)) <= columns
        assert lines[1].split()[0] == run.run_id[:8]
        assert "a-run-with-a-name" in lines[1]
    assert "project#sub@01" in lines[1]


def test_a_folder_is_named_by_its_path_and_its_commit_and_a_repository_with_the_folder_in_it() -> None:
    here = {"uri": "/home/ann/repo/wine", "subdirectory": "wine", "commit": "ab" * 20, "kind": "folder"}

    assert run_view._source(here) == f"/home/ann/repo/wine@{'ab' * 20}"
    assert run_view._short_source(here) == "wine@abababa"
    assert run_view._short_source({**here, "uri": "https://host/repo.git", "kind": "git"}) == "repo#wine@abababa"


def test_an_empty_list_says_so_on_stderr_and_is_an_empty_list_in_json(cli: Cli) -> None:
    assert (cli("runs", "list").out, cli("runs", "list").err) == ("", "no runs\n")
    assert cli("runs", "list", "--json").document == {"schema": 1, "runs": []}


def test_lists_can_be_narrowed(cli: Cli, store: TrackingStore) -> None:
    record(store, "a-a-1", age=30, experiment="wine")
    failed = record(store, "b-b-2", age=20, status=Status.FAILED, experiment="wine")
    newest = record(store, "c-c-3", age=10)

    def ids(*arguments: str) -> list[str]:
        return [run["run_id"] for run in cli("runs", "list", "--json", *arguments).document["runs"]]

    assert ids("--last", "1") == [newest.run_id]
    assert ids("--status", "failed") == [failed.run_id]
    assert len(ids("--status", "failed", "--status", "FINISHED")) == 3
    assert len(ids("--experiment", "wine")) == 2
    assert cli("runs", "list", "--experiment", "beer").code == 2


def test_the_json_of_a_run_keeps_its_contract(cli: Cli, store: TrackingStore) -> None:
    record(store, "a-a-1")

    document = cli("runs", "show", "last", "--json").document

    assert document["schema"] == 1
    run = document["run"]
    assert run.keys() >= {
        "run_id", "run_name", "experiment_id", "experiment_name", "status", "status_reason", "start_time", "end_time",
        "entry_point", "params", "metrics", "tags", "artifact_uri", "source", "environment", "command", "exit_code",
        "outputs",
    }  # fmt: skip
    assert run["source"].keys() >= {"uri", "commit", "branch", "tag", "commit_date", "subdirectory", "dirty"}
    assert run["environment"].keys() >= {"kind", "manager", "python", "key", "as_of", "lock"}
    assert run["outputs"][0].keys() >= {"path", "sha256", "size"}
    assert run["params"] == {"alpha": "0.5", "text": "two\nlines \x1b[2J"}
    assert run["metrics"]["loss"] == "NaN"
    assert run == cli("runs", "list", "--json").document["runs"][0]


def test_show_prints_every_section(cli: Cli, store: TrackingStore) -> None:
    run = record(store, "a-a-1")

    out = cli("runs", "show", "a-a-1").out

    for section in ("source", "parameters", "metrics", "tags", "environment", "inputs", "outputs", "files"):
        assert f"\n\n{section}\n" in out
    for told in (
        run.run_id,
        "FINISHED, exit code 0",
        "--alpha 0.5",
        "somebody",
        "rmse  0.25",
        "skipped mkl",
        "1.2 kB",
        "2.0 MB",
        "wine",
    ):
        assert told in out
    assert "\x1b" not in out
    assert str(paths.run_dir(run.run_id)) in out


def test_a_run_is_found_by_id_prefix_name_and_last(cli: Cli, store: TrackingStore) -> None:
    record(store, "a-a-1", age=10)
    run = record(store, "b-b-2")

    for reference in (run.run_id, run.run_id[:8], "b-b-2", "last"):
        assert cli("runs", "show", reference, "--json").document["run"]["run_id"] == run.run_id


def test_last_of_nothing_is_an_error_that_says_so(cli: Cli) -> None:
    result = cli("runs", "show", "last")

    assert result.code == 2
    assert "none was recorded yet" in result.err


def test_deleted_runs_are_hidden_until_restored(cli: Cli, store: TrackingStore) -> None:
    run = record(store, "a-a-1")

    deleted = cli("runs", "delete", "a-a-1")
    assert deleted.out == f"deleted a-a-1 ({run.run_id})\n"
    assert cli("runs", "list", "--json").document["runs"] == []
    assert [one["run_id"] for one in cli("runs", "list", "--deleted", "--json").document["runs"]] == [run.run_id]
    assert "(deleted)" in cli("runs", "show", "a-a-1").out

    restored = cli("runs", "restore", run.run_id, "--json")
    assert restored.document["runs"][0]["lifecycle_stage"] == "active"
    assert len(cli("runs", "list", "--json").document["runs"]) == 1


def test_a_wrong_name_among_several_deletes_nothing(cli: Cli, store: TrackingStore) -> None:
    record(store, "a-a-1")

    assert cli("runs", "delete", "a-a-1", "nothing").code == 2
    assert len(cli("runs", "list", "--json").document["runs"]) == 1


def test_a_run_whose_process_is_gone_is_shown_as_killed(cli: Cli, store: TrackingStore) -> None:
    run = store.create_run(NewRun(run_name="a-a-1", host=platform.node(), pid=2**22 + 1, start_time=1000))
    paths.run_dir(run.run_id).mkdir(parents=True)

    shown = cli("runs", "list", "--json").document["runs"][0]

    assert shown["status"] == "KILLED"
    assert shown["status_reason"]


def write_log(run: Run) -> OutputLog:
    log = OutputLog(paths.run_dir(run.run_id))
    log.write(1, b"out \xff\n")
    log.write(2, b"err\n")
    log.write(1, b"more\n")
    return log


@pytest.mark.parametrize(
    ("option", "expected"),
    [(None, b"out \xff\nerr\nmore\n"), ("--stdout", b"out \xff\nmore\n"), ("--stderr", b"err\n")],
)
def test_logs_are_printed_byte_by_byte(store: TrackingStore, option: str | None, expected: bytes) -> None:
    write_log(record(store, "a-a-1")).close()

    process = start("runs", "logs", "last", *([option] if option else []))
    out, err = process.communicate()

    assert (process.returncode, out, err) == (0, expected, b"")


def test_logs_can_be_followed_until_the_run_ends(store: TrackingStore, tmp_path: Path) -> None:
    run = store.create_run(NewRun(run_name="a-a-1", host=platform.node(), start_time=1000))
    with liveness.hold(paths.run_dir(run.run_id)):
        log = write_log(run)
        process = start("runs", "logs", "a-a-1", "-f")
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(3)] == [b"out \xff\n", b"err\n", b"more\n"]
        log.write(2, b"the last\n")
        assert process.stdout.readline() == b"the last\n"
        assert process.poll() is None
        store.update_run(run.run_id, RunChanges(status=Status.FINISHED))
        log.close()
    out, err = process.communicate()

    assert (process.returncode, out, err) == (0, b"", b"")


def test_a_run_without_a_log_prints_nothing(cli: Cli, store: TrackingStore) -> None:
    record(store, "a-a-1")

    assert cli("runs", "logs", "a-a-1", "-f").out == ""


def test_every_command_of_the_group_speaks_json_when_it_fails(cli: Cli) -> None:
    for command in ("show", "delete", "restore"):
        assert json.loads(cli("runs", command, "nothing", "--json").out)["error"]["kind"] == "usage"


def test_a_run_that_goes_on_has_no_end(cli: Cli, store: TrackingStore) -> None:
    store.create_run(NewRun(run_name="a-a-1", start_time=1000))

    assert "ended" not in cli("runs", "show", "a-a-1").out
    assert "RUNNING" in cli("runs", "list").out


def test_runs_are_listed_with_what_tells_them_apart(cli: Cli, store: TrackingStore) -> None:
    for index, name in enumerate(["one", "two"]):
        run = record(store, name)
        store.log(
            run.run_id, metrics=[Metric("score", index + 0.5, 0), Metric("same", 1.0, 0)], params={"depth": str(index)}
        )

    heading, *rows = cli("runs", "list").out.splitlines()

    assert "metrics.score" in heading and "params.depth" in heading
    assert "same" not in heading and "params.alpha" not in heading
    assert {"0.5", "1.5"} <= {cell for row in rows for cell in row.split()}


def test_columns_are_chosen_by_name(cli: Cli, store: TrackingStore) -> None:
    run = record(store, "one")
    assert cli("runs", "list", "--columns", "params.alpha, metrics.rmse,status").out.split() == [
        "RUN", "params.alpha", "metrics.rmse", "status", run.run_id, "0.5", "0.25", "FINISHED",
    ]  # fmt: skip


def test_a_column_that_does_not_exist_is_named(cli: Cli, store: TrackingStore) -> None:
    record(store, "one")
    result = cli("runs", "list", "--columns", "statsu")
    assert result.code == 2 and "'statsu'; did you mean 'status'?" in result.err


def test_runs_are_found_by_a_filter_and_sorted(cli: Cli, store: TrackingStore) -> None:
    for index in range(4):
        run = record(store, f"run-{index}")
        store.log(run.run_id, metrics=[Metric("score", float(index), 0)])

    result = cli(
        "runs",
        "list",
        "--filter",
        "metrics.score >= 1",
        "--sort",
        "metrics.score DESC",
        "--last",
        "2",
        "--status",
        "finished",
        "--json",
    )

    assert [run["run_name"] for run in json.loads(result.out)["runs"]] == ["run-3", "run-2"]


def test_a_wrong_filter_points_at_the_place(cli: Cli, store: TrackingStore) -> None:
    result = cli("runs", "list", "--filter", "metrics.score >> 1")
    assert result.code == 2 and "^" in result.err


def test_csv_has_everything_and_no_formula(cli: Cli, store: TrackingStore) -> None:
    import csv
    import io

    run = record(store, "=cmd()")
    (row,) = csv.DictReader(io.StringIO(cli("runs", "list", "--csv").out))
    assert (row["run_id"], row["run_name"], row["params.text"], row["metrics.loss"]) == (
        run.run_id,
        "'=cmd()",
        run.params["text"],
        "nan",
    )
    assert cli("runs", "list", "--csv", "--json").code == 2


def test_the_history_of_a_metric_is_drawn_and_given_as_csv(cli: Cli, store: TrackingStore) -> None:
    run = record(store, "one")
    store.log(run.run_id, metrics=[Metric("curve", float(step), 5, step) for step in range(8)])

    shown = cli("runs", "show", "one").out
    points = cli("runs", "show", "one", "--csv").out.splitlines()

    assert "▁▂▃▄▅▆▇█  8 points, 0 to 7" in shown
    assert points[0] == "key,step,timestamp,value" and "curve,3,5,3.0" in points


def test_two_runs_are_compared(cli: Cli, store: TrackingStore) -> None:
    one, two = record(store, "one"), record(store, "two")
    store.log(one.run_id, params={"depth": "1"})
    store.log(two.run_id, params={"depth": "2"})
    for run, text in ((one, "-a\n+b\n"), (two, "-a\n+c\n")):
        paths.write_atomic(paths.run_dir(run.run_id) / "diff.patch", text)

    shown = cli("runs", "compare", "one", "two").out
    document = json.loads(cli("runs", "compare", "one", "two", "--json").out)

    assert [line.split() for line in shown.splitlines() if "depth" in line] == [["depth", "1", "2"]]
    assert "alpha" not in shown and "  +c" in shown.replace("  ++c", "  +c")
    assert "alpha" in cli("runs", "compare", "one", "two", "--all").out
    assert {"section": "parameters", "name": "depth", "differs": True, "values": ["1", "2"]} in document["facts"]
    assert [run["run_name"] for run in document["runs"]] == ["one", "two"]
    assert "parameters,depth,yes,1,2" in cli("runs", "compare", "one", "two", "--csv").out.splitlines()


def test_one_run_cannot_be_compared(cli: Cli, store: TrackingStore) -> None:
    record(store, "one")
    assert cli("runs", "compare", "one").code == 2


@pytest.mark.parametrize(
    ("columns", "heading"), [("name,STATUS", "name STATUS"), ("experiment_name,took,id", "experiment_name took id")]
)
def test_columns_have_the_names_that_the_table_and_mlflow_give_them(
    cli: Cli, store: TrackingStore, columns: str, heading: str
) -> None:
    record(store, "mine")
    listed = cli("runs", "list", "--columns", columns).out.splitlines()
    assert listed[0].split()[1:] == heading.split()
    assert "mine" in listed[1] or "Default" in listed[1]


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("status = 'finished'", {"new", "old"}),
        ("start_time > '1999-01-01' AND start_time < '2000-01-01T00:00:00Z'", set()),
        ("start_time > '2000-01-01'", {"new", "old"}),
    ],
)
def test_filters_take_dates_and_small_letters(cli: Cli, store: TrackingStore, filter: str, found: set[str]) -> None:
    record(store, "old", age=3600)
    record(store, "new")
    listed = json.loads(cli("runs", "list", "--filter", filter, "--json").out)["runs"]
    assert {run["run_name"] for run in listed} == found


def test_a_filter_that_can_find_nothing_says_so(cli: Cli) -> None:
    done = cli("runs", "list", "--filter", "status = 'finish'")
    assert done.code == 2 and "did you mean 'FINISHED'" in done.err and "KILLED" in done.err


@pytest.mark.parametrize("columns", [80, 120])
def test_a_run_is_shown_within_the_terminal(
    cli: Cli, store: TrackingStore, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    run = record(store, "mine")
    store.log(run.run_id, metrics=[Metric("loss", 1 / (step + 1), step, step) for step in range(40)])
    store.log(
        run.run_id,
        params={"a_name_that_is_longer_than_all_the_others_by_far": "x" * 200},
        tags={"note": "some words " * 30},
    )
    monkeypatch.setattr(output, "width", lambda: columns)
    monkeypatch.setattr(run_view, "width", lambda: columns)
    shown = cli("runs", "show", "mine").out.splitlines()
    assert max(map(width_of, shown)) <= columns
    assert sum("xxxx" in line for line in shown) > 1 and any("41 points" in line for line in shown)


@pytest.mark.parametrize("through", ["file", "server"])
def test_a_name_survives_an_ascii_locale(through: str, request: pytest.FixtureRequest, store: TrackingStore) -> None:
    environ = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    if through == "server":
        environ["MLPROJ_TRACKING_URI"] = request.getfixturevalue("serve")(request.getfixturevalue("application"))
    assert mlproj("experiments", "create", "Größe", env=environ).code == 0
    assert store.get_experiment(name="Größe").experiment_id == "1"
    assert "Gr\\xf6\\xdfe" in mlproj("experiments", "show", "Größe", env=environ).out
    listed = mlproj("experiments", "list", "--json", env=environ)
    assert {one["name"] for one in listed.document["experiments"]} == {"Default", "Größe"} and listed.out.isascii()
    broken = mlproj("experiments", "create", os.fsdecode(b"\xff"), env=environ)
    assert broken.code in (0, 2) and "Traceback" not in broken.err
