"""The content type of an artifact, as MLflow's server tells it: text that people read is ``text/plain``."""

from __future__ import annotations

import mimetypes

_TEXT = frozenset(
    "txt log err cfg conf cnf cf ini properties prop hocon toml yaml yml xml json js py py3 csv tsv md rst ipynb"
    " mlmodel mlproject".split()
)
_TABLE = mimetypes.MimeTypes()  # Python's own table: that of the machine would say something else elsewhere


def of(name: str) -> str:
    """The type of a file of this name; ``application/octet-stream`` when it is not known."""
    if name.rpartition(".")[2].lower() in _TEXT:
        return "text/plain"
    return _TABLE.guess_type(name)[0] or "application/octet-stream"
