"""Runs that are with a team's server, done again from another home."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.outbox.conftest import Server, server
from tests.program import Result, mlproj, project, start
from tests.sources.repository import commit

__all__ = ["server"]


def test_a_run_of_a_colleague_is_reproduced_and_the_verdict_is_with_the_server(server: Server, tmp_path: Path) -> None:
    folder = project(
        tmp_path / "p", "entry_points: {main: {command: 'echo a=1 >> $MLPROJ_METRICS; cat x > out; cat x'}}\n", x="1\n"
    )
    commit(folder, {})
    (folder / "x").write_text("two\n")

    def cli(home: str, *words: str | Path) -> Result:
        return mlproj(
            *words, "--json", env={"MLPROJ_TRACKING_URI": server.address, "MLPROJ_HOME": str(tmp_path / home)}
        )

    with server.up():
        run = cli("mine", "run", folder).document["run"]
        done = cli("theirs", "reproduce", run["run_id"])
        assert done.code == 0, done.err + done.out
        (verdict,) = done.document["reproduction"]["runs"]
        assert [(one["path"], one["state"]) for one in verdict["files"]] == [("out", "same")] and verdict["metrics"][0][
            "state"
        ] == "same"
        bare = project(tmp_path / "bare", "entry_points: {main: {command: 'true'}}\n")
        own = cli("mine", "run", bare).document["run"]["run_id"]
        assert cli("mine", "reproduce", own).code == 0
        refused = cli("theirs", "reproduce", own)
        assert refused.code == 66 and "is kept in the home that it ran in" in refused.document["error"]["hint"]
    with closing(server.store()) as store:
        again = store.get_run(verdict["run_id"])
    assert (
        again.tags["mlproj.reproduces"] == run["run_id"]
        and again.tags["mlproj.verdict"] == "reproduced: 1 metric and 1 file compared"
    )


def test_the_verdict_does_not_need_the_server_any_more(server: Server, tmp_path: Path) -> None:
    command = f"cp x out; while test -e {tmp_path}/wait; do sleep 0.05; done"
    folder = project(tmp_path / "p", f"entry_points: {{main: {{command: '{command}'}}}}\n", x="1\n")
    env = {"MLPROJ_TRACKING_URI": server.address}
    with server.up():
        run = mlproj("run", folder, "--json", env=env).document["run"]
        (tmp_path / "wait").touch()
        process = start("reproduce", run["run_id"], "--json", env=env)
        _started(process)
    (tmp_path / "wait").unlink()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and "the run waits on this disk" in err.decode()
    assert json.loads(out)["reproduction"]["reproduced"] is True


def _started(process: subprocess.Popen[bytes]) -> None:
    """Wait until it has said what it does, just before the command runs."""
    assert process.stderr is not None
    for line in process.stderr:
        if b"nothing is locked" in line:
            return
    pytest.fail("it ended before it began")
