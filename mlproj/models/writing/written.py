"""What a flavor's writer is asked, and what it says of the files that it wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlproj.foundation.dataclass import dataclass, field


@dataclass(frozen=True)
class Order:
    """A model to write into ``folder``. ``pickle`` allows formats that execute code when they are read; ``example`` is
    the data of the input example, None without one; ``uuid`` tells this model from any other."""

    model: Any
    folder: Path
    pickle: bool
    example: Any
    uuid: str


@dataclass(frozen=True)
class Written:
    """``flavor`` is the native one with its ``options``, ``pyfunc`` what ``python_function`` says besides.

    ``serialization`` names the format; ``needs`` the distributions that loading takes at least; ``code`` the modules
    that were written or found to belong to it.
    """

    flavor: str
    options: Mapping[str, Any]
    pyfunc: Mapping[str, Any]
    serialization: str
    needs: tuple[str, ...]
    code: tuple[Path, ...] = field(default=())
