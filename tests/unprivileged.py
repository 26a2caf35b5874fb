"""Commands as somebody whom permissions bind: root may read everything, so that tests which run as root give that right
up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import lack
from tests.program import Result

_RIGHTS = "-dac_override,-dac_read_search"


def mlproj(*arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> Result:
    """``mlproj ARGUMENTS``, run to its end, for whom a folder of mode 000 is closed."""
    prefix = []
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            lack("setpriv is not on this machine, and root may read everything")
        prefix = ["setpriv", f"--bounding-set={_RIGHTS}", f"--inh-caps={_RIGHTS}"]
    line = [*prefix, sys.executable, "-m", "mlproj", *map(str, arguments)]
    done = subprocess.run(
        line, cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


@contextmanager
def closed(*places: Path, mode: int = 0) -> Iterator[None]:
    """Take the permissions of *places* away while the block runs."""
    before = [place.stat().st_mode for place in places]
    for place in places:
        place.chmod(mode)
    try:
        yield
    finally:
        for place, old in zip(places, before, strict=True):
            place.chmod(old)
