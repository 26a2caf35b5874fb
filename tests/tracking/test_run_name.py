"""Names for runs that were given none."""

from __future__ import annotations

import re

from mlproj.tracking import run_name


def test_names_are_two_words_and_a_number() -> None:
    names = {run_name.generate() for _ in range(200)}
    assert all(re.fullmatch(r"[a-z]+-[a-z]+-\d{1,3}", name) for name in names)
    assert len(names) > 190


def test_no_word_is_there_twice() -> None:
    for words in (run_name._ADJECTIVES, run_name._NOUNS):
        assert len(set(words)) == len(words)
