"""Rows whose true answer is known, with what a model said of them, as the measures take them."""

from __future__ import annotations

from enum import Enum
from typing import Any

from mlproj.foundation.dataclass import dataclass, replace

Array = Any
"""A NumPy array; NumPy is imported by who computes."""


class Kind(str, Enum):
    """What is asked of a model, which says how it is measured."""

    REGRESSION = "regression"
    BINARY = "binary"
    MULTICLASS = "multiclass"
    RANKING = "ranking"

    @property
    def is_classification(self) -> bool:
        """Whether answers are classes."""
        return self in (Kind.BINARY, Kind.MULTICLASS)


@dataclass(frozen=True)
class Sample:
    """*n* rows of one model.

    Of classes, ``target`` and ``predicted`` are positions in ``classes``; of two the second is the positive one, and
    ``probabilities`` (n,) are its own, of more (n, classes). None without any. Of rankings there is a row per query:
    ``per_query`` has the measures of each, (n,).
    """

    kind: Kind
    target: Array
    predicted: Array
    probabilities: Array | None = None
    classes: tuple[str, ...] = ()
    per_query: dict[str, Array] | None = None

    def __len__(self) -> int:
        return len(self.target)

    def take(self, rows: Array) -> Sample:
        """The rows at these positions (or where a mask is true), which may repeat."""
        return replace(
            self,
            target=self.target[rows],
            predicted=self.predicted[rows],
            probabilities=None if self.probabilities is None else self.probabilities[rows],
            per_query=None if self.per_query is None else {name: one[rows] for name, one in self.per_query.items()},
        )
