"""YAML with places: plain values, and where in the file each of them stands.

``load(path)`` and ``parse(text, file)`` give a :class:`Document`. ``document.value`` is what ``yaml.safe_load`` would
give; ``document.place("entry_points", "main")`` is where that value stands, ``document.key_place(…)`` where its key
does, and ``document.raw(…)`` a scalar as it was written, so that the version ``3.10`` stays ``3.10``.

The text is hostile: size, depth and expanded aliases are bounded; tags that make objects and several documents are
refused. Whatever is wrong is an InvalidProject with its place. What YAML's usual reader takes, and nobody means (a key
given twice, a default that a missing space loses), is among ``document.findings``.
"""

from __future__ import annotations

from pathlib import Path

from mlproj.foundation.errors import InvalidProject, Place
from mlproj.yaml_document import memo
from mlproj.yaml_document.document import Document
from mlproj.yaml_document.text import MAX_SIZE, Text, decode, read

__all__ = ["MAX_SIZE", "Document", "load", "parse"]


def load(path: Path, *, shown: str | None = None, remembered: bool = False) -> Document:
    """The YAML document in the file *path*, called *shown* (default: the path) in places. Raises InvalidProject.

    With *remembered* the cache may hold what the text was read into, for files that many commands read one after
    another.
    """
    file = str(path) if shown is None else shown
    return parse(decode(read(path, file), file), file, remembered=remembered)


def parse(text: str, file: str, *, remembered: bool = False) -> Document:
    """The YAML document that *text* is; *file* is its name in places. Raises InvalidProject."""
    source = Text(text.removeprefix("\ufeff"), file)
    known = memo.recall(source.text) if remembered else None
    if known is not None:
        return Document(source, known)
    from mlproj.yaml_document.composing import compose  # PyYAML: 15 ms

    root = compose(source)
    if root is None:
        raise InvalidProject("the file is empty", place=Place(file, 1, 1))
    document = Document(source, root)
    if remembered:
        memo.keep(source.text, root)
    return document
