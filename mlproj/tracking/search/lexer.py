"""Cuts a filter or an order into tokens that know their place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from mlproj.tracking.search.mistake import mistake


class Kind(Enum):
    """What a token is."""

    WORD = "a word"
    BACKTICKED = "a name in backticks"
    DOUBLE_QUOTED = "a text in double quotes"
    SINGLE_QUOTED = "a text in single quotes"
    NUMBER = "a number"
    OPERATOR = "a comparator"
    DOT = "a dot"
    COMMA = "a comma"
    OPEN = "an opening parenthesis"
    CLOSE = "a closing parenthesis"
    END = "the end"


QUOTES = {"`": Kind.BACKTICKED, '"': Kind.DOUBLE_QUOTED, "'": Kind.SINGLE_QUOTED}


@dataclass(frozen=True)
class Token:
    """``text`` as it was written, ``value`` without its quotes."""

    kind: Kind
    text: str
    value: str
    position: int

    def __str__(self) -> str:
        return "the end" if self.kind is Kind.END else repr(self.text if len(self.text) <= 60 else f"{self.text[:59]}…")


_TOKEN = re.compile(
    r"""
      (?P<space> \s+ )
    | (?P<WORD> [^\W\d]\w* )
    | (?P<BACKTICKED> `[^`]*` )
    | (?P<DOUBLE_QUOTED> "(?:[^"]|"")*" )
    | (?P<SINGLE_QUOTED> '(?:[^']|'')*' )
    | (?P<NUMBER> [+-]?(?:\d+\.?\d*|(?<![\w`"])\.\d+)(?:[eE][+-]?\d+)?(?!\w) )
    | (?P<OPERATOR> [<>!=]=|<>|[<>=] )
    | (?P<DOT> \. )
    | (?P<COMMA> , )
    | (?P<OPEN> \( )
    | (?P<CLOSE> \) )
    """,
    re.VERBOSE,
)


def tokens(text: str, what: str) -> Iterator[Token]:
    """The tokens of *text*, ``END`` last. Raises UsageError where no token begins."""
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _no_token(text, what, position)
        if match.lastgroup != "space":
            kind = Kind[str(match.lastgroup)]
            yield Token(kind, match[0], _unquoted(match[0], kind), position)
        position = match.end()
    yield Token(Kind.END, "", "", len(text))


def _unquoted(text: str, kind: Kind) -> str:
    if kind in QUOTES.values():
        return text[1:-1].replace(text[0] * 2, text[0])
    return text


def _no_token(text: str, what: str, position: int) -> Exception:
    character = text[position]
    if character in QUOTES:
        return mistake(what, text, position, f"the quote {character} is not closed")
    if character.isdigit():
        return mistake(
            what,
            text,
            position,
            "this is neither a number nor a name",
            hint="a name that begins with a digit needs backticks",
        )
    return mistake(
        what,
        text,
        position,
        f"{character!r} has no meaning here",
        hint="a name with other than letters, digits and _ needs backticks",
    )
