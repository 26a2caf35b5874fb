"""Whatever ends a run, its record tells, and nothing of it is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.program import mlproj, project, start
from tests.sources.git_server import GitServer, serving
from tests.sources.repository import bare, commit, git

STUBBORN = """
entry_points:
  main:
    command: |
      trap '' INT TERM HUP
      touch started
      while true; do sleep 0.1; done
"""
PATIENT = "entry_points: {main: {command: 'touch started; sleep 1000'}}"


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def the_run() -> dict[str, Any]:
    runs: list[dict[str, Any]] = mlproj("runs", "list", "--json").document["runs"]
    (run,) = runs
    return run


def processes_of(run_id: str) -> list[str]:
    """Command lines of the processes of a run."""
    return processes_with(f"MLPROJ_RUN_ID={run_id}")


def processes_with(setting: str) -> list[str]:
    """Command lines of the processes that carry *setting* in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if setting.encode() in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_bytes().decode())
            except OSError:
                continue
    return found


@pytest.mark.parametrize(
    ("number", "code", "reason"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 129, "terminated")],
)
def test_a_signal_ends_the_whole_run_and_the_record_says_so(
    tmp_path: Path, number: int, code: int, reason: str
) -> None:
    folder = project(tmp_path / "p", PATIENT)
    process = start("run", folder)
    wait_for(folder / "started", process)

    process.send_signal(number)
    process.communicate()

    run = the_run()
    assert process.returncode == code
    assert (run["status"], run["exit_code"]) == ("KILLED", code)
    assert reason in run["status_reason"]
    assert processes_of(run["run_id"]) == []


@pytest.mark.parametrize(
    ("command", "number", "code"),
    [
        ("run", signal.SIGINT, 130),
        ("run", signal.SIGTERM, 143),
        ("run --dry-run", signal.SIGTERM, 143),
        ("show", signal.SIGTERM, 143),
    ],
)
@pytest.mark.parametrize("slow", ["top.git/info/refs", "top.git/git-upload-pack", "inner.git", "top.zip"])
def test_a_signal_while_a_source_is_fetched_leaves_nothing(
    tmp_path: Path, slow: str, command: str, number: int, code: int
) -> None:
    """The remote is slow to say what it has, to send it, or to send the submodule of what is checked out already."""
    server = GitServer(served_with_submodule(tmp_path), never_answers=slow)
    with serving(server):
        uri = f"{server.url}/{'top.git' if slow == 'inner.git' else slow.partition('/')[0]}"
        process = start(*command.split(), uri, env={"MLPROJ_TEST_MARK": str(tmp_path)})
        assert server.asked.wait(60), process.communicate()
        process.send_signal(number)
        _out, err = process.communicate()

    cache = Path(os.environ["MLPROJ_CACHE"])
    assert (process.returncode, err.decode().splitlines()[-1:]) == (
        code,
        ["interrupted" if code == 130 else "terminated by signal 15"],
    )
    assert processes_with(f"MLPROJ_TEST_MARK={tmp_path}") == []
    assert [*cache.glob("checkouts/*"), *cache.rglob("*.new"), *cache.rglob("*.part")] == []
    assert mlproj("runs", "list", "--json").document["runs"] == []


def served_with_submodule(folder: Path) -> Path:
    """A folder to serve: ``top.git``, a project whose submodule is ``inner.git`` beside it."""
    inner = commit(folder / "work" / "inner", {"a": "1"})
    commit(
        folder / "work" / "top",
        {"MLproject": PATIENT, ".gitmodules": '[submodule "inner"]\n\tpath = inner\n\turl = ../inner.git\n'},
    )
    git(folder / "work" / "top", "update-index", "--add", "--cacheinfo", f"160000,{inner},inner")
    git(folder / "work" / "top", "commit", "--quiet", "--message=submodule")
    for name in ("top", "inner"):
        bare(folder / "work" / name, folder / "served" / f"{name}.git")
    return folder / "served"


def test_a_program_that_ignores_signals_is_killed_after_the_grace_time(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", STUBBORN)
    process = start("run", folder, "--grace", "100ms")
    wait_for(folder / "started", process)

    process.send_signal(signal.SIGTERM)
    process.communicate()

    run = the_run()
    assert process.returncode == 143
    assert run["status"] == "KILLED"
    assert processes_of(run["run_id"]) == []


def test_a_run_whose_mlproj_was_killed_does_not_stay_running(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", PATIENT)
    process = start("run", folder, "--grace", "100ms")
    wait_for(folder / "started", process)
    assert the_run()["status"] == "RUNNING"

    process.kill()
    process.communicate()

    run = the_run()
    assert (run["status"], run["status_reason"]) == ("KILLED", "mlproj was killed or the machine stopped")
    deadline = time.monotonic() + 30
    while processes_of(run["run_id"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of(run["run_id"]) == []


def test_a_run_is_recorded_when_its_environment_cannot_be_made(tmp_path: Path) -> None:
    folder = project(
        tmp_path / "p",
        "{python_env: python_env.yaml, entry_points: {main: {command: 'true'}}}",
        python_env__yaml="dependencies: [./nowhere-to-be-found]\n",
    )

    result = mlproj("run", folder, "--json")

    assert result.code in (65, 73)
    assert "nowhere-to-be-found" in result.document["error"]["message"]


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = project(tmp_path / "p", "entry_points: {main: {command: 'true'}}")

    result = mlproj("run", folder, env={"MLPROJ_HOME": str(tmp_path / "file" / "home")})

    assert result.code == 69
    assert "Traceback" not in result.err


def test_a_reader_who_goes_away_does_not_end_the_run(tmp_path: Path) -> None:
    folder = project(
        tmp_path / "p", "entry_points: {main: {command: 'for i in $(seq 20000); do echo $i; done; touch done'}}"
    )
    process = start("run", folder)
    assert process.stdout is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        process.stderr.read()
    process.wait()

    assert (folder / "done").exists()
    assert the_run()["status"] == "FINISHED"


def test_values_and_names_from_hostile_projects_are_no_paths(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {parameters: {x: string}, command: 'echo {x}'}}")

    result = mlproj("run", folder, "-P", "x=1", "--experiment-name", "../../escape", "--run-name", "../../escape")

    assert result.code == 0
    assert not list(tmp_path.rglob("*escape*"))
    assert not list(Path(os.environ["MLPROJ_HOME"]).parent.rglob("*escape*"))
