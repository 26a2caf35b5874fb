"""Places of artifacts as URIs."""

from __future__ import annotations

import pytest

from mlproj.foundation.errors import UsageError
from mlproj.tracking import artifact_uri


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("s3://b", "s3://b/r/a"),
        ("s3://b/p/", "s3://b/p/r/a"),
        ("s3://b/p?x=1&y=2", "s3://b/p/r/a?x=1&y=2"),
        ("file:///tmp/a%3Fb", "file:///tmp/a%3Fb/r/a"),
        ("/folder/what?", "/folder/what?/r/a"),
        ("C:/folder", "C:/folder/r/a"),
    ],
)
def test_what_is_below_a_place_comes_before_its_query(place: str, expected: str) -> None:
    assert artifact_uri.below(place, "r/a") == expected


@pytest.mark.parametrize(
    "place", ["s3://b/p", "/folder/with#and;", "file:///tmp/a..b", "abfss://c@a.example/p?sas=1;2"]
)
def test_a_place_that_can_be_used_is_taken(place: str) -> None:
    assert artifact_uri.checked(place) == place


@pytest.mark.parametrize("place", ["/a/../b", "file:///%252e%252e/x", "s3://b/p#", "runs:/1"])
def test_a_place_that_cannot_be_used_says_why(place: str) -> None:
    with pytest.raises(UsageError, match="cannot be a place of artifacts: "):
        artifact_uri.checked(place)
