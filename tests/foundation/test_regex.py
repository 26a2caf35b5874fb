"""A lazy regular expression is the compiled one, from the first use on."""

from __future__ import annotations

import re

import pytest

from mlproj.foundation import regex


def test_it_matches_as_the_compiled_one_does() -> None:
    lazy = regex.lazy(r"(\w+)=(?P<value>\d+)", re.IGNORECASE)

    found = lazy.search("-P Alpha=12")
    assert found is not None
    assert found.groups() == ("Alpha", "12")
    assert lazy.sub(r"\1", "a=1 b=2") == "a b"
    assert [match["value"] for match in lazy.finditer("a=1 b=2")] == ["1", "2"]
    assert lazy.flags == re.compile("", re.IGNORECASE).flags
    assert lazy.pattern == r"(\w+)=(?P<value>\d+)"


def test_a_mistake_shows_at_the_first_use() -> None:
    lazy = regex.lazy("(")

    with pytest.raises(re.error):
        lazy.match("")
