"""Files in folders that a program of somebody's could write to: where one was, there may be a pipe, a device or a link
now."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import IO

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def opened(path: Path) -> IO[bytes]:
    """The plain file *path*, for reading. Raises OSError for anything else, which could make us wait for ever, never
    end, or lead elsewhere."""
    descriptor = os.open(path, _FLAGS)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
    return os.fdopen(descriptor, "rb")
