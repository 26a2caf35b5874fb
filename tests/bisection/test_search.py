"""Whatever a history looks like and whatever cannot be run, the search ends, and with the right commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlproj.bisection.search import Search

History = dict[str, list[str]]


def line(length: int) -> History:
    return {str(index): [str(index - 1)] for index in range(length)}


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Commits with one to three earlier ones as parents, ``-1`` being the good end; the last one has all others in its
    past."""
    length = draw(st.integers(1, 25))
    history = {
        str(index): [str(parent) for parent in draw(st.sets(st.integers(-1, index - 1), min_size=1, max_size=3))]
        for index in range(length)
    }
    tips = [name for name in history if all(name not in parents for parents in history.values())]
    return history if tips == [str(length - 1)] else {**history, str(length): tips}


def with_past(history: Mapping[str, Sequence[str]], name: str) -> set[str]:
    found, waiting = set(), [name]
    while waiting:
        one = waiting.pop()
        if one in history and one not in found:
            found.add(one)
            waiting += history[one]
    return found


def searched(history: History, culprit: str, skipped: AbstractSet[str] = frozenset()) -> tuple[list[str], list[str]]:
    """The suspects at the end, and the commits that were tried."""
    search, tried = Search(history), []
    while (name := search.next()) is not None:
        assert name not in tried
        tried.append(name)
        verdict: Callable[[str], None] = search.bad if culprit in with_past(history, name) else search.good
        (search.skip if name in skipped else verdict)(name)
    return search.suspects, tried


@given(length=st.integers(1, 300), data=st.data())
def test_in_a_line_the_commit_is_found_in_as_many_runs_as_halving_takes(length: int, data: st.DataObject) -> None:
    culprit = str(data.draw(st.integers(0, length - 1)))

    suspects, tried = searched(line(length), culprit)

    assert suspects == [culprit]
    assert len(tried) <= Search(line(length)).runs_left == (length - 1).bit_length()


@given(history=histories(), data=st.data())
def test_in_any_history_the_commit_is_found(history: History, data: st.DataObject) -> None:
    culprit = data.draw(st.sampled_from(list(history)))

    assert searched(history, culprit)[0] == [culprit]


@given(history=histories(), data=st.data())
def test_what_cannot_be_run_leaves_only_what_it_hides(history: History, data: st.DataObject) -> None:
    names = list(history)
    culprit = data.draw(st.sampled_from(names))
    skipped = data.draw(st.sets(st.sampled_from(names))) - {names[-1]}

    suspects, _tried = searched(history, culprit, skipped)

    assert culprit in suspects
    assert set(suspects) - skipped <= {suspects[-1]}  # all but the first that is known to be bad


def test_a_long_stretch_that_cannot_be_run_is_left_quickly() -> None:
    skipped = {str(index) for index in range(30, 90)}

    suspects, tried = searched(line(120), "100", skipped)

    assert suspects == ["100"]
    assert len(tried) < 20


def test_ten_thousand_commits_are_no_trouble() -> None:
    assert len(searched(line(10_000), "1234")[1]) <= 14


@pytest.mark.parametrize(("length", "runs"), [(1, 0), (2, 1), (3, 2), (29, 5)])
def test_how_many_runs_are_left_is_told(length: int, runs: int) -> None:
    assert Search(line(length)).runs_left == runs
