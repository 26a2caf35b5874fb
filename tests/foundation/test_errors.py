"""What users and scripts are told when something is wrong."""

from __future__ import annotations

import pytest

from mlproj.foundation.errors import (
    EnvironmentFailure,
    Interrupted,
    InvalidProject,
    MlprojError,
    Place,
    ServiceError,
    SourceError,
    UsageError,
    did_you_mean,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError, 2),
        (InvalidProject, 65),
        (SourceError, 66),
        (ServiceError, 69),
        (MlprojError, 70),
        (EnvironmentFailure, 73),
    ],
)
def test_each_kind_of_failure_has_its_exit_code(error: type[MlprojError], code: int) -> None:
    assert error("why").exit_code == code


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [(2, 130, "interrupted"), (15, 143, "terminated by signal 15"), (1, 129, "terminated by signal 1")],
)
def test_being_stopped_looks_as_in_a_shell(number: int, code: int, message: str) -> None:
    error = Interrupted(number)

    assert (error.exit_code, str(error), error.signal_number) == (code, message, number)


def test_being_stopped_is_no_error_that_work_carries_on_after() -> None:
    assert not issubclass(Interrupted, Exception)


def test_every_kind_has_a_name_of_its_own() -> None:
    kinds = [
        error.kind
        for error in (
            UsageError,
            InvalidProject,
            SourceError,
            ServiceError,
            EnvironmentFailure,
            Interrupted,
            MlprojError,
        )
    ]

    assert len(set(kinds)) == len(kinds)


def test_the_place_comes_first_as_editors_like_it() -> None:
    error = InvalidProject("unknown key", place=Place("MLproject", 3, 7, "  comand: x"))

    assert str(error) == "MLproject:3:7: unknown key"


@pytest.mark.parametrize(("place", "text"), [(Place("f"), "f"), (Place("f", 2), "f:2"), (Place("f", 2, 1), "f:2:1")])
def test_a_place_says_what_is_known(place: Place, text: str) -> None:
    assert str(place) == text


@pytest.mark.parametrize(
    ("word", "guess"),
    [("comand", "command"), ("COMMAND", "command"), ("paramters", "parameters"), ("zebra", None), ("", None)],
)
def test_a_slip_of_the_keyboard_is_recognised(word: str, guess: str | None) -> None:
    assert did_you_mean(word, ["command", "parameters", "name"]) == guess


def test_among_words_that_differ_in_case_the_first_is_meant() -> None:
    assert did_you_mean("ALPHA", ["Alpha", "alpha"]) == "Alpha"
