"""Writing the command: fields filled with values, optional flags left out, undeclared parameters appended."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from mlproj.foundation.errors import Notice, UsageError
from mlproj.projects.base import EntryPoint
from mlproj.projects.harmless import refuse_code
from mlproj.projects.parameter import shown
from mlproj.projects.shell import CannotQuoteError, Writer
from mlproj.projects.template import Field, parse

_FLAG = r"(?:^|(?<=^\s)|(?<=[^\\]\s)|(?<=\\\n))--?[A-Za-z][\w.-]*(?:=|(?:\s|\\\n)+)(?P<quote>['\"]?)$"
_LINE_END = r"\s*\n\s*$"


def render(
    entry_point: EntryPoint, texts: Mapping[str, str | None], extras: Mapping[str, str], warnings: list[Notice]
) -> str:
    """The command with *texts* in its fields (None: absent) and *extras* after its last line. Raises UsageError."""
    pieces = _without_absent(
        [piece for piece in parse(entry_point.command, entry_point.parameters) if isinstance(piece, (str, Field))],
        texts,
    )
    refuse_code(entry_point, pieces, texts, extras)
    writer = Writer()
    for piece in pieces:
        if isinstance(piece, str):
            writer.literal(piece)
        else:
            _write(writer, piece, texts)
    return _append(writer, extras, entry_point, warnings) if extras else writer.text


def _without_absent(pieces: list[str | Field], texts: Mapping[str, str | None]) -> list[str | Field]:
    """*pieces* without the flags whose value is absent: ``--flag {x}``, ``--flag={x}``, also with quotes around
    ``{x}``."""
    result: list[str | Field] = []
    rest = list(pieces)
    while rest:
        piece = rest.pop(0)
        before = result[-1] if result else ""
        after = rest[0] if rest else ""
        if (
            isinstance(piece, Field)
            and texts[piece.name] is None
            and isinstance(before, str)
            and isinstance(after, str)
        ):
            left = _without_flag(before, after)
            if left is not None:
                result[-1:] = [left[0]]
                rest[:1] = [left[1]]
                continue
        if isinstance(piece, str) and result and isinstance(result[-1], str):
            result[-1] += piece
        else:
            result.append(piece)
    return result


def _without_flag(before: str, after: str) -> tuple[str, str] | None:
    """The text around a field without the flag that ends *before*; None when the field does not stand alone as its
    value."""
    flag = re.search(_FLAG, before)
    if not flag or not after.startswith(flag["quote"]):
        return None
    after = after[len(flag["quote"]) :]
    if after and after[0] not in " \t\n;&|)<>\"'`":
        return None
    before = before[: flag.start()]
    if before.endswith(" ") and not before.endswith("\\ ") and (not after or after[0] in " \t\n"):
        before = before[:-1]
    return before, after


def _write(writer: Writer, piece: Field, texts: Mapping[str, str | None]) -> None:
    value = texts[piece.name] or ""
    try:
        if piece.has_format and _format(writer, piece, value):
            return
        writer.value(value)
    except CannotQuoteError as error:
        raise UsageError(
            f"the value {shown(piece.name, value)} of parameter {piece.name!r} cannot be passed safely: in the command"
            f" it is {error}",
            hint="give a value of letters, digits and @ % + = : , . / - only, or move the placeholder in MLproject",
        ) from None


def _format(writer: Writer, piece: Field, value: str) -> bool:
    """Write a field such as ``{x:>5}``; False when its format makes no sense, so that it is the shell's.

    MLflow formats the quoted value. That text is taken where it still holds the quoted value whole; else the value is
    formatted first, then quoted.
    """
    quoted = shlex.quote(value)
    try:
        text, plain = (piece.token.format(**{piece.name: argument}) for argument in (quoted, value))
    except (ValueError, LookupError, AttributeError, TypeError):
        writer.literal(piece.token)
        return True
    padded = "!" not in piece.token and quoted in text and writer.context in ("code", "paren")
    if quoted == value or padded:
        writer.literal(text)
    else:
        writer.value(plain)
    return True


def _append(writer: Writer, extras: Mapping[str, str], entry_point: EntryPoint, warnings: list[Notice]) -> str:
    """The text with *extras* as ``--name value`` after the last line, as MLflow would if it did not end in a line
    break."""
    if writer.ends_heredoc or writer.context == "heredoc":
        names = ", ".join(extras)
        raise UsageError(
            f"{names} cannot be appended to a command that ends in a here-document",
            hint="declare the parameters in MLproject",
        )
    if writer.context == "comment":
        swallowed = ", ".join(f"--{name}" for name in extras)
        warnings.append(Notice(f"the command ends in a comment, which swallows {swallowed}", entry_point.place))
    appended = [f"--{shlex.quote(name)} {shlex.quote(value)}" for name, value in extras.items()]
    return " ".join([_without_line_end(writer.text), *appended])


def _without_line_end(text: str) -> str:
    """*text* without the line breaks at its end, and without a backslash before the last, which continues the line."""
    found = re.search(_LINE_END, text)
    while found:
        kept = text[: found.start()]
        if (len(kept) - len(kept.rstrip("\\"))) % 2 == 0:
            text = kept
        elif found[0].startswith("\n"):
            text = kept[:-1]
        else:
            return kept + found[0][0]  # an escaped blank is an argument
        found = re.search(_LINE_END, text)
    return text
