"""A plan says what will be done, and why, without a secret in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlproj.foundation.dataclass import replace
from mlproj.foundation.errors import Notice, Place
from mlproj.foundation.progress import Silent
from mlproj.running import runner
from mlproj.running.isolation.base import Sandbox
from mlproj.running.plan import Plan, RunRequest, options_document

TEXT = """\
entry_points:
  main:
    parameters:
      password: {default: hunter2}
      rate: {type: float, default: fast}
    command: python train.py ${rate} {password}
"""


def planned(folder: Path) -> Plan:
    (folder / "MLproject").write_text(TEXT.replace("fast", "0.5"))
    with runner.planned(RunRequest(str(folder), env_manager="local"), Silent()) as plan:
        return plan


def test_warnings_are_data_with_their_places_until_they_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    warnings = planned(tmp_path).warnings
    file = "MLproject"

    assert [(warning.place and (warning.place.file, warning.place.line), warning.hint) for warning in warnings] == [
        ((file, 6), "write {rate}"),
        ((file, 6), None),
    ]
    assert warnings[1].text == "the command of 'main' runs train.py, which is not in the project"


def test_a_warning_is_shown_with_its_place_first_and_what_to_do_last() -> None:
    assert str(Notice("is odd", Place("MLproject", 2, 5), "write it so")) == "MLproject:2:5: is odd; write it so"
    assert str(Notice("is odd")) == "is odd"


def test_the_document_of_a_plan_holds_no_secret_value(tmp_path: Path) -> None:
    document = planned(tmp_path).to_json()

    assert "hunter2" not in str(document) and document["params"]["password"] == "****"
    assert document["warnings"][0].endswith("; write {rate}")


def test_what_a_sandbox_leaves_open_is_among_the_reasons(tmp_path: Path) -> None:
    plan = replace(planned(tmp_path), sandbox=Sandbox("bubblewrap", ("files in /etc can be read",)))

    assert plan.reasons[-1] == "not confined: files in /etc can be read"
    assert plan.to_json()["sandbox"] == {"by": "bubblewrap", "not_confined": ["files in /etc can be read"]}


def test_variables_that_look_secret_are_masked_among_the_options() -> None:
    request = RunRequest(".", variables={"API_TOKEN": "hunter2", "SEED": "1", "GONE": None})

    assert options_document(request)["variables"] == {"API_TOKEN": "****", "SEED": "1", "GONE": None}
