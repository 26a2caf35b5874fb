"""Tables and field lists as plain text that fits the terminal; whole where nobody is watching."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlproj.cli.terminal import shortened, width_of

_GAP = 2
_LONGEST_NAME = 40  # columns of a field's name that has its value beside it


@dataclass(frozen=True)
class Column:
    """One column. ``narrowest`` is the width it may be cut to (None: never cut).

    Where cutting is not enough, the column with the highest ``dispensable`` goes first; 0 never goes.
    """

    title: str
    narrowest: int | None = None
    dispensable: int = 0
    right: bool = False


def render_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """The lines of a table with a heading, at most *width* columns wide (None: whatever it takes)."""
    rows = [[" ".join(cell.split()) for cell in row] for row in rows]
    chosen = list(range(len(columns)))
    widths = _widths(columns, rows, chosen, width)
    while width is not None and _total(widths) > width and any(columns[index].dispensable for index in chosen):
        chosen.remove(max(chosen, key=lambda index: columns[index].dispensable))
        widths = _widths(columns, rows, chosen, width)
    heading = [column.title for column in columns]
    return [
        _line([columns[index] for index in chosen], [row[index] for index in chosen], widths)
        for row in [heading, *rows]
    ]


def render_fields(
    fields: Mapping[str, str] | Iterable[tuple[str, str]], indent: int = 0, width: int | None = None
) -> list[str]:
    """``name  value`` lines with the values aligned; further lines of a value stand under its first.

    With a *width* no line is wider: what does not fit goes on below, and a name that is longer than the others by far,
    or than half of the line, has its value on the next.
    """
    pairs = list(fields.items() if isinstance(fields, Mapping) else fields)
    longest = _LONGEST_NAME if width is None else min(_LONGEST_NAME, max((width - indent) // 2, 8))
    column = max((width_of(name) for name, _value in pairs if width_of(name) <= longest), default=0)
    start = " " * (indent + column + _GAP)
    lines = []
    for name, value in pairs:
        cells = value.split("\n")
        if width is not None:
            cells = [part for cell in cells for part in wrapped(cell.expandtabs(4), max(width - len(start), 8))]
        if width_of(name) > longest:
            lines.append(" " * indent + name)
        else:
            lines.append(f"{' ' * indent}{_padded(name, column)}  {cells.pop(0)}".rstrip())
        lines += [f"{start}{cell}".rstrip() for cell in cells]
    return lines


def wrapped(text: str, width: int) -> list[str]:
    """*text* in lines of at most *width* columns, broken between words where there are some, else anywhere."""
    lines = []
    while width_of(text) > width:
        fits = _fitting(text, width)
        space = text.rfind(" ", 1, fits + 1)
        end = space if space > 0 and text[:space].strip() else fits
        lines.append(text[:end].rstrip())
        text = text[end:].lstrip(" ")
    return [*lines, text]


def _fitting(text: str, width: int) -> int:
    """How many characters of *text* fit into *width* columns; at least one."""
    used = 0
    for index, character in enumerate(text):
        used += width_of(character)
        if used > width:
            return max(index, 1)
    return len(text)


def _widths(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], chosen: Sequence[int], limit: int | None
) -> list[int]:
    """What each chosen column gets: what it wants, the widest of those that may be cut giving way until all fit."""
    wanted = [max([width_of(columns[index].title), *(width_of(row[index]) for row in rows)]) for index in chosen]
    if limit is None:
        return wanted
    floors = [_floor(columns[index], want) for index, want in zip(chosen, wanted, strict=True)]
    while _total(wanted) > limit:
        spare = [want - floor for want, floor in zip(wanted, floors, strict=True)]
        if not any(spare):
            break
        wanted[max(range(len(wanted)), key=lambda index: (spare[index] > 0, wanted[index]))] -= 1
    return wanted


def _floor(column: Column, wanted: int) -> int:
    return wanted if column.narrowest is None else min(wanted, max(column.narrowest, width_of(column.title)))


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _line(columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int]) -> str:
    parts = []
    for column, cell, width in zip(columns, cells, widths, strict=True):
        text = shortened(cell, width)
        parts.append(" " * (width - width_of(text)) + text if column.right else _padded(text, width))
    return (" " * _GAP).join(parts).rstrip()


def _padded(text: str, width: int) -> str:
    return text + " " * (width - width_of(text))
