"""The text of a file: bounded, decoded, and able to say where something in it stands."""

from __future__ import annotations

import codecs
import functools
import re
import stat
from bisect import bisect_right
from pathlib import Path

from mlproj.foundation.errors import InvalidProject, Place
from mlproj.foundation.redaction import mask_channel

MAX_SIZE = 1024 * 1024  # bytes

# YAML 1.1, which libyaml speaks, breaks lines at these (https://yaml.org/spec/1.1/#id871136).
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class Text:
    """Text called *file* in places."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file

    @functools.cached_property
    def _starts(self) -> list[int]:
        """Where each line begins."""
        return [0, *(found.end() for found in _LINE_BREAK.finditer(self.text))]

    def place(self, line: int, column: int) -> Place:
        """The place at *line* and *column*, both counted from 0 as PyYAML does."""
        return Place(
            self.file, line + 1, column + 1, mask_channel(self._line(line)) if line < len(self._starts) else None
        )

    def place_at(self, index: int) -> Place:
        """The place of the character at *index*."""
        line = bisect_right(self._starts, index) - 1
        return self.place(line, index - self._starts[line])

    def _line(self, number: int) -> str:
        end = self._starts[number + 1] if number + 1 < len(self._starts) else None
        return self.text[self._starts[number] : end].rstrip("\r\n\x85\u2028\u2029")


def read(path: Path, file: str, limit: int = MAX_SIZE) -> bytes:
    """The content of *path*. Raises InvalidProject when it is missing, unreadable, no regular file or above *limit*
    bytes."""
    place = Place(file)
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would wait for ever, a device never end
            raise InvalidProject("this is not a file", place=place)
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except FileNotFoundError:
        raise InvalidProject("the file does not exist", place=place) from None
    except OSError as error:
        raise InvalidProject(f"the file cannot be read: {error.strerror or error}", place=place) from error
    except ValueError:  # a NUL in the name
        raise InvalidProject("this is no file name", place=place) from None
    if len(data) > limit:
        shown = f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit >> 10} KiB"
        raise InvalidProject(f"the file is larger than {shown}", place=place, hint="was another file meant?")
    return data


def decode(data: bytes, file: str) -> str:
    """*data* as text: UTF-8, or what a byte order mark says (YAML 1.2, section 5.2). Raises InvalidProject."""
    mark, encoding = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", "utf-8"))
    body = data[len(mark) :]
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        start = error.start
    place = Place(file)
    if encoding == "utf-8":
        place = Text(body[:start].decode("utf-8"), file).place_at(start)
    message = (
        f"the file is not {encoding[:6].rstrip('-').upper()} text: byte {len(mark) + start} is 0x{body[start]:02x}"
    )
    raise InvalidProject(message, place=place, hint="save it as UTF-8")
