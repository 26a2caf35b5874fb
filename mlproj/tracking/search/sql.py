"""Says a search to a database. Names of tables and columns are ours; whatever a user wrote is a named parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlproj.foundation.errors import UsageError
from mlproj.tracking.search import page_token
from mlproj.tracking.search.grammar import Comparison, Order, parse_filter, parse_order
from mlproj.tracking.search.vocabulary import SERVED, Family, Type, Vocabulary
from mlproj.tracking.sql.dialect import Dialect
from mlproj.tracking.sql.experiment import to_number
from mlproj.tracking.sql.row import text
from mlproj.tracking.sql.statement import Connection

_SQL = {"!=": "<>"}
_MOST = 2**31  # of one page; one more must fit in a database's integer


@dataclass(frozen=True)
class Search:
    """What is asked for. ``scope`` are conditions of ours with their values; limit is the length of a page."""

    vocabulary: Vocabulary
    filter: str
    order_by: Sequence[str]
    limit: int
    page_token: str | None
    scope: Sequence[str] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


def find(connection: Connection, dialect: Dialect, search: Search) -> tuple[list[int], str | None]:
    """The identities of one page, and the token for the next when there is more. Raises UsageError."""
    if search.limit < 1:
        raise UsageError(f"cannot give {search.limit} results: expected 1 or more")
    query = _Query(search.vocabulary, dialect, dict(search.values))
    conditions = [
        *search.scope,
        *(query.condition(comparison) for comparison in parse_filter(search.filter, search.vocabulary)),
    ]
    terms = query.terms(parse_order(search.order_by, search.vocabulary))
    same = [search.filter, list(search.order_by), list(search.scope), dict(search.values)]
    if search.page_token:
        conditions.append(query.after(terms, page_token.decode(search.page_token, same, len(terms))))
    statement = (
        f"SELECT {search.vocabulary.identity}, {', '.join(term.expression for term in terms)} "  # noqa: S608  # names of ours
        f"FROM {search.vocabulary.source} {' '.join(query.joins)} "
        f"WHERE {' AND '.join(conditions) or '1 = 1'} "
        f"ORDER BY {', '.join(f'{term.expression} {term.direction}' for term in terms)} LIMIT :page_limit"
    )
    rows = list(connection.execute(statement, {**query.values, "page_limit": min(search.limit, _MOST) + 1}))
    numbers = [row[0] for row in rows[: search.limit]]
    if len(rows) <= search.limit:
        return numbers, None
    return numbers, page_token.encode(rows[search.limit - 1][1:], same)


@dataclass(frozen=True)
class _Term:
    expression: str
    descending: bool = False

    @property
    def direction(self) -> str:
        return "DESC" if self.descending else "ASC"


class _Query:
    def __init__(self, vocabulary: Vocabulary, dialect: Dialect, values: dict[str, Any]) -> None:
        self._vocabulary = vocabulary
        self._dialect = dialect
        self.values = values
        self.joins: list[str] = []

    def condition(self, comparison: Comparison) -> str:
        key = comparison.key
        if key.family is Family.ATTRIBUTE:
            attribute = self._vocabulary.attributes[key.name]
            served = attribute.served if _is_served(comparison.value) else None
            return self._compared(served or attribute.column, comparison)
        table = self._vocabulary.tables[key.family]
        row = f"SELECT 1 FROM {table} f WHERE f.{self._vocabulary.owner} = {self._vocabulary.identity}"  # noqa: S608  # names of ours
        if key.family is Family.DATASET:
            return f"EXISTS ({row} AND {self._compared(f'f.{self._vocabulary.datasets[key.name]}', comparison)})"
        row += f" AND f.key = {self._bind(text(key.name))}"
        if comparison.comparator == "IS NULL":
            return f"NOT EXISTS ({row})"
        if comparison.comparator == "IS NOT NULL":
            return f"EXISTS ({row})"
        value = self._compared("f.value", comparison)
        if key.family is Family.METRIC:  # NaN, kept as 0, differs from every number and compares with none
            value = f"({value} OR f.is_nan = 1)" if comparison.comparator == "!=" else f"{value} AND f.is_nan = 0"
        return f"EXISTS ({row} AND {value})"

    def terms(self, orders: Sequence[Order]) -> list[_Term]:
        """What to sort by; what a run lacks comes last either way, and just before it NaN."""
        terms: list[_Term] = []
        for order in orders:
            terms.extend(self._order_terms(order))
        fixed = self._vocabulary.order if orders else self._vocabulary.default_order
        sorted_by = {term.expression for term in terms}
        return terms + [_Term(column, descending) for column, descending in fixed if column not in sorted_by]

    def _order_terms(self, order: Order) -> list[_Term]:
        if order.key.family is Family.ATTRIBUTE:
            attribute = self._vocabulary.attributes[order.key.name]
            missing = [_Term(f"CASE WHEN {attribute.column} IS NULL THEN 1 ELSE 0 END")] if attribute.nullable else []
            return [*missing, _Term(attribute.column, order.descending)]
        alias = f"o{len(self.joins)}"
        table = self._vocabulary.tables[order.key.family]
        self.joins.append(
            f"LEFT JOIN {table} {alias} ON {alias}.{self._vocabulary.owner} = {self._vocabulary.identity} "
            f"AND {alias}.key = {self._bind(text(order.key.name))}"
        )
        nan = f"WHEN {alias}.is_nan = 1 THEN 1 " if order.key.family is Family.METRIC else ""
        return [
            _Term(f"CASE {nan}WHEN {alias}.value IS NULL THEN 2 ELSE 0 END"),
            _Term(f"{alias}.value", order.descending),
        ]

    def after(self, terms: Sequence[_Term], position: page_token.Position) -> str:
        """That a row comes behind *position*. What is missing there (None) is missing in all rows that compare with
        it."""
        condition = "1 = 0"
        for term, value in reversed(list(zip(terms, position, strict=True))):
            if value is not None:
                bound, beyond = self._bind(value), "<" if term.descending else ">"
                condition = (
                    f"({term.expression} {beyond}= {bound} AND ({term.expression} {beyond} {bound} OR {condition}))"
                )
        return condition

    def _compared(self, column: str, comparison: Comparison) -> str:
        value, comparator = comparison.value, comparison.comparator
        if isinstance(value, tuple):
            return f"{column} {comparator} ({', '.join(self._bind(self._value(one, comparison)) for one in value)})"
        if comparator in ("LIKE", "ILIKE"):
            pattern, operator = text(str(value)), self._dialect.ilike
            if comparator == "LIKE":
                pattern, operator = self._dialect.like_pattern(pattern), self._dialect.like
            return f"{column} {operator.format(self._bind(pattern))}"
        return f"{column} {_SQL.get(comparator, comparator)} {self._bind(self._value(value, comparison))}"

    def _value(self, value: str | float | None, comparison: Comparison) -> str | float | None:
        if comparison.key.family is Family.METRIC and value is not None:
            return float(value)
        if comparison.key.type is Type.ID:
            return to_number(str(value))
        return text(value) if isinstance(value, str) else value

    def _bind(self, value: Any) -> str:
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f":{name}"


def _is_served(value: Any) -> bool:
    """Whether a value, or one of several, is a place as a server tells it."""
    values = value if isinstance(value, tuple) else (value,)
    return any(isinstance(one, str) and one.startswith(SERVED) for one in values)
