"""Typing mistakes that YAML reads as something else."""

from __future__ import annotations

import re

_LOST_COLON = (
    r"""(?s)(?P<key>[A-Za-z_][\w-]*)(?::(?P<value>[^\s:/].*)|\s+(?P<quoted>["'].*)|\s*=\s*(?P<equal>[^\s=].*))$"""
)
TEMPLATE_HINT = "render it first (cookiecutter, jinja), or put the whole value in quotes"


def meant_pair(word: str) -> str | None:
    """``default: 10`` for ``default:10`` and ``default=10``, ``default: "x"`` for ``default "x"``; None when *word* is
    none of them."""
    lost = re.match(_LOST_COLON, word)
    return f"{lost['key']}: {lost['value'] or lost['quoted'] or lost['equal']}" if lost else None
