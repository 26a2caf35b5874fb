"""Reads filters and orders.

filter     = [ comparison { AND comparison } ]
comparison = key comparator value | key ( IN | NOT IN ) "(" text { "," text } ")" | key IS [ NOT ] NULL
key        = name | family "." name { "." name }          a bare name is an attribute
order      = key [ ASC | DESC ]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlproj.foundation.errors import UsageError, did_you_mean
from mlproj.tracking.search import lexer, shorthand
from mlproj.tracking.search.lexer import Kind, Token
from mlproj.tracking.search.mistake import mistake
from mlproj.tracking.search.vocabulary import LISTS, NULLS, NUMERIC, Attribute, Family, Type, Vocabulary, comparators

_NAMES = (Kind.WORD, Kind.BACKTICKED, Kind.DOUBLE_QUOTED)
_TEXTS = (Kind.SINGLE_QUOTED, Kind.DOUBLE_QUOTED)
_MOST_COMPARISONS = 200  # of one filter: databases nest conditions so deep only
_MOST_VALUES = 10_000  # of one list
_LONGEST_PATTERN = 10_000  # characters after LIKE
_MEANT = {"==": "=", "<>": "!="}

Value = str | float | tuple[str, ...] | None


@dataclass(frozen=True)
class Key:
    """What is compared or sorted by."""

    family: Family
    name: str
    type: Type
    position: int


@dataclass(frozen=True)
class Comparison:
    """One condition; ``value`` is None for IS NULL, a tuple for IN."""

    key: Key
    comparator: str
    value: Value


@dataclass(frozen=True)
class Order:
    """One thing to sort by."""

    key: Key
    descending: bool


def parse_filter(text: str, vocabulary: Vocabulary) -> list[Comparison]:
    """The comparisons that must all hold. Raises UsageError that points at the place."""
    return _Reader(text, "filter", vocabulary).filter()


def parse_order(texts: Sequence[str], vocabulary: Vocabulary) -> list[Order]:
    """What to sort by, the first first. Raises UsageError that points at the place, also for what is given twice."""
    orders: list[Order] = []
    for text in texts:
        order = _Reader(text, "order", vocabulary).order()
        if any((order.key.family, order.key.name) == (other.key.family, other.key.name) for other in orders):
            raise mistake("order", text, order.key.position, "the results are sorted by this already")
        orders.append(order)
    return orders


class _Reader:
    def __init__(self, text: str, what: str, vocabulary: Vocabulary) -> None:
        self._text = text
        self._what = what
        self._vocabulary = vocabulary
        self._tokens = list(lexer.tokens(text, what))
        self._next = 0

    def filter(self) -> list[Comparison]:
        comparisons: list[Comparison] = []
        if self._peek().kind is Kind.END:
            return comparisons
        while True:
            if len(comparisons) == _MOST_COMPARISONS:
                raise self._error(self._peek(), f"a filter has {_MOST_COMPARISONS} comparisons at most")
            comparisons.append(self._comparison())
            if self._peek().kind is Kind.END:
                return comparisons
            self._and()

    def order(self) -> Order:
        key = self._key()
        if key.family not in self._vocabulary.sortable:
            raise mistake(self._what, self._text, key.position, f"{key.family.value}s give no order")
        descending = False
        if self._is_word("ASC", "DESC"):
            descending = self._take().text.upper() == "DESC"
        if self._peek().kind is not Kind.END:
            raise self._error(self._peek(), f"expected ASC, DESC or the end, found {self._peek()}")
        return Order(key, descending)

    def _and(self) -> None:
        token = self._peek()
        if self._is_word("AND"):
            self._take()
        elif self._is_word("OR"):
            raise self._error(
                token, "there is no OR in MLflow's filters", "use IN (…) where it serves, or search twice"
            )
        else:
            raise self._error(
                token, f"expected AND or the end, found {token}", "every comparison is joined to the next with AND"
            )

    def _comparison(self) -> Comparison:
        key = self._key()
        place = self._peek()
        comparator = self._comparator()
        allowed = comparators(key.family, key.type)
        if comparator not in allowed:
            raise self._error(place, f"{comparator} does not go with {self._named(key)}; expected {_listed(allowed)}")
        if comparator in NULLS:
            return Comparison(key, comparator, None)
        if comparator in LISTS:
            return Comparison(key, comparator, tuple(_spelled(key, value) for value in self._list()))
        return Comparison(key, comparator, self._value(key, comparator, place))

    def _value(self, key: Key, comparator: str, place: Token) -> str | float:
        if key.type is Type.TIME and self._peek().kind in _TEXTS:
            return shorthand.moment_of(place, self._take(), self._text)
        if key.type in (Type.NUMBER, Type.TIME):
            return self._number()
        return _spelled(key, self._string(comparator, key))

    def _comparator(self) -> str:
        token = self._take()
        if token.text in _MEANT:
            raise self._error(token, f"{token.text} is no comparator; did you mean {_MEANT[token.text]}?")
        if token.kind is Kind.OPERATOR and token.text in NUMERIC:
            return token.text
        word = token.text.upper() if token.kind is Kind.WORD else ""
        if word in ("LIKE", "ILIKE", "IN"):
            return word
        if word == "NOT":
            self._expect_word("IN")
            return "NOT IN"
        if word == "IS":
            negated = self._is_word("NOT")
            if negated:
                self._take()
            self._expect_word("NULL")
            return "IS NOT NULL" if negated else "IS NULL"
        hint = "a name with other than letters, digits and _ needs backticks" if token.kind is not Kind.END else None
        raise self._error(token, f"expected a comparator such as = or LIKE, found {token}", hint)

    def _number(self) -> float:
        token = self._take()
        if token.kind is not Kind.NUMBER:
            raise self._error(token, f"expected a number, found {token}")
        try:
            whole = int(token.text)
        except ValueError:
            return float(token.text)
        return whole if -(2**63) <= whole < 2**63 else float(whole) if abs(whole) < 10**300 else float(token.text)

    def _string(self, comparator: str, key: Key) -> str:
        token = self._take()
        if key.type is Type.ID and token.kind is Kind.NUMBER:
            return token.text
        if token.kind not in _TEXTS:
            found = f"'{token.text}'" if token.kind in (Kind.WORD, Kind.NUMBER) else "'value'"
            raise self._error(token, f"expected a text in quotes, such as {found}, found {token}")
        if "LIKE" in comparator and len(token.value) > _LONGEST_PATTERN:
            raise self._error(token, f"a pattern has {_LONGEST_PATTERN} characters at most")
        return token.value

    def _list(self) -> tuple[str, ...]:
        opening = self._take()
        if opening.kind is not Kind.OPEN:
            raise self._error(opening, f"expected a list such as ('a', 'b'), found {opening}")
        values: list[str] = []
        while True:
            token = self._take()
            if token.kind not in _TEXTS:
                raise self._error(token, f"expected a text in quotes, found {token}")
            if len(values) == _MOST_VALUES:
                raise self._error(token, f"a list has {_MOST_VALUES} values at most")
            values.append(token.value)
            token = self._take()
            if token.kind is Kind.CLOSE:
                return tuple(values)
            if token.kind is not Kind.COMMA:
                raise self._error(token, f"expected a comma or a closing parenthesis, found {token}")

    def _key(self) -> Key:
        first = self._take()
        if first.kind not in _NAMES:
            raise self._error(first, f"expected a key such as metrics.loss, params.alpha or start_time, found {first}")
        if self._peek().kind is not Kind.DOT:
            return self._attribute(first, first.value, first.position)
        family = self._vocabulary.families.get(first.value)
        if family is None:
            raise self._error(first, f"expected {self._families()} before the dot", self._guess_family(first.value))
        name = self._name()
        if family is Family.ATTRIBUTE:
            return self._attribute(self._tokens[self._next - 1], name, first.position)
        if family is Family.DATASET and name not in self._vocabulary.datasets:
            raise self._error(
                self._tokens[self._next - 1], f"a dataset has {_listed(list(self._vocabulary.datasets))}, not {name!r}"
            )
        return Key(family, name, Type.NUMBER if family is Family.METRIC else Type.TEXT, first.position)

    def _name(self) -> str:
        parts = []
        while self._peek().kind is Kind.DOT:
            self._take()
            token = self._take()
            if token.kind not in _NAMES:
                raise self._error(
                    token, f"expected a name after the dot, found {token}", "quote an unusual name with backticks"
                )
            parts.append(token.value)
        return ".".join(parts)

    def _attribute(self, token: Token, name: str, position: int) -> Key:
        attribute = self._vocabulary.attributes.get(name)
        if attribute is None:
            raise self._no_attribute(token, name)
        return Key(Family.ATTRIBUTE, self._canonical()[attribute], attribute.type, position)

    def _canonical(self) -> dict[Attribute, str]:
        """The first word of several for the same."""
        words: dict[Attribute, str] = {}
        for word, attribute in self._vocabulary.attributes.items():
            words.setdefault(attribute, word)
        return words

    def _no_attribute(self, token: Token, name: str) -> UsageError:
        guess = did_you_mean(name, list(self._vocabulary.attributes))
        message = f"there is no attribute {name[:60]!r}" + (f"; did you mean {guess!r}?" if guess else "")
        logged = [f"{family.value}s.{name[:60]}" for family in self._vocabulary.tables if family is not Family.DATASET]
        attributes = list(self._canonical().values())
        return self._error(
            token, message, f"attributes are {_listed(attributes)}; for what was logged write {_listed(logged)}"
        )

    def _families(self) -> str:
        return _listed([f"{family.value}s" for family in dict.fromkeys(self._vocabulary.families.values())])

    def _guess_family(self, word: str) -> str | None:
        guess = did_you_mean(word, list(self._vocabulary.families))
        return f"did you mean {guess!r}?" if guess else None

    def _named(self, key: Key) -> str:
        return f"the attribute {key.name}" if key.family is Family.ATTRIBUTE else f"a {key.family.value}"

    def _expect_word(self, word: str) -> None:
        token = self._peek()
        if not self._is_word(word):
            raise self._error(token, f"expected {word}, found {token}")
        self._take()

    def _is_word(self, *words: str) -> bool:
        return self._peek().kind is Kind.WORD and self._peek().text.upper() in words

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        if token.kind is not Kind.END:
            self._next += 1
        return token

    def _error(self, token: Token, message: str, hint: str | None = None) -> UsageError:
        return mistake(self._what, self._text, token.position, message, hint)


def _spelled(key: Key, value: str) -> str:
    """*value* as it is kept: a status may be written in small letters."""
    return shorthand.status(value) if (key.family, key.name) == (Family.ATTRIBUTE, "status") else value


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
