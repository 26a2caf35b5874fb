"""The environment that is already there: nothing is built, the command runs as the user would run it."""

from __future__ import annotations

from mlproj.environments.base import Declaration, Description, Environment, Prepared, Request
from mlproj.foundation.progress import Progress


class SystemEnvironment:
    """Whatever Python and packages are current; it has no key, because nobody controls its content."""

    def __init__(self, declaration: Declaration, notes: tuple[str, ...] = ()) -> None:
        self.description = Description(kind="system", manager="local", declaration=declaration, notes=notes)

    def is_ready(self) -> bool:
        """Always."""
        return True

    def prepare(self, progress: Progress, *, rebuild: bool = False) -> Prepared:
        """Nothing to do; *rebuild* has nothing to rebuild."""
        del progress, rebuild
        return Prepared(reused=True)


def create(request: Request, declaration: Declaration, progress: Progress) -> Environment:
    """The system as it is, with a note when that leaves a declaration unused."""
    del progress
    if request.locked is not None and request.in_container is None:
        return SystemEnvironment(declaration, ("of the system's environment nothing is locked: it is what it is now",))
    unused = request.manager == "local" and declaration.kind != "none"
    return SystemEnvironment(
        declaration, ("run in the current environment; the declared one is not made",) if unused else ()
    )
