"""The model that a server answers with at this moment."""

from __future__ import annotations

from mlproj.models.scoring.service import Service
from mlproj.models.serving.about import About
from mlproj.models.serving.recording import Recorder


class Current:
    """A service, and what is said of the model that it serves; *loaded_by* says whose code loaded it,
    ``recorder`` keeps what is asked."""

    def __init__(self, service: Service, about: About) -> None:
        self.service = service
        self.about = about
        self.loaded_by = ""
        self.recorder: Recorder | None = None
