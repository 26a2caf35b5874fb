"""Slips of the pen that YAML reads as something else."""

from __future__ import annotations

import re

_LOST_SPACE = re.compile(r"""(?P<key>[A-Za-z_][\w-]*)(?::(?P<value>[^\s:/].*)|\s+(?P<quoted>["'].*))$""", re.DOTALL)
TEMPLATE_HINT = "render it first (cookiecutter, jinja), or put the whole value in quotes"


def meant_pair(word: str) -> str | None:
    """``default: 10`` for ``default:10`` and ``default: "x"`` for ``default "x"``; None when *word* is neither."""
    lost = _LOST_SPACE.match(word)
    return f"{lost['key']}: {lost['value'] or lost['quoted']}" if lost else None
