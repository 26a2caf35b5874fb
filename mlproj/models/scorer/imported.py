"""Which files a process has loaded: of modules, and of libraries that these opened."""

from __future__ import annotations

import sys
from pathlib import Path


def files() -> list[str]:
    """Paths, sorted; on Linux with the shared libraries that the process has in memory."""
    found = set()
    for module in list(sys.modules.values()):
        for name in ("__file__", "__cached__"):
            path = getattr(module, name, None)
            if isinstance(path, str):
                found.add(path)
    try:
        with Path("/proc/self/maps").open() as lines:
            found.update(line.split(None, 5)[5].strip() for line in lines if "/" in line)
    except OSError:
        pass  # another system: what modules say is all that is known
    return sorted(found)
