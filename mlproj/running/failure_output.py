"""What of a program's output tells why it failed: its last lines, and the tracebacks that came shortly before them.

After an uncaught exception a program may still say much: what it closes, a message of a hundred lines, the complaints
of what started it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

LINES = 5000
"""How many of the last lines are looked at."""
_LAST = 40  # that are read whole
_TRACEBACKS = 3
_MESSAGE = 10  # lines of an exception's own text
_COLOURS = re.compile(r"\x1b\[[0-9;]*[mK]")
_HEAD = "Traceback (most recent call last):"


def telling(output: str) -> list[str]:
    """The parts of *output* that may tell the reason, the likeliest first: the last lines, then tracebacks from the
    last to earlier ones."""
    lines = _COLOURS.sub("", output).splitlines()
    heads = [number for number, line in enumerate(lines[:-_LAST]) if line.endswith(_HEAD)]
    earlier = ("\n".join(_exception(lines[head:])) for head in reversed(heads[-_TRACEBACKS:]))
    return ["\n".join(lines[-_LAST:]), *earlier]


def _exception(lines: Sequence[str]) -> Iterator[str]:
    """The exception that a traceback ends with, of the lines that begin with that traceback's first.

    What stands before it in each line (a process's name, the bars of an exception group) is no part of it.
    """
    before = lines[0].removesuffix(_HEAD)
    end = next(
        (number for number, line in enumerate(lines) if number and not line.startswith(f"{before}  ")), len(lines)
    )
    for line in lines[end : end + _MESSAGE]:
        yield line.removeprefix(before)
