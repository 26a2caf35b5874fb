from __future__ import annotations

import pickle
from pathlib import Path

from tests.models.folder import model
from tests.models.test_pickled import Hostile
from tests.program import mlproj


def test_a_model_is_described_as_a_page_and_as_a_document(tmp_path: Path) -> None:
    folder = model(tmp_path / "m")
    page = mlproj("models", "show", folder, "--env-manager", "local")
    assert page.code == 0, page.err
    for line in ("flavors    sklearn", "saved      2024-05-06 07:08 UTC by MLflow 3.17.2", "a     double  yes"):
        assert line in page.out
    document = mlproj("models", "show", folder, "--env-manager", "local", "--json").document["model"]
    assert document["signature"]["inputs"][1] == {"name": "b", "type": "long", "required": False}
    assert set(document["files"]) == {"MLmodel", "model.pkl", "requirements.txt"}
    assert document["findings"] == []


def test_an_environment_that_cannot_be_made_keeps_nothing_from_being_shown(tmp_path: Path) -> None:
    folder = model(tmp_path / "m", requirements="tiny==one==two\n")
    page = mlproj("models", "show", folder)
    assert page.code == 0
    assert "none can be made" in page.out


def test_check_is_65_for_what_is_wrong_and_with_strict_for_what_is_doubtful(tmp_path: Path) -> None:
    sound = model(tmp_path / "sound", requirements="")
    doubtful = model(tmp_path / "doubtful", requirements="", utc_time_created="yesterday")
    hostile = model(tmp_path / "hostile", requirements="", pickled=pickle.dumps(Hostile(tmp_path / "x")))
    local = ("--env-manager", "local")
    assert mlproj("models", "check", sound, "--strict", *local).code == 0
    assert mlproj("models", "check", doubtful, *local).code == 0
    assert mlproj("models", "check", doubtful, "--strict", *local).code == 65
    found = mlproj("models", "check", hostile, *local, "--json")
    assert found.code == 65
    assert [one["level"] for one in found.document["findings"]] == ["error"]
    assert not (tmp_path / "x").exists()


def test_mistakes_are_told_in_two_lines(tmp_path: Path) -> None:
    for arguments in (("show", "nowhere"), ("show", "runs:/last/model"), ("check", str(tmp_path)), ("shwo", "x")):
        result = mlproj("models", *arguments)
        assert result.code in (2, 66)
        assert len(result.err.splitlines()) <= 2, result.err
        assert "Traceback" not in result.err
    assert "did you mean 'show'" in mlproj("models", "shwo").err
