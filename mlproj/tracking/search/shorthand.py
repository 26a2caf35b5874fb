"""What people write in a filter beyond MLflow's language: dates for times, and statuses in small letters.

:func:`expanded` writes it as any MLflow server understands it: milliseconds since the epoch, capital letters. A date is
its first moment; a moment without a zone is in the zone of the machine that reads it, as ``mlproj runs list`` shows
times.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from mlproj.foundation.errors import UsageError, did_you_mean
from mlproj.tracking.base import Status
from mlproj.tracking.search import lexer
from mlproj.tracking.search.lexer import Kind, Token
from mlproj.tracking.search.mistake import mistake
from mlproj.tracking.search.vocabulary import Family, Type, Vocabulary

_NAMES = (Kind.WORD, Kind.BACKTICKED, Kind.DOUBLE_QUOTED)
_TEXTS = (Kind.SINGLE_QUOTED, Kind.DOUBLE_QUOTED)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?\s*(?:Z|[+-]\d\d:?\d\d)?)?")
_STATUSES = [status.value for status in Status]
EXPECTED = "a date or time such as '2026-11-29' or '2026-11-29T12:30:00Z', or a number of milliseconds"


def milliseconds(text: str) -> int | None:
    """The UTC milliseconds of a date or date-time in ISO 8601; None when *text* is none."""
    if not _MOMENT.fullmatch(text.strip()):
        return None
    # Python 3.10 reads neither Z nor an offset without a colon, nor fractions of other than three or six digits.
    plain = re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", re.sub(r"\s*Z$", "+00:00", text.strip()))
    plain = re.sub(r"\.(\d+)", lambda match: f".{match[1]:0<6}", plain)
    try:
        return round(datetime.fromisoformat(re.sub(r"\s+(?=[+-]\d\d:)", "", plain)).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return None


def status(text: str) -> str:
    """A status in capital letters; another text as it is."""
    return text.upper() if text.upper() in _STATUSES else text


def expanded(filter: str, vocabulary: Vocabulary) -> str:
    """*filter* as any MLflow server understands it. Raises UsageError for a time or status that is none.

    What else may be wrong in it is left to whoever searches.
    """
    tokens = list(lexer.tokens(filter, "filter"))
    replaced: list[tuple[Token, str]] = []
    for index in range(len(tokens)):
        name = _attribute(tokens, index, vocabulary)
        if name == "status":
            replaced += [(value, f"'{_known_status(value, filter)}'") for value in _compared(tokens, index)]
        elif name and vocabulary.attributes[name].type is Type.TIME:
            replaced += [
                (value, str(moment_of(tokens[index + 1], value, filter))) for value in _compared(tokens, index)
            ]
    for token, text in reversed(replaced):
        filter = filter[: token.position] + text + filter[token.position + len(token.text) :]
    return filter


def moment_of(comparator: Token, value: Token, filter: str) -> int:
    """The milliseconds that *value* stands for. Raises UsageError that points at the place."""
    found = milliseconds(value.value)
    if found is None:
        raise mistake("filter", filter, value.position, f"expected {EXPECTED}, found {value}")
    if comparator.text in ("=", "!="):
        hint = "ask for what is between two moments: start_time >= '2026-11-29' AND start_time < '2026-11-30'"
        raise mistake(
            "filter", filter, comparator.position, f"{comparator.text} does not go with a date: it is one moment", hint
        )
    return found


def _known_status(token: Token, filter: str) -> str:
    found = status(token.value)
    if found not in _STATUSES:
        guess = did_you_mean(found.upper(), _STATUSES)
        message = f"there is no status {token.value!r:.60}" + (f"; did you mean {guess!r}?" if guess else "")
        raise _no_status(filter, token, message)
    return found


def _no_status(filter: str, token: Token, message: str) -> UsageError:
    return mistake("filter", filter, token.position, message, f"a status is one of {', '.join(_STATUSES)}")


def _attribute(tokens: Sequence[Token], index: int, vocabulary: Vocabulary) -> str | None:
    """The attribute whose name, the last part of a key, is at *index*."""
    token, before = tokens[index], tokens[index - 1] if index else None
    if token.kind not in _NAMES or token.value not in vocabulary.attributes:
        return None
    if before is not None and before.kind is Kind.DOT:
        family = vocabulary.families.get(tokens[index - 2].value) if index > 1 else None
        return token.value if family is Family.ATTRIBUTE else None
    return None if before is not None and before.kind is Kind.OPERATOR else token.value


def _compared(tokens: Sequence[Token], index: int) -> list[Token]:
    """The texts that the key at *index* is compared with by a comparator or ``IN``."""
    operator, rest = tokens[index + 1], tokens[index + 2 :]
    if operator.kind is Kind.OPERATOR:
        return [value for value in rest[:1] if value.kind in _TEXTS]
    words = [token.text.upper() for token in tokens[index + 1 : index + 3]]
    if words[:1] != ["IN"] and words != ["NOT", "IN"]:
        return []
    closing = next((place for place, token in enumerate(rest) if token.kind is Kind.CLOSE), len(rest))
    return [token for token in rest[:closing] if token.kind in _TEXTS]
