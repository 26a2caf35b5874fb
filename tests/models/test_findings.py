from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from mlproj.foundation.progress import Silent
from mlproj.models import findings
from mlproj.models.opened import open_model
from tests.models.folder import model
from tests.models.test_pickled import Hostile


def found(folder: Path) -> list[tuple[bool, str]]:
    with open_model(str(folder), Silent()) as opened:
        return [(notice.is_error, str(notice)) for notice in findings.findings(opened)]


def test_a_sound_model_has_none(tmp_path: Path) -> None:
    assert found(model(tmp_path)) == []


def test_what_can_run_any_program_comes_first(tmp_path: Path) -> None:
    told = found(model(tmp_path, pickled=pickle.dumps(Hostile(tmp_path / "x")), signature={}, requirements="tiny\n"))
    assert told[0][0]
    assert "model.pkl: unpickling it would import posix.system" in told[0][1]
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("options", "is_error", "message"),
    [
        ({"text": "flavors:\n  sklearn: {pickled_model: model.pkl}\n"}, True, "has no flavor python_function"),
        ({"text": "flavors:\n  python_function: {model_path: model.pkl}\n"}, True, "names no loader_module"),
        ({"signature": {"inputs": None}, "requirements": "tiny\n"}, False, "not pinned to one version: tiny"),
        ({"requirements": "tiny>=1,<2\nother==1.*\n"}, False, "not pinned to one version: tiny>=1,<2, other==1.*"),
        ({"requirements": None}, True, "no file says which packages it needs"),
        ({"requirements": "tiny @ file:///home/me/tiny.whl\n"}, True, "requirements.txt:1: 'tiny @ file:///home/me"),
        ({"requirements": "a==1\n-e /home/me/lib\n"}, True, "requirements.txt:2: '-e /home/me/lib'"),
        ({"requirements": "torch==2.1.0+cpu\n"}, False, "torch is pinned to a build '+cpu'"),
        ({"saved_input_example_info": {"artifact_path": "input_example.json"}}, False, "'input_example.json' is not"),
    ],
)
def test_each_fault_is_named(tmp_path: Path, options: dict[str, Any], is_error: bool, message: str) -> None:
    assert any(error is is_error and message in text for error, text in found(model(tmp_path, **options)))


def test_a_model_without_a_signature_is_doubtful(tmp_path: Path) -> None:
    text = "flavors:\n  python_function: {loader_module: mlflow.sklearn, model_path: model.pkl}\n"
    assert [text for _, text in found(model(tmp_path, text=text))] == [
        "MLmodel: it has no signature: what it is given is not checked; save it with signature=… or an input_example"
    ]


@pytest.mark.parametrize("name", ["code", "../x", "/etc/passwd"])
def test_files_that_are_named_and_not_in_the_model_are_errors(tmp_path: Path, name: str) -> None:
    text = f"flavors:\n  python_function: {{loader_module: x, code: '{name}'}}\n"
    assert any(error and repr(name) in told for error, told in found(model(tmp_path, text=text)))


def test_a_class_of_the_program_that_saved_the_model_cannot_be_found_elsewhere(tmp_path: Path) -> None:
    content = b"\x80\x02c__main__\nThing\nq\x00)\x81q\x01."
    assert any(error and "__main__.Thing" in told for error, told in found(model(tmp_path, pickled=content)))
