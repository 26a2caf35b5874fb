"""Models in a SQLite file: the shared suite, and several processes at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("mlproj.testing.model_suite")

from mlproj import tracking  # noqa: E402
from mlproj.foundation import paths  # noqa: E402
from mlproj.testing.model_suite import ModelSuite  # noqa: E402
from mlproj.tracking.base import NewRun, TrackingStore  # noqa: E402
from mlproj.tracking.model_base import ModelStore  # noqa: E402


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/runs.db"


@pytest.fixture
def store(uri: str) -> Iterator[TrackingStore]:
    opened = tracking.open(uri)
    yield opened
    opened.close()


@pytest.fixture
def models(uri: str) -> Iterator[ModelStore]:
    opened = tracking.open_models(uri)
    yield opened
    opened.close()


class TestSqliteModels(ModelSuite):
    """All that any store of models must do."""


_REGISTER = """
import sys
from mlproj import tracking
models = tracking.open_models(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(*(models.create_version("m", "s3://b/x").version for _ in range(10)))
"""


def test_processes_that_register_at_once_get_numbers_of_their_own(uri: str, models: ModelStore) -> None:
    models.create_registered_model("m")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _REGISTER, uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    numbers = sorted(int(number) for process in processes for number in process.communicate("\n")[0].split())
    assert numbers == list(range(1, 31))


def test_models_are_kept_beside_the_runs() -> None:
    run = tracking.open().create_run(NewRun())
    tracking.open_models().append_model_history(run.run_id, {"artifact_path": "model"})
    assert "mlflow.log-model.history" in tracking.open(f"sqlite:///{paths.database()}").get_run(run.run_id).tags


def test_a_home_can_be_moved_with_its_models(tmp_path: Path) -> None:
    model_id = tracking.open_models(f"sqlite:///{tmp_path}/old/runs.db").create_logged_model("0").model_id
    (tmp_path / "old").rename(tmp_path / "new")
    moved = tracking.open_models(f"sqlite:///{tmp_path}/new/runs.db").get_logged_model(model_id)
    assert moved.artifact_uri == f"{tmp_path.as_uri()}/new/artifacts/0/models/{model_id}/artifacts"
