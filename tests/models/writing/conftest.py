"""A program's own module with models."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.models.writing.own_model import MODULE


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module ``own_models``, next to the program."""
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "own_models.py").write_text(MODULE)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    sys.modules.pop("own_models", None)
    yield importlib.import_module("own_models")
    for name in [name for name in sys.modules if name.startswith(("own_models", "mlproj_loader_"))]:
        del sys.modules[name]
