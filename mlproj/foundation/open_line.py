"""Whether standard error shows the beginning of a line that a run's program has not ended, so that ours begins anew."""

from __future__ import annotations

import os
import sys

_NEWLINE = b"\n"
_last = {"byte": _NEWLINE}


def shown(data: bytes | memoryview) -> None:
    """Remember that *data* of another program went to where standard error goes."""
    if data:
        _last["byte"] = bytes(data[-1:])


def end() -> None:
    """End on standard error the line that is begun there, if one is."""
    if _last["byte"] != _NEWLINE:
        _last["byte"] = _NEWLINE
        try:
            sys.stderr.write("\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            pass


def is_same_place(first: int, second: int) -> bool:
    """Whether two descriptors are of one file, pipe or terminal."""
    try:
        return os.path.samestat(os.fstat(first), os.fstat(second))
    except OSError:
        return False
