"""An environment that this machine lacks a program for: it can be described, as for ``--dry-run``, and not made."""

from __future__ import annotations

from mlproj.environments.base import Declaration, Description, Prepared
from mlproj.foundation.errors import MlprojError
from mlproj.foundation.progress import Progress


class UnavailableEnvironment:
    """What a declaration asks for; ``trouble`` says what is missing here."""

    def __init__(self, kind: str, declaration: Declaration, trouble: MlprojError) -> None:
        self._trouble = trouble
        image = declaration.options.get("image") or declaration.options.get("dockerfile")
        hint = f" ({trouble.hint})" if trouble.hint else ""
        self.description = Description(
            kind=kind,
            manager="nothing that is here",
            declaration=declaration,
            image=str(image) if image else None,
            notes=(f"missing on this machine: {trouble}{hint}",),
        )

    def is_ready(self) -> bool:
        """Never."""
        return False

    def prepare(self, progress: Progress, *, rebuild: bool = False) -> Prepared:
        """Raises what says what is missing."""
        del progress, rebuild
        raise self._trouble
