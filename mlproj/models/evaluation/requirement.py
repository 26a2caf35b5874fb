"""What a model must reach, as a user writes it: ``accuracy >= 0.9``, ``rmse[region=north] <= baseline * 1.02``.

    requirement = METRIC [slice] comparison limit          comparison = ">=" | ">" | "<=" | "<" | "=="
    slice       = "[" COLUMN "=" (VALUE | "*") "]"         limit      = term {("+" | "-") term}
    term        = ["-"] NUMBER ["%"] ["*" "baseline"] | "baseline" ["*" ["-"] NUMBER ["%"]]

A column or value that holds other than letters is quoted; ``*`` stands for every slice of the column.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import Place, UsageError, did_you_mean
from mlproj.models.evaluation.metric import ALIASES, KNOWN, SYSTEM, canonical

EVERY = "*"
_OPTION = "--require"
_LONGEST = 1000  # characters
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?%?)
    | (?P<name>[^\W\d][\w.]*(?:@\d+)?)
    | (?P<text>"[^"]*"|'[^']*')
    | (?P<comparison>>=|<=|==|<|>)
    | (?P<sign>[-+*=\[\]])
    )""",
    re.VERBOSE,
)
_BARE = re.compile(r"\s*([^]\"'=<>]*[^]\"'=<>\s])\s*")


@dataclass(frozen=True)
class SliceName:
    """A slice as a requirement names it; ``value`` :data:`EVERY`: each slice of the column by itself."""

    column: str
    value: str

    def __str__(self) -> str:
        return f"{self.column}={self.value}"


@dataclass(frozen=True)
class Requirement:
    """``metric comparison baseline * factor + offset``, exactly as decimals; *metric* by MLflow's name."""

    text: str
    metric: str
    comparison: str
    factor: Decimal
    offset: Decimal
    part: SliceName | None = None

    @property
    def needs_baseline(self) -> bool:
        """Whether it compares with the baseline."""
        return self.factor != 0

    def limit(self, baseline: Decimal) -> Decimal:
        """What the value is compared with."""
        return baseline * self.factor + self.offset


class _Token(NamedTuple):
    kind: str
    text: str
    start: int


def parse(text: str) -> Requirement:
    """Raises UsageError that points at the place."""
    return _Parser(text).requirement()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        if len(text) > _LONGEST:
            raise UsageError(f"{_OPTION}: a requirement has at most {_LONGEST} characters")

    def requirement(self) -> Requirement:
        metric = self._metric()
        part = self._slice(metric) if self._peek().text == "[" else None
        comparison = self._next()
        if comparison.kind != "comparison":
            raise self._mistake("expected >=, >, <=, < or ==", comparison)
        factor, offset = self._limit()
        return Requirement(self._text.strip(), metric, comparison.text, factor, offset, part)

    def _metric(self) -> str:
        token = self._next()
        if token.kind != "name":
            raise self._mistake("expected the name of a measure, such as accuracy", token)
        if (found := canonical(token.text)) is None:
            guess = did_you_mean(token.text, sorted([*KNOWN, *ALIASES]))
            hint = f"did you mean {guess!r}?" if guess else "mlproj models evaluate --help names the measures"
            raise self._mistake(f"there is no measure {token.text}", token, hint)
        return found

    def _slice(self, metric: str) -> SliceName:
        opening = self._next()
        if metric in SYSTEM:
            raise self._mistake(f"{metric} is measured of the model as a whole", opening)
        column = self._word("the name of a column")
        equals = self._next()
        if equals.text != "=":
            raise self._mistake("expected =", equals)
        value = self._word("a value, or * for each")
        closing = self._next()
        if closing.text != "]":
            raise self._mistake("expected ]", closing)
        return SliceName(column, value)

    def _word(self, what: str) -> str:
        token = self._peek()
        if token.kind == "text":
            return self._next().text[1:-1]
        found = _BARE.match(self._text, self._at)
        if not found:
            raise self._mistake(f"expected {what}", token)
        self._at = found.end()
        return found[1]

    def _limit(self) -> tuple[Decimal, Decimal]:
        factor, offset = Decimal(0), Decimal(0)
        sign = 1
        while True:
            by_baseline, amount = self._term()
            factor, offset = (factor + sign * amount, offset) if by_baseline else (factor, offset + sign * amount)
            token = self._next()
            if token.kind == "end":
                return factor, offset
            if token.text not in ("+", "-"):
                raise self._mistake("expected + or -, or the end", token)
            sign = 1 if token.text == "+" else -1

    def _term(self) -> tuple[bool, Decimal]:
        """Whether it is a multiple of the baseline, and the number."""
        if self._is_baseline():
            times = self._number() if self._took("*") else Decimal(1)
            return True, times
        number = self._number()
        if not self._took("*"):
            return False, number
        if not self._is_baseline():
            raise self._mistake("expected baseline", self._peek())
        return True, number

    def _number(self) -> Decimal:
        sign = -1 if self._took("-") else 1
        token = self._next()
        if token.kind != "number":
            raise self._mistake("expected a number or baseline", token)
        return sign * (Decimal(token.text[:-1]) / 100 if token.text.endswith("%") else Decimal(token.text))

    def _is_baseline(self) -> bool:
        token = self._peek()
        return token.kind == "name" and token.text == "baseline" and self._took("baseline")

    def _took(self, text: str) -> bool:
        if self._peek().text != text:
            return False
        self._next()
        return True

    def _peek(self) -> _Token:
        found = _TOKEN.match(self._text, self._at)
        if found and found.lastgroup:
            return _Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup))
        start = self._at + len(self._text[self._at :]) - len(self._text[self._at :].lstrip())
        return _Token("end" if start == len(self._text) else "unknown", self._text[start : start + 1], start)

    def _next(self) -> _Token:
        token = self._peek()
        self._at = token.start + len(token.text)
        return token

    def _mistake(self, message: str, token: _Token, hint: str | None = None) -> UsageError:
        found = "the end" if token.kind == "end" else repr(token.text)
        explanation = f"{message}, found {found}" if message.startswith("expected") else message
        return UsageError(explanation, place=Place(_OPTION, column=token.start + 1, text=self._text), hint=hint)
