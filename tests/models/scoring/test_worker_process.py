from __future__ import annotations

import pytest

from mlproj.environments.base import Prepared
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.models.scoring import worker_process


def test_a_python_that_is_too_old_for_the_worker_is_named() -> None:
    with pytest.raises(EnvironmentFailure, match=r"has Python 3\.6\.15, and models are loaded by Python 3\.7 or later"):
        worker_process.start(Prepared(python="3.6.15"))
