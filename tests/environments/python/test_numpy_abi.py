"""Old wheels get the NumPy that they were compiled for."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from typing import Any

import pytest

from mlproj.environments.python import numpy_abi
from tests.program import mlproj, project

OLD = datetime(2021, 12, 25, tzinfo=timezone.utc)
NEW = datetime(2024, 9, 11, tzinfo=timezone.utc)


def entry(name: str, version: str, *uploads: datetime) -> dict[str, Any]:
    return {"name": name, "version": version, "wheels": [{"upload-time": moment} for moment in uploads]}


def test_a_wheel_from_before_numpy_2_is_found() -> None:
    locked = [
        entry("numpy", "2.2.6", NEW),
        entry("scikit-learn", "1.0.2", OLD),
        entry("pandas", "2.2.3", NEW),
        entry("tabulate", "0.8", OLD),
    ]

    assert numpy_abi.broken_by_numpy_2(locked) == ["scikit-learn 1.0.2"]


@pytest.mark.parametrize(
    "locked",
    [
        [entry("numpy", "1.26.4", NEW), entry("scikit-learn", "1.0.2", OLD)],
        [entry("scikit-learn", "1.0.2", OLD)],
        [entry("numpy", "2.2.6", NEW), entry("scikit-learn", "1.0.2")],
        [entry("numpy", "2.2.6", NEW), entry("scikit-learn", "1.0.2", OLD, NEW)],
    ],
    ids=["numpy 1", "no numpy", "built here", "wheels added later"],
)
def test_everything_else_is_left_alone(locked: list[dict[str, Any]]) -> None:
    assert numpy_abi.broken_by_numpy_2(locked) == []


@pytest.mark.needs("index")
@pytest.mark.skipif(sys.version_info >= (3, 13), reason="NumPy 1 has no wheels for the only Python that is surely here")
def test_an_old_pin_works_beside_new_packages(tmp_path: Any) -> None:
    folder = project(
        tmp_path / "p",
        "{python_env: python_env.yaml, entry_points: {main: {command: python -c 'import pandas'}}}",
        python_env__yaml="dependencies: [pandas==2.1.1]\n",
    )

    result = mlproj("run", folder, "--as-of", "2025-08-26")

    assert result.code == 0, result.err
    assert "numpy<2" in result.err
