"""What the tests of the scorer share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import mlflow_server

# Messages print sets, whose order is that of the hashes of texts.
SETTLED = {"PYTHONHASHSEED": "0"}


@pytest.fixture(scope="session")
def mlflow_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an installation of MLflow's latest release."""
    return mlflow_server.installed("3.17.2", tmp_path_factory.mktemp("mlflow")) / "python"
