"""Whether a copy of this process (fork) would work: what libraries have begun that is not in the copy."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

_OPENBLAS = re.compile(r"/\S*openblas\S*")


def may_be_copied() -> bool:
    """False if a library is known to break in a copy, or there are threads of which nobody knows that they do not
    matter: who waits for one of them in the copy waits for ever."""
    torch: Any = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is not None and cuda.is_initialized():
        return False
    if {"tensorflow", "jax", "jpype", "py4j"} & sys.modules.keys():
        return False
    try:
        return _threads() <= _of_openblas()
    except (OSError, ValueError):
        return False


def _threads() -> int:
    """How many there are besides this one; not those with a name, which libraries give to what works for itself."""
    folder = Path("/proc/self/task")
    ours = Path("/proc/self/comm").read_text()
    return sum((task / "comm").read_text() == ours for task in folder.iterdir()) - 1


def _of_openblas() -> int:
    """How many OpenBLAS has begun when it was loaded: it stops them before a copy is made, and begins them again."""
    libraries = set(_OPENBLAS.findall(Path("/proc/self/maps").read_text()))
    wanted = [os.environ.get(name) for name in ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS")]
    chosen = [int(text) for text in wanted if text and text.isdigit() and int(text)]
    processors = len(os.sched_getaffinity(0))
    return len(libraries) * (min([*chosen[:1], processors]) - 1)
