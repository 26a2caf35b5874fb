"""Programs of any language log to their run through its files."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

from tests.end_to_end.test_faults import wait_for
from tests.program import mlproj, project, start


def run_of(text: str, folder: Path, *options: str) -> dict[str, Any]:
    result = mlproj("run", project(folder, text), "--json", *options)
    run: dict[str, Any] = result.document["run"]
    return run


def own(run: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in run["metrics"].items() if not name.startswith("system/")}


def points(run_id: str) -> list[tuple[str, float, int]]:
    connection = sqlite3.connect(Path(os.environ["MLPROJ_HOME"]) / "mlproj.db")
    rows = connection.execute(
        "SELECT key, value, step FROM metrics JOIN runs ON number = run WHERE run_id = ? AND key NOT LIKE 'system/%'",
        [run_id],
    )
    try:
        return rows.fetchall()
    finally:
        connection.close()


WRITERS = """
entry_points:
  main:
    command: |
      for w in 1 2 3 4 5 6 7 8; do
        (for ((i = 0; i < 1000; i++)); do echo "w$w=$i.5 step=$i" >> $MLPROJ_METRICS; done) &
      done
      wait
"""


def test_what_eight_processes_append_at_once_is_all_there_once(tmp_path: Path) -> None:
    run = run_of(WRITERS, tmp_path / "p")

    expected = [(f"w{writer}", step + 0.5, step) for writer in range(1, 9) for step in range(1000)]
    assert sorted(points(run["run_id"])) == sorted(expected)


def test_nothing_that_was_appended_is_lost_when_mlproj_is_killed(tmp_path: Path) -> None:
    # Its standard error is closed: the shell would die of telling a reader that is gone how its `sleep` ended.
    folder = project(
        tmp_path / "p",
        'entry_points: {main: {command: \'for ((i = 0; i < 500; i++)); do echo "a=$i step=$i" >> $MLPROJ_METRICS; done;'
        ' touch started; exec 2>/dev/null; trap "echo late=1 >> $MLPROJ_METRICS; touch ended; exit" TERM; while true;'
        " do sleep 0.05; done'}}",
    )
    process = start("run", folder)
    wait_for(folder / "started", process)
    process.kill()
    process.communicate()
    (run,) = mlproj("runs", "list", "--json").document["runs"]
    assert run["status"] == "KILLED"
    deadline = time.monotonic() + 30
    while not (folder / "ended").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    mlproj("runs", "list", "--json")

    assert sorted(points(run["run_id"])) == sorted(
        [*(("a", float(step), step) for step in range(500)), ("late", 1.0, 0)]
    )


def test_metrics_are_seen_while_the_run_runs(tmp_path: Path) -> None:
    folder = project(
        tmp_path / "p",
        "entry_points: {main: {command: 'echo a=1 >> $MLPROJ_METRICS; touch started; until [ -e go ]; do sleep 0.05;"
        " done'}}",
    )
    process = start("run", folder)
    wait_for(folder / "started", process)
    deadline = time.monotonic() + 30
    seen: dict[str, float] = {}
    while not seen and time.monotonic() < deadline:
        (run,) = mlproj("runs", "list", "--json").document["runs"]
        seen = own(run)
    (folder / "go").touch()
    process.communicate()

    assert (seen, run["status"]) == ({"a": 1.0}, "RUNNING")


def test_bad_lines_are_warnings_and_secrets_stay_out(tmp_path: Path) -> None:
    folder = project(
        tmp_path / "p",
        "entry_points: {main: {command: 'echo low >> $MLPROJ_METRICS; echo b=2 >> $MLPROJ_METRICS;"
        " cat p >> $MLPROJ_PARAMS; cat t >> $MLPROJ_TAGS'}}",
        p="api_key=hunter2x\n",
        t="url=https://me:hunter2x@host/\n",
    )
    result = mlproj("run", folder)
    (run,) = mlproj("runs", "list", "--json").document["runs"]

    assert result.code == 0
    assert f"runs/{run['run_id']}/metrics.log:1: expected name=value, found 'low'" in result.err
    assert own(run) == {"b": 2.0}
    assert "hunter2x" not in str(run)
    assert run["params"] == {"api_key": "****"}


def test_artifacts_are_what_is_in_the_folder_and_an_empty_one_is_not_left(tmp_path: Path) -> None:
    run = run_of(
        "entry_points: {main: {command: 'mkdir $MLPROJ_ARTIFACTS/a; echo 1 > $MLPROJ_ARTIFACTS/a/b'}}", tmp_path / "p"
    )
    other = run_of("entry_points: {main: {command: 'test -d $MLPROJ_ARTIFACTS'}}", tmp_path / "q")

    assert Path(run["artifact_uri"].removeprefix("file://"), "a", "b").read_text() == "1\n"
    assert not Path(other["artifact_uri"].removeprefix("file://")).exists()
    assert other["exit_code"] == 0


def test_a_python_program_logs_to_its_run_and_its_first_run_is_that_one(tmp_path: Path) -> None:
    code = (
        "import mlproj\nmlproj.log_metric('before', 1)\nwith mlproj.start_run(run_name='mine', experiment_name='wine',"
        " tags={'a': 'b'}): mlproj.log_metric('a', 1, step=3)\nmlproj.log_metric('after', 1)\nwith"
        " mlproj.start_run(run_name='child'): mlproj.log_metric('c', 1)\n"
    )
    folder = project(
        tmp_path / "p", f"entry_points: {{main: {{command: '{sys.executable} train.py'}}}}", train__py=code
    )
    result = mlproj(
        "run", folder, "--json", "--env-manager", "local", env={"PYTHONPATH": str(Path(__file__).parents[2])}
    )
    run = result.document["run"]
    runs = {run["run_name"]: run for run in mlproj("runs", "list", "--json").document["runs"]}

    assert (run["run_name"], run["experiment_name"], run["tags"]["a"]) == ("mine", "wine", "b")
    assert own(run) == {"before": 1, "a": 1, "after": 1}
    assert own(runs["child"]) == {"c": 1}
    assert runs["child"]["tags"]["mlflow.parentRunId"] == run["run_id"]


def test_the_load_is_recorded_unless_told_not_to(tmp_path: Path) -> None:
    text = "entry_points: {main: {command: 'sleep 1.6'}}"
    usage = {"system/process_cpu_seconds", "system/process_peak_memory_megabytes"}
    sampled = run_of(text, tmp_path / "p")["metrics"]
    short = run_of("entry_points: {main: {command: 'true'}}", tmp_path / "q")["metrics"]

    assert sampled.keys() >= usage | {"system/cpu_utilization_percentage", "system/process_memory_usage_megabytes"}
    assert short.keys() == usage
    assert run_of(text, tmp_path / "r", "--no-system-metrics")["metrics"] == {}
    wrong = mlproj("run", tmp_path / "q", env={"MLPROJ_SYSTEM_METRICS_INTERVAL": "often"})
    assert (wrong.code, "MLPROJ_SYSTEM_METRICS_INTERVAL" in wrong.err) == (2, True)
