"""The variables that a command gets of the run that it is part of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from mlproj.environments.base import Prepared
from mlproj.foundation import paths
from mlproj.foundation.dataclass import replace
from mlproj.foundation.progress import Silent
from mlproj.running import runner
from mlproj.running.command_environ import variables_of_run
from mlproj.running.interruption import Interruption
from mlproj.running.plan import RunRequest
from mlproj.running.recording import Recording


@contextmanager
def recorded(folder: Path, *, kind: str | None = None, **request: Any) -> Iterator[Recording]:
    """A run whose command is about to begin; *kind*: of its environment."""
    (folder / "MLproject").write_text("entry_points: {main: {command: 'true'}}\n")
    with ExitStack() as entered:
        plan = entered.enter_context(runner.planned(RunRequest(str(folder), env_manager="local", **request), Silent()))
        if kind:
            environment: Any = plan.environment
            environment.description = replace(environment.description, kind=kind)
        recording = entered.enter_context(Recording(plan, Silent(), Interruption()))
        recording.environment_is_ready(Prepared(), {})
        yield recording


def test_a_command_knows_its_run_and_where_to_log(tmp_path: Path) -> None:
    with recorded(tmp_path) as recording:
        found = variables_of_run(recording, {})
        run_id, embedded = recording.run_id, recording.capture.embedded

    assert found["MLPROJ_RUN_ID"] == run_id and Path(found["MLPROJ_RUN_DIR"]) == paths.run_dir(run_id)
    assert found["MLPROJ_HOME"] == str(paths.home()) and found["MLPROJ_CACHE"] == str(paths.cache())
    assert (found["MLFLOW_TRACKING_URI"], found["MLFLOW_TRACKING_TOKEN"]) == (embedded.uri, embedded.token)
    assert found["PYTHONUNBUFFERED"] == "1"


def test_mlflows_run_id_is_given_only_when_asked_for(tmp_path: Path) -> None:
    with recorded(tmp_path) as recording:
        assert not {"MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"} & variables_of_run(recording, {}).keys()
    with recorded(tmp_path, inject_run_id=True) as recording:
        found = variables_of_run(recording, {})
        assert (found["MLFLOW_RUN_ID"], found["MLFLOW_EXPERIMENT_ID"]) == (recording.run_id, "0")


@pytest.mark.parametrize(("kind", "given"), [("python", True), ("conda", True), ("renv", False), ("container", False)])
def test_nested_projects_find_a_conda_where_the_environment_was_made_here(
    tmp_path: Path, kind: str, given: bool
) -> None:
    with recorded(tmp_path, kind=kind) as recording:
        home = variables_of_run(recording, {}).get("MLFLOW_CONDA_HOME")
    assert (home is not None) is given
    assert home is None or (Path(home) / "bin" / "conda").stat().st_mode & 0o111


def test_the_runs_server_is_reached_without_a_proxy_where_there_is_one(tmp_path: Path) -> None:
    with recorded(tmp_path) as recording:
        assert "NO_PROXY" not in variables_of_run(recording, {})
        found = variables_of_run(recording, {"http_proxy": "http://proxy:3128", "no_proxy": "example.com"})
    assert found["NO_PROXY"] == "example.com,127.0.0.1"


def test_a_program_of_a_run_for_a_server_records_in_the_outbox_and_gets_no_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLPROJ_TRACKING_URI", "http://me:hunter2@127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hunter2")
    with recorded(tmp_path) as recording:
        found = variables_of_run(recording, {})
        assert found["MLPROJ_TRACKING_URI"] == recording.uri and found["MLPROJ_TRACKING_URI"].startswith("sqlite:///")
    assert not any("hunter2" in value for value in found.values())
