"""``--times``: whether runs come out alike, where they first part, and why."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from mlproj.foundation import paths
from tests.program import mlproj, project, start
from tests.reproduction.conftest import checkouts, recorded, reproduced
from tests.sources.repository import commit


def python_project(folder: Path, code: str, **files: str) -> Path:
    text = "entry_points: {main: {command: 'python main.py'}}\n"
    return project(folder, text, main__py=code, **files)


def causes(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(cause["name"], cause["proof"]) for cause in document["causes"]]


def test_runs_that_are_alike_are_found_to_be(tmp_path: Path) -> None:
    run = recorded(
        python_project(tmp_path / "p", "import random\nrandom.seed(1)\nopen('out', 'w').write(str(random.random()))\n")
    )
    done, document = reproduced(run["run_id"], "--times", "2")
    assert (done.code, document["reproduced"], document["deterministic"], len(document["runs"])) == (0, True, True, 2)
    assert document["parting"] is None and document["causes"] == []


UNSEEDED = """
import os, random
for step in range(3):
    value = 0.5 if step == 0 else random.random()
    print("step", step, "value", value)
    open(os.environ["MLPROJ_METRICS"], "a").write(f"loss={value} step={step}\\n")
"""


def test_an_unset_seed_is_found_by_reading_and_the_first_difference_is_shown(tmp_path: Path) -> None:
    run = recorded(python_project(tmp_path / "p", UNSEEDED))
    done, document = reproduced(run["run_id"], "--times", "2")
    assert (done.code, document["deterministic"]) == (1, False)
    assert causes(document) == [("unset seed", "read")]
    assert (
        document["causes"][0]["text"] == "random is never seeded, and draws random numbers at main.py:4 (random.random)"
    )
    parting = document["parting"]
    assert (parting["metric"], parting["step"], parting["line"]) == ("loss", 1, 2)
    assert parting["texts"][0].startswith("step 1 value ") and parting["texts"][0] != parting["texts"][1]
    trials = [
        one["tags"]["mlproj.trial"]
        for one in mlproj("runs", "list", "--json").document["runs"]
        if "mlproj.trial" in one["tags"]
    ]
    assert trials[-1] == "PYTHONHASHSEED=0" and trials[0].startswith("OMP_NUM_THREADS=1 "), "both were tried"


def test_the_hash_seed_is_shown_by_trial(tmp_path: Path) -> None:
    code = "open('out', 'w').write(' '.join({str(n) for n in range(30)}))\n"
    run = recorded(python_project(tmp_path / "p", code))
    done, document = reproduced(run["run_id"], "--times", "2")
    assert (done.code, causes(document)) == (1, [("hash seed", "tried")])
    fixed = recorded(tmp_path / "p", env={"PYTHONHASHSEED": "3"})
    assert reproduced(fixed["run_id"], "--times", "2")[0].code == 0, "it is set again"


def test_thread_counts_are_shown_by_trial_and_trials_can_be_left_out(tmp_path: Path) -> None:
    code = (
        "import os\nopen('out', 'w').write('1' if os.environ.get('OMP_NUM_THREADS') == '1' else os.urandom(9).hex())\n"
    )
    run = recorded(python_project(tmp_path / "p", code))
    _, document = reproduced(run["run_id"], "--times", "2")
    assert causes(document) == [("thread counts", "tried")]
    before = len(mlproj("runs", "list", "--json").document["runs"])
    _, document = reproduced(run["run_id"], "--times", "2", "--no-causes")
    assert causes(document) == [("unset seed", "read")] and "os.urandom" in document["causes"][0]["text"]
    assert len(mlproj("runs", "list", "--json").document["runs"]) == before + 2


def test_times_in_outputs_are_told_without_further_runs(tmp_path: Path) -> None:
    code = (
        "import datetime, os\nopen('report.txt', 'w').write(f'made at {datetime.datetime.now()} in {os.getcwd()}:"
        " 0.5')\n"
    )
    run = recorded(python_project(tmp_path / "p", code))
    _, document = reproduced(run["run_id"], "--times", "2")
    assert causes(document) == [("times in outputs", "read")]
    assert len(mlproj("runs", "list", "--json").document["runs"]) == 3
    assert reproduced(run["run_id"], "--times", "2", "--ignore", "report.txt")[0].code == 0


def waits(folder: Path) -> dict[str, Any]:
    """A run of a project that later waits for as long as a file is there."""
    command = f"while test -e {folder.parent}/wait; do sleep 0.05; done; echo 1 > out"
    commit(project(folder, f"entry_points: {{main: {{command: '{command}'}}}}\n"), {})
    run = recorded(folder)
    (folder.parent / "wait").touch()
    return run


def running(number: int) -> None:
    """Wait until *number* runs are recorded and the newest one's command runs."""
    until = time.monotonic() + 60
    while True:
        runs = mlproj("runs", "list", "--json").document["runs"]
        if (
            len(runs) >= number
            and runs[0]["status"] == "RUNNING"
            and (paths.run_dir(runs[0]["run_id"]) / "metrics.log").exists()
        ):
            time.sleep(0.3)
            return
        assert time.monotonic() < until
        time.sleep(0.05)


def test_an_interruption_ends_it_all_and_leaves_nothing_behind(tmp_path: Path) -> None:
    run = waits(tmp_path / "p")
    process = start("reproduce", run["run_id"], "--times", "3", "--json", start_new_session=True)
    running(2)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and json.loads(out)["error"]["kind"] == "interrupted"
    newest, *others = mlproj("runs", "list", "--json").document["runs"]
    assert newest["status"] == "KILLED" and [one["run_id"] for one in others] == [run["run_id"]], (
        "no further run was begun"
    )
    assert checkouts() == []
    done, document = reproduced(newest["run_id"])
    assert done.code == 2 and "was ended from outside (interrupted)" in document["error"]["message"]
    assert document["error"]["hint"] == f"mlproj rerun {newest['run_id'][:8]} does it from the start"


def test_a_kill_leaves_no_run_running_and_no_checkout(tmp_path: Path) -> None:
    run = waits(tmp_path / "p")
    process = start("reproduce", run["run_id"], "--times", "3", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    running(2)
    process.kill()
    process.wait()
    (tmp_path / "wait").unlink()
    until = time.monotonic() + 30
    while "RUNNING" in (statuses := [one["status"] for one in mlproj("runs", "list", "--json").document["runs"]]):
        assert time.monotonic() < until
    assert statuses == ["KILLED", "FINISHED"]
    assert reproduced(run["run_id"])[0].code == 0
    assert checkouts() == [], "what was left is swept by the next run"


def test_wrong_options_are_usage_errors_and_nothing_is_run(tmp_path: Path) -> None:
    run = recorded(project(tmp_path / "p", "entry_points: {main: {command: 'true'}}\n"))
    for words in (["--times", "0"], ["--times", "1000"], ["--tolerance", "a=b"], ["-P", "a"]):
        done, document = reproduced(run["run_id"], *words)
        assert done.code == 2 and document["error"]["exit_code"] == 2
    assert len(mlproj("runs", "list", "--json").document["runs"]) == 1
