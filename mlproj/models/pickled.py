"""What unpickling a file would import: its opcodes are read, and nothing of it is executed."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from mlproj.foundation.dataclass import dataclass

_LARGEST = 4 << 30  # bytes of a file
_MOST_UNPACKED = 1 << 30  # bytes that are read of what is packed
_TEXTS = frozenset("SHORT_BINUNICODE BINUNICODE BINUNICODE8 UNICODE STRING BINSTRING SHORT_BINSTRING".split())
_PACKED: tuple[tuple[bytes, Any], ...] = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ", lzma.open))

RUNS_CODE = frozenset(
    """os posix nt subprocess socket shutil sys importlib runpy pty ctypes builtins.eval builtins.exec builtins.compile
    builtins.open builtins.__import__ builtins.getattr __builtin__.eval __builtin__.exec webbrowser
    multiprocessing asyncio pip http urllib requests code codeop pdb timeit""".split()
)
"""Modules and functions that a model has no use for: an object made of these can do anything as it is unpickled."""


@dataclass(frozen=True)
class Imports:
    """The names that unpickling would import, as ``module.name``, sorted; ``complete`` is False where the file could
    not be read to its end."""

    names: tuple[str, ...]
    complete: bool = True

    @property
    def dangerous(self) -> tuple[str, ...]:
        """Those of the names that :data:`RUNS_CODE` has."""
        return tuple(name for name in self.names if name in RUNS_CODE or name.partition(".")[0] in RUNS_CODE)

    @property
    def modules(self) -> tuple[str, ...]:
        """The top-level modules of the names, sorted."""
        return tuple(sorted({name.partition(".")[0] for name in self.names}))


def imports(file: Path) -> Imports | None:
    """What loading *file* would import: a pickle (also compressed), what PyTorch's ``save`` wrote, or skops'. None for
    a file that is none of these. Raises OSError."""
    with file.open("rb") as stream:
        head = stream.read(8)
    if file.stat().st_size > _LARGEST:
        return Imports((), complete=False)
    if head.startswith(b"PK\x03\x04"):
        return _in_zip(file)
    unpack = next((opener for magic, opener in _PACKED if head.startswith(magic)), None)
    with unpack(file, "rb") if unpack else file.open("rb") as stream:
        found = _of_pickle(_Bounded(stream, _MOST_UNPACKED if unpack else file.stat().st_size))
    # Text may begin with what pickles of the first protocols have as opcodes; every later one begins with this byte.
    is_text = unpack is None and not head.startswith(b"\x80")
    return None if found and is_text and not found.names and not found.complete else found


def _in_zip(file: Path) -> Imports | None:
    found: set[str] = set()
    complete, known = True, False
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                name = entry.filename.rpartition("/")[2]
                if name == "schema.json" and entry.file_size < _LARGEST >> 4:
                    known = True
                    found.update(_skops_types(json.loads(archive.read(entry))))
                elif name.endswith(".pkl"):
                    known = True
                    with archive.open(entry) as stream:
                        inner = _of_pickle(_Bounded(stream, _MOST_UNPACKED))
                    found.update(inner.names if inner else ())
                    complete = complete and inner is not None and inner.complete
    except (zipfile.BadZipFile, ValueError, RecursionError, NotImplementedError, RuntimeError):
        complete = False
    return Imports(tuple(sorted(found)), complete) if known else None


def _skops_types(node: Any) -> Iterator[str]:
    """The types that a schema of skops names: ``__module__`` and ``__class__`` of each node."""
    pending = [node]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            if isinstance(one.get("__module__"), str) and isinstance(one.get("__class__"), str):
                yield f"{one['__module__']}.{one['__class__']}"
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)


class _Bounded:
    """The first *most* bytes of *stream*: what is packed can be far larger than its file, and a length can lie. Reading
    more is a ValueError."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream = stream
        self._left = most

    def read(self, size: int) -> bytes:
        """The next *size* bytes, fewer at the end."""
        if size > self._left:
            raise ValueError("there is too much of it")
        return self._counted(self._stream.read(size))

    def readline(self) -> bytes:
        """The next line."""
        return self._counted(self._stream.readline(self._left))

    def is_at_end(self) -> bool:
        """Whether nothing follows."""
        return not self._stream.peek(1)  # type: ignore[attr-defined]  # all that are opened here have it

    def _counted(self, content: bytes) -> bytes:
        self._left -= len(content)
        return content


def _of_pickle(stream: _Bounded) -> Imports | None:
    """The imports of the pickles in *stream*, one after another; None where it begins with none."""
    reader = _Reader()
    complete = True
    try:
        while not stream.is_at_end():
            before = reader.count
            for opcode, argument, _position in pickletools.genops(stream):  # type: ignore[arg-type]  # it reads only
                reader.read(opcode.name, argument)
            if reader.count == before:
                break
    except (ValueError, UnicodeError, IndexError, KeyError, EOFError, OSError, lzma.LZMAError, OverflowError):
        complete = False  # also where joblib put the bytes of an array between two opcodes
    if not reader.names and reader.count < 3 and (not complete or not reader.count):
        return None
    return Imports(tuple(sorted(reader.names)), complete)


class _Reader:
    """Follows the texts on a pickle's stack as far as names need it: two of them make a STACK_GLOBAL."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.count = 0
        self._recent: list[str] = []
        self._memo: dict[int, str] = {}
        self._last: str | None = None

    def read(self, name: str, argument: Any) -> None:
        self.count += 1
        if name in ("GLOBAL", "INST"):
            self.names.add(str(argument).replace(" ", ".", 1))
            self._last = None
        elif name in _TEXTS:
            self._push(str(argument))
        elif name == "MEMOIZE":
            self._remember(len(self._memo))
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            self._remember(int(argument))
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            self._push(self._memo.get(int(argument), "?"))
        elif name == "STACK_GLOBAL":
            self.names.add(".".join(["?", "?", *self._recent][-2:]))
            self._last = None
        else:
            self._last = None

    def _push(self, text: str) -> None:
        self._last = text
        self._recent = [*self._recent[-1:], text]

    def _remember(self, index: int) -> None:
        self._memo[index] = self._last if self._last is not None else "?"
