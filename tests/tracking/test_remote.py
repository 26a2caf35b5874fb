"""Runs and models kept by an mlproj server: the shared suites over HTTP, and what may happen on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("mlproj.testing.store_suite", "mlproj.testing.model_suite")

from mlproj import tracking  # noqa: E402
from mlproj.server.app import Principal, Settings, create_app  # noqa: E402
from mlproj.testing.model_suite import ModelSuite  # noqa: E402
from mlproj.testing.store_suite import StoreSuite  # noqa: E402
from mlproj.tracking.base import TrackingStore  # noqa: E402
from mlproj.tracking.model_base import ModelStore  # noqa: E402
from tests.server.conftest import served  # noqa: E402


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    uri = f"sqlite:///{tmp_path}/served/runs.db"
    with closing(tracking.open(uri)) as kept, closing(tracking.open_models(uri)) as models:
        everybody = Principal(kept, models)
        application: Any = create_app(Settings(lambda _request: everybody, tmp_path / "served" / "artifacts"))
        with served(application) as found:
            yield found


@pytest.fixture
def store(address: str) -> Iterator[TrackingStore]:
    with closing(tracking.open(address)) as opened:
        yield opened


@pytest.fixture
def models(address: str) -> Iterator[ModelStore]:
    with closing(tracking.open_models(address)) as opened:
        yield opened


class TestRemoteStore(StoreSuite):
    """All that any store must do."""


class TestRemoteModels(ModelSuite):
    """All that any store of models must do."""
