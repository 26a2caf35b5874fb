"""What a model answered, read as labels, numbers or probabilities: the pyfunc contract does not say which they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import UsageError

Columns = Mapping[str, Sequence[Any]]
"""What a model answered, a value per row; a column without a name is ``""``."""

_VALUES = ("prediction", "predictions", "predicted", "output_label", "label", "class", "output", "variable")
_PROBABILITIES = ("probability", "probabilities", "output_probability", "proba", "predict_proba", "scores", "score")
_PREFIX = re.compile(r"^(?:probability|proba|prob|p|score)[_ (:-]?(.+?)\)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Answers:
    """Values (labels, numbers or scores), probabilities (a row per row), or both. ``names`` are the classes of the
    probabilities' columns where the model says them; ``told`` says what was used."""

    values: Sequence[Any] | None
    probabilities: Sequence[Sequence[float]] | None = None
    names: tuple[str, ...] | None = None
    explanation: str = ""


def read(columns: Columns, chosen: str | None, classes: Sequence[str]) -> Answers:
    """The answers in *columns*; *chosen* is the column that the user named, *classes* are those of the targets.

    Raises UsageError when it cannot be told which column is the answer.
    """
    by_class = _by_class(columns, classes)
    if chosen is None and len(columns) > 1 and by_class is not None and len(by_class) == len(columns):
        return _probabilities(columns, by_class, None)
    name = _named(columns, chosen)
    values = columns[name]
    apart = next((other for other in _PROBABILITIES if other in columns and other != name), None)
    if apart is not None:
        found = _of_cells(columns[apart], f"the model's column {apart}")
        if found is not None:
            return Answers(values, found.probabilities, found.names, f"{_naming(name)}; probabilities: column {apart}")
    if by_class is not None and name not in by_class.values():
        return _probabilities(columns, by_class, name)
    return _of_cells(values, _naming(name) or "the model's answers") or Answers(
        _flat(values), explanation=_naming(name)
    )


def _named(columns: Columns, chosen: str | None) -> str:
    if chosen is not None:
        if chosen not in columns:
            raise UsageError(f"the model answers with no column {chosen!r}; its columns: {_list(columns)}")
        return chosen
    if len(columns) == 1:
        return next(iter(columns))
    found = [name for name in columns if name.lower() in _VALUES]
    if len(found) != 1:
        raise UsageError(
            f"the model answers with {len(columns)} columns: {_list(columns)}", hint="choose one: --prediction COLUMN"
        )
    return found[0]


def _by_class(columns: Columns, classes: Sequence[str]) -> dict[str, str] | None:
    """The column that has the probability of each class, where there is one for every class."""
    found = {}
    for name in columns:
        prefixed = _PREFIX.match(name)
        for text in (name, prefixed[1] if prefixed else name):
            if text in classes:
                found[text] = name
    return {text: found[text] for text in classes} if len(classes) > 1 and all(map(found.get, classes)) else None


def _probabilities(columns: Columns, by_class: Mapping[str, str], name: str | None) -> Answers:
    rows = list(zip(*(columns[one] for one in by_class.values()), strict=True))
    explanation = f"probabilities: the columns {_list(by_class.values())}"
    values = None if name is None else columns[name]
    return Answers(values, rows, tuple(by_class), f"{_naming(name)}; {explanation}" if name else explanation)


def _of_cells(values: Sequence[Any], what: str) -> Answers | None:
    """Probabilities where every cell has several numbers, or a number for each class."""
    first = next(iter(values), None)
    if isinstance(first, Mapping) and all(isinstance(one, Mapping) and one.keys() == first.keys() for one in values):
        names = tuple(map(str, first))
        return Answers(None, [list(one.values()) for one in values], names, f"{what}: a probability for each class")
    if isinstance(first, list) and len(first) > 1 and all(isinstance(one, list) for one in values):
        if len({len(one) for one in values}) != 1:
            raise UsageError(f"{what} have lists of different lengths")
        return Answers(None, values, None, f"{what}: {len(first)} probabilities a row, of the classes in sorted order")
    return None


def _flat(values: Sequence[Any]) -> Sequence[Any]:
    return [one[0] if isinstance(one, list) and len(one) == 1 else one for one in values]


def _naming(name: str | None) -> str:
    return f"the model's column {name}" if name else ""


def _list(names: Any) -> str:
    shown = list(map(str, names))
    return ", ".join(shown[:10]) + (f" and {len(shown) - 10} more" if len(shown) > 10 else "")
