"""Data for a prediction in Python is checked as MLflow's `predict()` checks it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.models.scorer import direct_table, workers
from tests.models.scorer.conftest import SETTLED

pytestmark = [pytest.mark.needs("index"), pytest.mark.needs("old-python"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def outcomes(mlflow_python: Path) -> dict[str, tuple[Any, Any]]:
    """Of each case, what MLflow makes of it and what we do."""
    done = subprocess.run(
        [mlflow_python, direct_table.__file__, workers.LAUNCH],
        env={**os.environ, **SETTLED},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {name: (theirs, ours) for name, theirs, ours in json.loads(done.stdout)}


def test_data_becomes_what_mlflow_makes_of_it_or_is_refused_in_the_same_words(
    outcomes: dict[str, tuple[Any, Any]],
) -> None:
    assert len(outcomes) > 600
    assert {name: both for name, both in outcomes.items() if both[0] != both[1]} == {}


@pytest.mark.parametrize(
    ("case", "is_taken"),
    [
        ("int32 3 for double", True),
        ("int64 for double", True),  # 0 and 1
        ("int64 3 for double", False),
        ("float64 for float", False),
        ("float64 with NaN for long", False),
        ("bool for long", False),
        ("texts for double", False),
        ("decimals for double", True),
        ("times with a zone for datetime", False),
        ("dates for datetime", True),
        ("categories for string", False),
        ("nullable Int64 with NA for long", False),
    ],
)
def test_what_would_lose_value_is_refused(outcomes: dict[str, tuple[Any, Any]], case: str, is_taken: bool) -> None:
    assert outcomes[case][1].startswith("frame") is is_taken, outcomes[case][1]
