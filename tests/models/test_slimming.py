from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlproj.environments.base import Prepared
from mlproj.models import environment, slimming
from mlproj.models.environment import EnvironmentOptions
from mlproj.models.opened import open_model
from tests import package_index
from tests.heard import Heard
from tests.models.scoring.test_service import code_model
from tests.package_index import Release

CODE = """
import needed


class Model:
    def predict(self, data, params=None):
        {predict}


def _load_pyfunc(path):
    return Model()
"""
METADATA = "import importlib.metadata; return [importlib.metadata.version('surplus')]"


@pytest.fixture(scope="module")
def index() -> Iterator[package_index.Index]:
    with package_index.serve() as running:
        running.add(
            Release("needed", "1", modules={"needed.py": "import brought\nx = brought.x\n"}, requires=["brought"])
        )
        running.add(Release("brought", "1", modules={"brought.py": "x = 3\n"}), Release("surplus", "1"))
        yield running


@pytest.fixture
def using(index: package_index.Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)


def slim(folder: Path, told: Heard) -> Prepared:
    with open_model(str(folder), told) as opened:
        options = EnvironmentOptions(as_of="today")
        decided = environment.decide(opened, options, told)
        return slimming.prepare(opened, decided, options, told)


def needing(folder: Path, predict: str, *, example: bool = True) -> Path:
    code_model(folder, code=CODE.format(predict=predict))
    (folder / "requirements.txt").write_text("needed==1\nsurplus==1\n")
    if example:
        (folder / "serving_input_example.json").write_text(json.dumps({"inputs": [1, 2]}))
    return folder


@pytest.mark.usefixtures("using")
def test_what_predicting_the_example_does_not_import_is_left_out(tmp_path: Path, told: Heard) -> None:
    folder = needing(tmp_path / "m", "return [needed.x]")
    assert set(slim(folder, told).packages) == {"needed", "brought"}
    assert any("left out" in note and "surplus" in note for note in told.notes)
    again = slim(folder, told)
    assert again.reused
    assert set(again.packages) == {"needed", "brought"}


@pytest.mark.usefixtures("using")
def test_nothing_is_left_out_where_the_example_then_fails(tmp_path: Path, told: Heard) -> None:
    folder = needing(tmp_path / "m", METADATA)
    assert "surplus" in slim(folder, told).packages
    assert any("answered otherwise" in warning for warning in told.warnings)


@pytest.mark.usefixtures("using")
def test_without_an_example_nothing_is_measured(tmp_path: Path, told: Heard) -> None:
    folder = needing(tmp_path / "m", "return [needed.x]", example=False)
    assert "surplus" in slim(folder, told).packages
    assert any("no input example" in warning for warning in told.warnings)
