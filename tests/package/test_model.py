"""mlproj package MODEL: a model and its environment in one file, served and asked on a machine without network."""

from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.models.serving.served import served
from tests.package.packed import manifest, names, package
from tests.package.test_offline import NOWHERE, elsewhere
from tests.package_index import Index, Release
from tests.program import mlproj

_CODE = """\
import flat

class Model:
    def predict(self, data):
        return [flat.__version__, data["prompt"]]

def _load_pyfunc(path):
    return Model()
"""
_MLMODEL = """\
flavors:
  python_function: {loader_module: answering, code: code, env: {virtualenv: python_env.yaml}}
mlflow_version: 3.17.2
utc_time_created: '2024-05-06 07:08:09.123456'
"""


@pytest.fixture
def model(tmp_path: Path, index: Index) -> Path:
    """A model that needs a package of the index."""
    index.add(Release("flat", "1.0"), Release("flat", "2.0"))
    folder = tmp_path / "answerer"
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "answering.py").write_text(_CODE)
    (folder / "MLmodel").write_text(_MLMODEL)
    python = ".".join(map(str, sys.version_info[:2]))
    (folder / "python_env.yaml").write_text(f"python: '{python}'\ndependencies: [flat==1.0]\n")
    return folder


def test_a_packaged_model_is_made_ready_without_network_in_its_own_versions(tmp_path: Path, model: Path) -> None:
    file = tmp_path / "a.mlproj"
    package(model, file, "--offline", "--no-python")
    assert "flat-1.0-py3-none-any.whl" in names(file, "packages")
    assert sorted(names(file)) == ["MLmodel", "code/answering.py", "python_env.yaml"]
    assert manifest(file)["model"] == {"name": "answerer"} and str(tmp_path) not in json.dumps(manifest(file))
    other = {**elsewhere(tmp_path, "other"), **NOWHERE}
    shown = mlproj("models", "show", file, "--json", env=other)
    assert shown.code == 0 and shown.document["model"]["name"] == "answerer", shown.err
    made = mlproj("models", "env", file, "--offline", "--json", env=other)
    assert made.code == 0 and made.document["packages"]["flat"] == "1.0", made.err
    with served(file, tmp_path / "log", "--env-manager", "auto", "--offline", env=other) as server:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{server.port}/invocations", b'{"prompt": "q"}', {"content-type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert json.load(answer) == ["1.0", "q"]


def test_a_packaged_model_is_the_same_bytes_and_verified_like_any_package(tmp_path: Path, model: Path) -> None:
    package(model, tmp_path / "a.mlproj", "--offline", "--no-python")
    package(model, tmp_path / "b.mlproj", "--offline", "--no-python", env=elsewhere(tmp_path, "other"))
    content = (tmp_path / "a.mlproj").read_bytes()
    assert content == (tmp_path / "b.mlproj").read_bytes()
    whole = mlproj("verify", tmp_path / "a.mlproj")
    assert whole.code == 0 and "answerer" in whole.out, whole.out + whole.err
    assert mlproj("key", "create").code == 0 and mlproj("sign", tmp_path / "a.mlproj").code == 0
    signed = mlproj("verify", tmp_path / "a.mlproj", "--json")
    assert signed.code == 0 and signed.document["signatures"], signed.out
    (tmp_path / "c.mlproj").write_bytes(content.replace(b"flat.__version__", b"flat.__Version__"))
    assert mlproj("verify", tmp_path / "c.mlproj").code == 1
    assert "is not what mlproj.json says" in mlproj("models", "show", tmp_path / "c.mlproj").err


def test_models_and_projects_are_told_apart(tmp_path: Path, model: Path) -> None:
    package(model, tmp_path / "a.mlproj")
    run = mlproj("run", tmp_path / "a.mlproj")
    assert run.code == 2 and "mlproj models serve a.mlproj" in run.err
    project = tmp_path / "p"
    project.mkdir()
    (project / "MLproject").write_text("name: p\nentry_points: {main: {command: ls}}\n")
    package(project, tmp_path / "p.mlproj")
    shown = mlproj("models", "show", tmp_path / "p.mlproj")
    assert shown.code == 2 and "of a project, and of no model" in shown.err
    refused = mlproj("package", model, "-o", tmp_path / "x.mlproj", "-e", "main")
    assert refused.code == 2 and "are for projects" in refused.err
