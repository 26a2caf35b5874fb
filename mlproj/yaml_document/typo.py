"""Slips of the pen that YAML reads as something else."""

from __future__ import annotations

import re

_LOST_COLON = re.compile(
    r"""(?P<key>[A-Za-z_][\w-]*)(?::(?P<value>[^\s:/].*)|\s+(?P<quoted>["'].*)|\s*=\s*(?P<equal>[^\s=].*))$""",
    re.DOTALL,
)
TEMPLATE_HINT = "render it first (cookiecutter, jinja), or put the whole value in quotes"


def meant_pair(word: str) -> str | None:
    """``default: 10`` for ``default:10`` and ``default=10``, ``default: "x"`` for ``default "x"``; None when *word* is
    none of them."""
    lost = _LOST_COLON.match(word)
    return f"{lost['key']}: {lost['value'] or lost['quoted'] or lost['equal']}" if lost else None
