"""Whether a model answers each row by itself, so that requests can be predicted together: found out by trying."""

from __future__ import annotations

from typing import Any, Sequence

from .question import Question


class Independence:
    """What is known of a model; *may_be*: False, and it is always asked one request at a time."""

    def __init__(self, may_be: bool = True) -> None:
        self._refuted = not may_be
        self._shown = False
        self._shown_for_equals = False

    def known(self, questions: Sequence[Question]) -> bool | None:
        """Whether these may be asked together; None if that is still to be tried with them."""
        if self._refuted:
            return False
        if self._shown or (self._shown_for_equals and _are_equal(questions)):
            return True
        return None

    def learn(self, questions: Sequence[Question], *, holds: bool) -> None:
        """What came of trying it. Equal rows show nothing of others: what each has of the rest is equal, too."""
        if not holds:
            self._refuted = True
        elif _are_equal(questions):
            self._shown_for_equals = True
        else:
            self._shown = True


def _are_equal(questions: Sequence[Question]) -> bool:
    first = questions[0]
    return all(_is_equal(first.data, other.data) for other in questions[1:])


def _is_equal(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return all(_is_equal(one[name], other[name]) for name in one)
    if hasattr(one, "equals"):
        return bool(one.equals(other))
    if hasattr(one, "tobytes"):
        return bool(one.shape == other.shape and one.tobytes() == other.tobytes())
    return repr(one) == repr(other)  # a NaN does not equal itself
