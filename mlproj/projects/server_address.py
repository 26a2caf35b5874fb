"""One address that a project names for an MLflow server."""

from __future__ import annotations

from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import Place


@dataclass(frozen=True)
class ServerAddress:
    """An address that is named for an MLflow server: ``host`` as it is written there, ``port``, and the ``file``
    (relative to the project's folder, with slashes) and ``line`` that name it. ``file`` is a variable's name with a
    dollar where a variable of the environment does, and empty where the command itself does; ``line`` is None then.
    ``scheme`` is ``http`` or ``https``."""

    host: str
    port: int
    file: str
    line: int | None = None
    scheme: str = "http"

    @property
    def url(self) -> str:
        """The address as clients write it."""
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def is_answerable(self) -> bool:
        """Whether a run's own tracking server can answer there: it has no certificate that a client would trust."""
        return self.scheme == "http"

    @property
    def place(self) -> str:
        """What names it, for people: ``train.py:12``."""
        return str(Place(self.file, self.line)) if self.file else "the command"
