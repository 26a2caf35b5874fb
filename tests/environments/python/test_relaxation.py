"""Pins that contradict each other: who asks for what, what does help, and ``--relax``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from mlproj.environments.base import Declaration, Request
from mlproj.environments.declarations.declaration import read
from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import conflict
from mlproj.environments.python import environment as python
from mlproj.environments.python.environment import PythonEnvironment
from mlproj.foundation.errors import EnvironmentFailure, UsageError
from tests.heard import Heard
from tests.package_index import Index, Release

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def fruit(index: Index) -> Index:
    """``apple 1.0`` needs a ``seed`` of at least 1.4 and below 3."""
    index.add(Release("apple", "1.0", requires=["seed>=1.4,<3"]))
    index.add(*(Release("seed", version) for version in ("1.0", "1.2", "1.4", "1.9", "2.5", "3.0", "3.1")))
    return index


def decided(folder: Path, text: str, heard: Heard, **request: Any) -> PythonEnvironment:
    folder.mkdir(exist_ok=True)
    file = folder / "requirements.txt"
    file.write_text(text)
    (folder / ".python-version").write_text(HERE)
    asked, declared = Request(folder, folder, **request), Declaration("requirements", file)
    return python.for_requirements(asked, declared, read(declared, asked), heard)


def failure(folder: Path, text: str, **request: Any) -> EnvironmentFailure:
    with pytest.raises(EnvironmentFailure) as caught:
        decided(folder, text, Heard(), **request).prepare(Heard())
    return caught.value


def test_a_conflict_says_which_two_and_who_asks_and_what_helps(fruit: Index, tmp_path: Path) -> None:
    error = failure(tmp_path / "p", "# fruit\napple==1.0\nseed==1.2\n", as_of="2024-01-01")
    first = error.message.splitlines()[0]
    assert (
        "apple==1.0 (requirements.txt:2) needs seed>=1.4,<3, and seed==1.2 is asked for (requirements.txt:3)" in first
    )
    assert error.hint is not None
    assert error.hint.startswith("--relax seed takes the version nearest")
    assert "--as-of" not in error.hint


def test_two_requirements_that_meet_further_down_are_named(fruit: Index, tmp_path: Path) -> None:
    fruit.add(Release("pie", "1.0", requires=["seed>=3.1"]), Release("cake", "1.0", requires=["pie"]))
    error = failure(tmp_path / "p", "cake\napple==1.0\n")
    first = error.message.splitlines()[0]
    assert "apple==1.0 (requirements.txt:2)" in first and "(requirements.txt:1)" in first
    assert "cannot be installed together" in first
    assert error.hint is not None and "--as-of" not in error.hint


def test_two_pins_of_one_package_are_named(fruit: Index, tmp_path: Path) -> None:
    error = failure(tmp_path / "p", "seed==1.2\nseed==1.4\n")
    assert "seed==1.2 and seed==1.4 are both asked for" in error.message
    assert error.hint is not None
    assert error.hint.startswith("--relax seed")


def test_a_date_is_still_offered_where_it_can_help(fruit: Index, tmp_path: Path) -> None:
    error = failure(tmp_path / "p", "apple>=1.0\n", as_of="2014-01-01")
    assert error.hint is not None
    assert "--as-of today" in error.hint


@pytest.mark.parametrize(
    ("pin", "taken"), [("1.2", "1.4"), ("1.2.5", "1.4"), ("3.1", "2.5"), ("2.9", "2.5"), ("1.0", "1.4"), ("9", "2.5")]
)
def test_a_pin_that_may_give_way_goes_to_a_version_near_to_it(
    fruit: Index, tmp_path: Path, pin: str, taken: str
) -> None:
    heard = Heard()
    prepared = decided(tmp_path / "p", f"apple==1.0\nseed=={pin}\n", heard, relax=("Seed",)).prepare(heard)
    assert (prepared.packages["apple"], prepared.packages["seed"]) == ("1.0", taken)
    assert heard.notes == [f"seed {taken} is taken instead of {pin} (--relax seed)"]


def test_a_pin_that_fits_stays_though_it_may_give_way(fruit: Index, tmp_path: Path) -> None:
    heard = Heard()
    environment = decided(tmp_path / "p", "apple==1.0\nseed==1.4\n", heard, relax=("seed",))
    assert environment.prepare(heard).packages["seed"] == "1.4"
    assert heard.notes == ["--relax seed was not needed: everything can be resolved as it is declared"]
    assert environment.description.key != decided(tmp_path / "p", "apple==1.0\nseed==1.4\n", heard).description.key


def test_only_what_the_project_bounds_can_give_way(fruit: Index, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="bounds no package of that name") as caught:
        decided(tmp_path / "p", "apple==1.0\nseed\n", Heard(), relax=("seed",))
    assert caught.value.hint == "it bounds apple"


def test_a_conflict_is_not_taken_for_a_lack_of_wheels(fruit: Index, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "requirements.txt").write_text("apple==1.0\nseed==1.2\n")
    asked, declared = Request(folder, folder), Declaration("requirements", folder / "requirements.txt")
    environment = python.for_requirements(asked, declared, read(declared, asked), Heard())
    assert "wheels" not in environment.description.python_reason
    assert "the packages can be resolved for no Python here" in environment.description.python_reason


def test_two_requirements_that_lack_wheels_for_this_python_together_are_named() -> None:
    text = (
        "Because tensor>=2.15,<=2.19 has no wheels with a matching Python ABI tag (e.g., `cp313`) and tensor>=2.20"
        " depends on types, we can conclude that tensor>=2.15 and radio==4 are incompatible.\n"
        "And because you require tensor>=2.15 and radio==4, we can conclude that your requirements are unsatisfiable.\n"
        "\n  hint: You require CPython 3.13"
    )
    asked = Requirements(packages=("radio==4", "tensor>=2.15"))
    met = conflict.together(text, asked)
    assert met is not None and met.names == ("tensor", "radio")
    assert (
        met.sentence == "tensor>=2.15 and radio==4 are both asked for and cannot be installed together with this Python"
    )
    assert conflict.together(text + "\n  hint: `radio` was filtered by exclude-newer", asked) is None


@pytest.mark.parametrize(
    "text",
    [
        (
            "Because nothere was not found in the package registry and you require nothere, your requirements are"
            " unsatisfiable."
        ),
        (
            "Because there is no version of seed==9 and you require seed==9, we can conclude that your requirements are"
            " unsatisfiable."
        ),
        "Failed to build `seed==1`",
        "",
    ],
)
def test_other_reasons_are_no_conflicts(text: str) -> None:
    assert conflict.found(text, Requirements(packages=("seed==9",))) is None


def test_no_constraints_are_no_noise(fruit: Index, tmp_path: Path) -> None:
    class Details(Heard):
        def detail(self, text: str) -> None:
            self.notes.append(text)

    heard = Details()
    decided(tmp_path / "p", "apple\n", heard).prepare(heard)
    assert not [note for note in heard.notes if "constraints.txt" in note]
