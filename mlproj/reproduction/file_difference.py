"""How two files differ, in lines for people: text by lines, JSON by keys, CSV by rows and columns, pictures by their
size."""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
import struct
from collections.abc import Iterator
from itertools import islice
from typing import Any

LINES = 12  # that are shown of one file
_WIDEST = 160  # characters of a line
_LARGEST = 2_000_000  # bytes that are compared line by line
_MOST_LINES = (
    2_000  # that are matched with one another, which takes up to the square of that; and differences that are counted
)

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d([T _]\d\d[:-]?\d\d([:-]?\d\d)?([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?"  # ISO 8601 and its kin
    r"|\b\d\d:\d\d:\d\d([.,]\d+)?\b"
    r"|\b1[5-9]\d{8}(\d{3}|\d{6}|\d{9}|\.\d+)?\b"  # seconds and parts of seconds since 1970, of 2017 to 2033
    r"|\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w*,? \w{3} +\d{1,2}\b"
    r"|\b\d+(\.\d+)? ?(s|ms|us|µs|sec|seconds|minutes|min)\b"
)
_IDENTITY = re.compile(r"\b[0-9a-f]{32}\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|/checkouts/\d+-[0-9a-f]{8}\b")


def describe(path: str, before: bytes, after: bytes) -> list[str]:
    """Lines that say how *after* differs from *before*; *path* tells by its ending what they are."""
    kind = path.lower().rpartition(".")[2]
    if before == after:
        return []
    if picture := _pictures(before, after):
        return [picture]
    if max(len(before), len(after)) > _LARGEST or b"\0" in before[:8192] or b"\0" in after[:8192]:
        return [f"{len(before)} bytes, now {len(after)}; the first difference is at byte {_first(before, after)}"]
    texts = before.decode("utf-8", "replace"), after.decode("utf-8", "replace")
    try:
        if kind in ("json", "ipynb"):
            found = list(islice(_json(json.loads(texts[0]), json.loads(texts[1]), ""), _MOST_LINES))
            return _cut(found or ["the values are the same, and written in another way"])
        if kind in ("csv", "tsv"):
            found = list(islice(_tables(*texts, "\t" if kind == "tsv" else ","), _MOST_LINES))
            return _cut(found or ["the cells are the same, and written in another way"])
    except (ValueError, RecursionError, csv.Error):
        pass
    return _cut(_lines(*texts))


def is_only_time(before: bytes, after: bytes) -> bool:
    """Whether both are text that differs in dates, times, durations and random ids alone."""
    if max(len(before), len(after)) > _LARGEST or b"\0" in before or b"\0" in after:
        return False
    one, other = (timeless(content.decode("utf-8", "replace")) for content in (before, after))
    return one == other


def timeless(text: str) -> str:
    """*text* without what differs from run to run by itself: dates, times, durations, ids."""
    return _IDENTITY.sub("<id>", _MOMENT.sub("<time>", text))


def _first(before: bytes, after: bytes) -> int:
    return next(
        (index for index, (one, two) in enumerate(zip(before, after, strict=False)) if one != two),
        min(len(before), len(after)),
    )


def _cut(lines: list[str]) -> list[str]:
    shown = [line if len(line) <= _WIDEST else f"{line[: _WIDEST - 1]}…" for line in lines[:LINES]]
    at_least = "at least " if len(lines) == _MOST_LINES else ""
    return [*shown, f"… and {at_least}{len(lines) - LINES} more"] if len(lines) > LINES else shown


def _lines(before: str, after: str) -> list[str]:
    then, now = before.splitlines(), after.splitlines()
    start = next(
        (index for index, (one, two) in enumerate(zip(then, now, strict=False)) if one != two), min(len(then), len(now))
    )
    if len(then) == len(now) == start:
        return ["the ends of lines differ"]
    if max(len(then), len(now)) - start > _MOST_LINES:
        first = [f"{sign}{lines[start]}" for sign, lines in (("-", then), ("+", now)) if start < len(lines)]
        return [f"{len(then)} lines, now {len(now)}; they differ from line {start + 1} on", *first]
    found = difflib.unified_diff(then[start:], now[start:], lineterm="", n=0)
    return [_moved(line, start) if line.startswith("@@") else line for line in islice(found, 2, None)]


def _moved(hunk: str, by: int) -> str:
    """The head of a hunk, ``@@ -1 +1,2 @@``, of lines of which *by* come before."""
    return re.sub(r"([-+])(\d+)", lambda found: f"{found[1]}{int(found[2]) + by}", hunk)


def _json(before: Any, after: Any, place: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            where = f"{place}.{key}" if place else str(key)
            if key not in after:
                yield f"{where}: {_short(before[key])}, now gone"
            elif key not in before:
                yield f"{where}: new, {_short(after[key])}"
            else:
                yield from _json(before[key], after[key], where)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, two) in enumerate(zip(before, after, strict=True)):
            yield from _json(one, two, f"{place}[{index}]")
    elif not _equal(before, after):
        yield f"{place or 'the whole'}: {_short(before)} -> {_short(after)}"


def _equal(before: Any, after: Any) -> bool:
    if type(before) is not type(after):
        return False
    return bool(before == after or (before != before and after != after))  # NaN, which Python's JSON knows


def _short(value: Any) -> str:
    text = "".join(islice(json.JSONEncoder().iterencode(value), 61))[:61]
    return text if len(text) <= 60 else f"{text[:59]}…"


def _tables(before: str, after: str, delimiter: str) -> Iterator[str]:
    rows, new = (list(csv.reader(io.StringIO(text), delimiter=delimiter)) for text in (before, after))
    if len(rows) != len(new):
        yield f"{len(rows)} rows, now {len(new)}"
    header = rows[0] if rows and new and rows[0] == new[0] else []
    for number, (one, two) in enumerate(zip(rows, new, strict=False), start=1):
        if len(one) != len(two):
            yield f"row {number}: {len(one)} columns, now {len(two)}"
            continue
        for column, (left, right) in enumerate(zip(one, two, strict=True)):
            if left != right:
                yield f"row {number}, {header[column] if header else f'column {column + 1}'}: {left} -> {right}"


def _pictures(before: bytes, after: bytes) -> str | None:
    sizes = _size_of(before), _size_of(after)
    if None in sizes:
        return None
    (width, height), (new_width, new_height) = sizes  # type: ignore[misc]  # neither is None
    if sizes[0] == sizes[1]:
        return f"pictures of {width} x {height}, with other content ({len(before)} bytes, now {len(after)})"
    return f"a picture of {width} x {height}, now {new_width} x {new_height}"


def _size_of(content: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF or JPEG; None for anything else."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        return struct.unpack(">II", content[16:24])
    if content[:6] in (b"GIF87a", b"GIF89a") and len(content) >= 10:
        return struct.unpack("<HH", content[6:10])
    return _jpeg_size(content) if content.startswith(b"\xff\xd8") else None


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a start of frame
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            return width, height
        place += 2 + struct.unpack(">H", content[place + 2 : place + 4])[0]
    return None
