"""What a command logs and leaves is in its run, and trouble with it is a warning that keeps nothing else from it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mlproj import tracking
from mlproj.backends.base import Usage
from mlproj.foundation import paths
from mlproj.foundation.errors import ServiceError
from mlproj.foundation.progress import Silent
from mlproj.running import runner
from mlproj.running.capture import Capture
from mlproj.running.isolation.base import HERE
from mlproj.running.plan import Plan, RunRequest
from mlproj.tracking.base import NewRun, Run, RunChanges, Status, TrackingStore
from tests.heard import Heard


@pytest.fixture
def plan(tmp_path: Path) -> Iterator[Plan]:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "MLproject").write_text("entry_points: {main: {command: 'true'}}\n")
    with runner.planned(RunRequest(str(folder), env_manager="local", system_metrics=True), Silent()) as planned:
        yield planned


@pytest.fixture
def store() -> Iterator[TrackingStore]:
    opened = tracking.open(None)
    yield opened
    opened.close()


@pytest.fixture
def run(store: TrackingStore) -> Run:
    made = store.create_run(NewRun(status=Status.RUNNING, start_time=1_700_000_000_000))
    paths.run_dir(made.run_id).mkdir(parents=True)
    return made


@pytest.fixture
def capture(plan: Plan, run: Run, store: TrackingStore, told: Heard) -> Capture:
    return Capture(plan, run, store, None, told, is_remote=False)


@pytest.fixture
def resources() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def posted(capture: Capture, path: str, **fields: Any) -> Any:
    """What the run's tracking server answers to its program."""
    request = urllib.request.Request(
        f"{capture.embedded.uri}/api/2.0/mlflow/{path}",
        json.dumps(fields).encode(),
        {"Authorization": f"Bearer {capture.embedded.token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def test_lines_that_the_command_appends_and_files_that_it_leaves_are_recorded(
    capture: Capture, plan: Plan, store: TrackingStore, run: Run, resources: ExitStack, told: Heard
) -> None:
    (plan.checkout.root / "before.txt").write_text("was there")
    capture.begin(HERE, {}, resources)
    (capture.run_dir / "metrics.log").write_text("loss=0.5\nno number\n")
    (capture.run_dir / "params.log").write_text("alpha=1\n")
    (plan.checkout.root / "model.bin").write_bytes(b"model")
    (capture.artifacts / "note.txt").write_text("kept")

    assert capture.stop_server() is None
    capture.collect(Status.FINISHED, None)

    found = store.get_run(run.run_id)
    assert found.params == {"alpha": "1"} and found.metrics["loss"] == 0.5
    assert [output.path for output in found.outputs] == ["model.bin"]
    assert (capture.artifacts / "outputs" / "model.bin").read_bytes() == b"model"
    assert (capture.artifacts / "note.txt").read_text() == "kept"
    assert len(told.warnings) == 1 and "metrics.log:2: expected name=value" in told.warnings[0]


def test_a_folder_without_history_is_copied_with_its_digest(
    capture: Capture, plan: Plan, store: TrackingStore, run: Run, resources: ExitStack
) -> None:
    (plan.checkout.root / "train.py").write_text("pass\n")
    capture.begin(HERE, {}, resources)
    assert (capture.run_dir / paths.PROJECT / "train.py").read_text() == "pass\n"
    assert len(str((store.get_run(run.run_id).source or {})["snapshot"])) == 64


def test_what_the_program_says_to_its_server_is_its_runs(
    capture: Capture, store: TrackingStore, run: Run, resources: ExitStack
) -> None:
    capture.begin(HERE, {}, resources)
    created = posted(capture, "runs/create", experiment_id="0", run_name="theirs")
    assert created["run"]["info"]["run_id"] == run.run_id
    posted(capture, "runs/log-parameter", run_id=run.run_id, key="a", value="1")
    child = posted(capture, "runs/create", experiment_id="0")["run"]["info"]["run_id"]
    posted(capture, "runs/update", run_id=run.run_id, status="FAILED")

    assert capture.stop_server() is Status.FAILED, "which is for the caller to judge"
    capture.collect(Status.FINISHED, None)
    capture.end_children(Status.FINISHED)

    found = store.get_run(run.run_id)
    assert (found.params, found.status) == ({"a": "1"}, Status.RUNNING)
    assert store.get_run(child).status is Status.FINISHED, "children end with the run that made them"


def test_what_was_never_begun_collects_nothing_and_has_no_server(
    capture: Capture, store: TrackingStore, run: Run, told: Heard
) -> None:
    assert capture.stop_server() is None
    capture.collect(Status.FAILED, None)
    capture.end_children(Status.FAILED)
    assert store.get_run(run.run_id).outputs == () and told.warnings == []


def test_a_run_folder_that_cannot_be_made_is_an_error_with_its_place(
    plan: Plan, store: TrackingStore, resources: ExitStack, run: Run
) -> None:
    folder = paths.run_dir(run.run_id)
    folder.rmdir()
    folder.write_text("a file")
    capture = Capture(plan, run, store, None, Silent(), is_remote=False)
    with pytest.raises(ServiceError, match=f"cannot make {folder}"):
        capture.begin(HERE, {}, resources)


def test_a_run_that_is_gone_is_a_warning_and_no_error(
    capture: Capture, store: TrackingStore, run: Run, plan: Plan, resources: ExitStack, told: Heard
) -> None:
    capture.begin(HERE, {}, resources)
    (plan.checkout.root / "left.txt").write_text("x")
    store.update_run(run.run_id, RunChanges(status=Status.KILLED, lifecycle_stage="deleted"))
    store.purge(run_ids=[run.run_id])
    capture.stop_server()
    capture.collect(Status.FINISHED, None)
    assert any(warning.startswith("not everything that the run left could be kept: ") for warning in told.warnings)


@pytest.mark.parametrize(("wanted", "logged"), [(True, True), (False, False)])
def test_usage_is_logged_where_it_is_wanted_and_known(
    plan: Plan, store: TrackingStore, run: Run, monkeypatch: pytest.MonkeyPatch, wanted: bool, logged: bool
) -> None:
    if not wanted:
        monkeypatch.setenv("MLPROJ_SYSTEM_METRICS", "off")
        object.__setattr__(plan.request, "system_metrics", None)
    capture = Capture(plan, run, store, None, Silent(), is_remote=False)
    capture.log_usage(None)
    assert store.get_run(run.run_id).metrics == {}
    capture.log_usage(Usage(1.5, 1024))
    assert bool(store.get_run(run.run_id).metrics) is logged
