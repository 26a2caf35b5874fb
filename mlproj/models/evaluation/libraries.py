"""The libraries that measuring takes, asked for by name when one is missing."""

from __future__ import annotations

from importlib.util import find_spec

from mlproj.foundation.errors import UsageError

_NEEDED = {"pandas": "pandas", "sklearn": "scikit-learn", "scipy": "scipy"}


def check(*, charts: bool = False) -> None:
    """Raises UsageError that says how to install what is missing; *charts* are drawn by matplotlib."""
    needed = _NEEDED | ({"matplotlib": "matplotlib"} if charts else {})
    missing = [name for module, name in needed.items() if find_spec(module) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise UsageError(
            f"evaluating models needs {' and '.join(missing)}, which {verb} not installed",
            hint="pip install 'mlproj[evaluate]'",
        )
