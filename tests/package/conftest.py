from __future__ import annotations

from tests.environments.conftest import index as index
