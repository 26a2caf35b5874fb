"""Text that was meant for a terminal, or holds anything at all, as a document may hold it."""

from __future__ import annotations

import re

from mlproj.foundation.redaction import redact

# What drives a terminal (ECMA-48): control sequences, strings such as titles and links, two-character escapes.
_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]|\x9b[0-?]*[ -/]*[@-~]"
)
# All but the characters of XML 1.0 (https://www.w3.org/TR/xml/#charsets), and the controls that it discourages.
_ILLEGAL = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """*text* without secrets, without what drives a terminal, and without characters that XML 1.0 cannot hold; lines
    end in a newline."""
    text = _ANSI.sub("", redact(text))
    return _ILLEGAL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
