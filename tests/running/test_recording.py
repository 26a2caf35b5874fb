"""A run's record: every end is in it, whatever ended the run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlproj.backends.base import Outcome
from mlproj.environments.base import Prepared
from mlproj.foundation import paths
from mlproj.foundation.errors import EnvironmentFailure, Interrupted
from mlproj.foundation.progress import Silent
from mlproj.running import runner
from mlproj.running.interruption import Interruption
from mlproj.running.plan import Plan, RunRequest
from mlproj.running.recording import Recording
from mlproj.tracking.base import Status
from tests.heard import Heard


@pytest.fixture
def plan(tmp_path: Path) -> Iterator[Plan]:
    (tmp_path / "MLproject").write_text(
        "entry_points: {main: {parameters: {api_token: {default: hunter2}}, command: 'echo {api_token}'}}\n"
    )
    with runner.planned(RunRequest(str(tmp_path), env_manager="local", timeout=5), Silent()) as planned:
        yield planned


def test_what_keeps_a_run_from_starting_is_its_reason(plan: Plan) -> None:
    recording = Recording(plan, Silent(), Interruption())
    with pytest.raises(EnvironmentFailure), recording:
        raise EnvironmentFailure("no such package: numpyy")

    assert recording.run and recording.run.status is Status.FAILED
    assert (recording.run.status_reason, recording.run.exit_code) == ("no such package: numpyy", 73)


def test_a_run_that_is_interrupted_before_its_command_is_killed(plan: Plan) -> None:
    recording = Recording(plan, Silent(), Interruption())
    with pytest.raises(Interrupted), recording:
        raise Interrupted(15)

    assert recording.run and (recording.run.status, recording.run.exit_code) == (Status.KILLED, 143)


def test_a_bug_of_ours_is_named_as_one(plan: Plan) -> None:
    recording = Recording(plan, Silent(), Interruption())
    with pytest.raises(ZeroDivisionError), recording:
        raise ZeroDivisionError("by zero")

    assert recording.run and recording.run.status_reason == "a bug in mlproj: ZeroDivisionError: by zero"


@pytest.mark.parametrize(
    ("outcome", "explanation", "expected"),
    [
        (Outcome(0), None, (Status.FINISHED, None, 0)),
        (Outcome(0, has_begun=True), None, (Status.FINISHED, None, 0)),
        (Outcome(0, has_begun=False), "it never began", (Status.FAILED, "it never began", 0)),
        (Outcome(3), None, (Status.FAILED, "the entry point ended with exit code 3", 3)),
        (Outcome(1), "the module numpy is missing", (Status.FAILED, "the module numpy is missing", 1)),
        (Outcome(143, "timeout", 15), None, (Status.KILLED, "timed out after 5 s", 124)),
        (Outcome(143, "cancelled", 15), None, (Status.KILLED, "cancelled", 143)),
        (Outcome(139, "signal", 11), "the reason", (Status.FAILED, "the reason", 139)),
    ],
)
def test_how_a_command_ended_decides_status_reason_and_exit_code(
    plan: Plan, outcome: Outcome, explanation: str | None, expected: tuple[Status, str | None, int]
) -> None:
    recording, prepared = Recording(plan, Silent(), Interruption()), Prepared()
    with recording:
        recording.environment_is_ready(prepared, plan.isolation.inherited(prepared))
        recording.ended(outcome, explanation)

    assert recording.run and (recording.run.status, recording.run.status_reason, recording.run.exit_code) == expected


def test_faults_that_did_not_stop_a_command_are_told_and_kept(plan: Plan) -> None:
    told = Heard()
    recording, prepared = Recording(plan, told, Interruption()), Prepared()
    with recording:
        recording.environment_is_ready(prepared, {})
        recording.ended(Outcome(0, notes=("the log is cut",)), None)

    assert recording.run
    assert recording.run.tags["mlproj.notes"] == "the log is cut"
    assert told.warnings[-1] == "the log is cut"


def test_what_the_command_leaves_behind_is_kept_as_an_output(plan: Plan) -> None:
    recording, prepared = Recording(plan, Silent(), Interruption()), Prepared()
    with recording:
        recording.environment_is_ready(prepared, {})
        (plan.checkout.root / "model.txt").write_text("weights")
        recording.ended(Outcome(0), None)

    assert recording.run and [output.path for output in recording.run.outputs] == ["model.txt"]
    assert (recording.capture.artifacts / "outputs" / "model.txt").read_text() == "weights"


def test_the_plan_beside_a_run_holds_no_secret(plan: Plan) -> None:
    recording = Recording(plan, Silent(), Interruption())
    with recording:
        pass
    kept = (paths.run_dir(recording.run_id) / paths.PLAN).read_text()

    assert json.loads(kept)["plan"]["params"] == {"api_token": "****"} and "hunter2" not in kept
