from __future__ import annotations

import pytest

from mlproj.environments.python import python_choice
from mlproj.environments.python.interpreter import Interpreter
from mlproj.foundation.errors import EnvironmentFailure
from tests.environments.conftest import utc

FOUND = [
    Interpreter(f"/p/{version}", "pyenv", version, "cpython", "linux-x86_64", "glibc")
    for version in ("3.6.15", "3.8.2", "3.8.18", "3.9.1", "3.10.13", "3.12.0", "3.13.0", "3.13.0rc2")
]


def _minors(wish: str | None, day: str) -> list[str]:
    return [one.version for one in python_choice.candidates(wish, FOUND, utc(day))]


@pytest.mark.parametrize(
    ("wish", "version"), [("3.8", "3.8.18"), ("3.8.2", "3.8.2"), ("==3.8.*", "3.8.18"), ("3.13", "3.13.0")]
)
def test_a_named_version_is_taken_without_a_note(wish: str, version: str) -> None:
    choice = python_choice.named(wish, FOUND)
    assert choice is not None
    assert (choice.interpreter.version, choice.note) == (version, None)


def test_a_missing_patch_release_is_served_by_the_newest_of_its_minor() -> None:
    choice = python_choice.named("3.8.10", FOUND)
    assert choice is not None
    assert choice.interpreter.version == "3.8.18"
    assert choice.note == "Python 3.8.10 is not on this machine; 3.8.18 (same minor version) is used"


def test_a_missing_minor_is_not_replaced_by_another() -> None:
    assert python_choice.named("3.7", FOUND) is None


def test_without_a_wish_the_newest_settled_version_of_the_time_comes_first_and_later_ones_last() -> None:
    assert _minors(None, "2020-08-12") == ["3.8.18", "3.6.15", "3.9.1", "3.10.13", "3.12.0", "3.13.0"]
    assert _minors(None, "2022-08-15")[0] == "3.10.13"


def test_a_range_is_kept_to() -> None:
    assert _minors(">=3.6,<3.9", "2024-01-01") == ["3.8.18", "3.6.15"]
    assert _minors("3", "2024-01-01")[0] == "3.10.13"
    assert _minors(">=3.20", "2024-01-01") == []


def test_a_version_that_is_none_is_an_error() -> None:
    with pytest.raises(EnvironmentFailure, match="is no Python version"):
        python_choice.candidates("banana", FOUND, None)
