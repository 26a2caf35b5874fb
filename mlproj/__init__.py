"""Run machine-learning projects from wherever they live, write down what happened, and do it again.

``mlproj.run`` is the Python twin of ``mlproj run``. Importing this package loads nothing else: programs that a run
starts may import it too and must not pay for the runner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlproj.runner import RunHandle as RunHandle
    from mlproj.runner import run as run

__version__ = "0.1.0"

_LAZY = {"run": "mlproj.runner", "RunHandle": "mlproj.runner"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
