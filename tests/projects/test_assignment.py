"""Values on the command line."""

from __future__ import annotations

import pytest

from mlproj.foundation.errors import UsageError
from mlproj.projects import parse_assignment, parse_assignments


@pytest.mark.parametrize(
    ("text", "expected"), [("a=b=c", ("a", "b=c")), ("a=", ("a", "")), ("a b= c ", ("a b", " c "))]
)
def test_an_assignment_ends_its_name_at_the_first_equals_sign(text: str, expected: tuple[str, str]) -> None:
    assert parse_assignment(text) == expected


@pytest.mark.parametrize("text", ["", "a", "=b", " =b"])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--tag .* is no assignment, expected name=value"):
        parse_assignment(text, option="--tag")


def test_who_names_a_flag_without_a_value_is_told_how_to_give_one() -> None:
    with pytest.raises(UsageError) as refused:
        parse_assignments(["verbose"])
    assert refused.value.hint == "for a flag write -P verbose=true"


def test_assignments_keep_their_order_and_are_given_once() -> None:
    assert list(parse_assignments(["b=1", "a=2"]).items()) == [("b", "1"), ("a", "2")]
    with pytest.raises(UsageError, match=r"-P b=… is given twice"):
        parse_assignments(["b=1", "b=1"])
