"""Conditions of the machine that reach the command line as an OSError: shown with the path and what to do, as they are
no bugs."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import mlproj
from mlproj.foundation import paths, presence
from mlproj.foundation.errors import MlprojError, ServiceError, SourceError

_LONGEST = 200  # characters of a path that are shown
_HINTS = {
    errno.EACCES: "its owner and permissions decide who may: ls -ld shows them",
    errno.EPERM: "its owner and permissions decide who may: ls -ld shows them",
    errno.EROFS: "the file system is mounted read-only",
    errno.ENAMETOOLONG: "the path or a name in it is longer than this system allows",
    errno.ELOOP: "symbolic links lead in a circle",
    errno.ENOENT: "it was removed meanwhile, or a folder above it was",
    errno.EMFILE: "ulimit -n tells and raises how many files may be open",
    errno.ESTALE: "the file server forgot it: mount the folder again",
}
# Those that say something about the machine even where no file is named.
_OF_THE_MACHINE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.EROFS, errno.ESTALE, errno.EAGAIN)


def explain(error: OSError) -> MlprojError | None:
    """What to tell the user of *error*; None for what may be a mistake of ours: no file is named, or it is one of this
    package."""
    if isinstance(error, FileNotFoundError) and presence.current_folder() is None:
        return SourceError(
            "the current folder is not there any more, or may not be read",
            hint="cd to another folder, and run it again",
        )
    path = _path(error)
    if path is None:
        return (
            ServiceError(f"the system refused: {error.strerror}", hint=_hint(error))
            if error.errno in _OF_THE_MACHINE
            else None
        )
    if path.is_relative_to(Path(mlproj.__file__).parent):
        return None
    message = f"{_shown(path)}: {error.strerror or error}"
    for name, folder in (("MLPROJ_HOME", paths.home()), ("MLPROJ_CACHE", paths.cache())):
        if path.is_relative_to(folder) or folder.is_relative_to(path):
            return ServiceError(message, hint=f"{name} can name another folder than {folder}")
    return SourceError(message, hint=_hint(error))


def _path(error: OSError) -> Path | None:
    """The file that *error* names; of several (``shutil.Error``) the first."""
    name = error.filename
    if name is None and error.args and isinstance(error.args[0], list) and error.args[0]:
        name = error.args[0][0][0]
    if not isinstance(name, (str, bytes)) or not name:
        return None
    return Path(os.path.abspath(os.fsdecode(name)) if presence.current_folder() else os.fsdecode(name))  # noqa: PTH100


def _hint(error: OSError) -> str | None:
    return _HINTS.get(error.errno or 0)


def _shown(path: Path) -> str:
    text = str(path)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 2 :]}"
