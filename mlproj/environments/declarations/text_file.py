"""Text files as people have them: UTF-8, with or without a byte order mark, and the UTF-16 that PowerShell's ``>``
writes."""

from __future__ import annotations

import codecs
from pathlib import Path

from mlproj.foundation.errors import InvalidProject, Place
from mlproj.yaml_document import text

LARGEST = 64 * 1024 * 1024  # bytes; locks of thousands of packages with all their hashes have some megabytes

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def load(path: Path) -> str:
    """The text of *path*. Raises InvalidProject when it is missing, unreadable, larger than LARGEST or no text.

    Bytes that are not UTF-8 are read as Latin-1, so that an accent in a comment stops nobody.
    """
    place = Place(str(path))
    data = text.read(path, place.file, LARGEST)
    refuse_pointer(data[:60].decode("ascii", "replace"), place)
    return _decode(data, place)


def refuse_pointer(beginning: str, place: Place) -> None:
    """Raise InvalidProject when a file's *beginning* shows that Git LFS left a pointer in its place."""
    if beginning.startswith("version https://git-lfs.github.com/spec/"):
        raise InvalidProject(
            "this is a pointer of Git LFS, not the file itself",
            place=place,
            hint="get the file itself by: git lfs pull",
        )


def _decode(data: bytes, place: Place) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding)
            except UnicodeDecodeError:
                raise InvalidProject(
                    f"the file begins as {encoding} text but is not", place=place, hint="save it as UTF-8"
                ) from None
    if b"\0" in data:
        raise InvalidProject("the file is not text", place=place, hint="save it as UTF-8")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
