"""The sign by which a command tells that it began.

An exit code of 0 does not say so. What a command is handed to can end well without starting it: an image's ENTRYPOINT
that takes the words for its own, a file that ``BASH_ENV`` names and that exits, a shell that is told to execute
nothing. So a file of the run holds a sentence until the shell that is to run the command empties it, as its last step
before the command. That takes no program, no network and no room on the disk.
"""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from pathlib import Path

_FOLDER, _FILE = "start", "not-started"
_SENTENCE = b"The command of this run has not started.\n"


def create(run_dir: Path) -> Path:
    """Make the file of the run in *run_dir*, which is there. Its folder is ours alone, and the file is everybody's:
    in a container the command may belong to another user. Raises OSError."""
    folder = run_dir / _FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / _FILE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        os.fchmod(descriptor, 0o666)  # whatever the umask
        os.write(descriptor, _SENTENCE)
    finally:
        os.close(descriptor)
    return path


def shell_step(path: Path | str) -> str:
    """What a shell does before a command, on the command's first line, whose number errors show. *path* is the file's
    as the shell sees it. It must not fail, whatever options the shell was started with (``noclobber``, ``errexit``)."""
    return f"{{ >|{shlex.quote(str(path))}; }} 2>/dev/null || :; "


def collect(path: Path) -> bool:
    """Whether the command began; its file is removed."""
    try:
        has_begun = path.stat().st_size == 0
    except OSError:
        return False
    with suppress(OSError):
        path.unlink()
        path.parent.rmdir()
    return has_begun
