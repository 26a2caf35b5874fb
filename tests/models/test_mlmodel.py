from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from mlproj.foundation.errors import InvalidProject
from mlproj.models import mlmodel
from tests.models.folder import model


def test_a_model_of_mlflow_3_is_read_whole(tmp_path: Path) -> None:
    found = mlmodel.load(model(tmp_path, run_id="a" * 32, model_id="m-" + "b" * 32, model_uuid="m-" + "b" * 32))
    assert found.pyfunc["loader_module"] == "mlflow.sklearn"
    assert found.native_flavors == ("sklearn",)
    assert found.created == datetime(2024, 5, 6, 7, 8, 9, 123456, timezone.utc)
    assert (found.mlflow_version, found.run_id, found.model_id) == ("3.17.2", "a" * 32, "m-" + "b" * 32)
    assert found.signature
    assert [column.name for column in found.signature.columns] == ["a", "b"]
    assert found.notices == ()


def test_a_model_of_mlflow_1_names_only_conda(tmp_path: Path) -> None:
    text = "flavors:\n  python_function:\n    env: conda.yaml\n    loader_module: mlflow.sklearn\n"
    found = mlmodel.load(model(tmp_path, text=text))
    assert found.environment_file("conda") == "conda.yaml"
    assert found.environment_file("virtualenv") == "python_env.yaml"
    assert (found.created, found.signature, found.mlflow_version) == (None, None, None)


def test_dates_and_odd_keys_become_what_json_has(tmp_path: Path) -> None:
    text = "flavors:\n  python_function: {loader_module: x}\n1: 2024-05-06\nutc_time_created: 2024-05-06 07:08:09\n"
    found = mlmodel.load(model(tmp_path, text=text))
    assert found.document["1"] == "2024-05-06"
    assert found.created == datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "expected a mapping"),
        ("run_id: x\n", "'flavors' must say"),
        ("flavors: {}\n", "'flavors' must say"),
        ("flavors:\n  sklearn: text\n", "the flavor sklearn must be a mapping"),
        ("flavors: [", "."),
        ("flavors: !!python/object:os.system {}\n", "."),
    ],
)
def test_what_describes_no_model_is_told_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidProject, match=message) as failure:
        mlmodel.load(model(tmp_path, text=text), shown="MLmodel")
    assert str(failure.value.place).startswith("MLmodel")


def test_a_broken_signature_is_a_finding_and_keeps_nothing_from_being_read(tmp_path: Path) -> None:
    found = mlmodel.load(model(tmp_path, signature={"inputs": "["}), shown="MLmodel")
    assert found.signature is None
    assert [(notice.is_error, "signature cannot be read" in notice.text) for notice in found.notices] == [(True, True)]


def test_a_time_that_is_none_is_a_finding(tmp_path: Path) -> None:
    found = mlmodel.load(model(tmp_path, utc_time_created="yesterday"), shown="MLmodel")
    assert found.created is None
    assert [notice.text for notice in found.notices] == ["'yesterday' is no time"]
