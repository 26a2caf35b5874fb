"""How names of Python packages are compared."""

from __future__ import annotations

import re


def canonical(name: str) -> str:
    """*name* as package indexes compare names (PEP 503); ``packaging.utils`` has the same, at the cost of an import."""
    return re.sub(r"[-_.]+", "-", name).lower()
