"""What an image knows of its model besides the files."""

from __future__ import annotations

import json

from mlproj.models.opened import OpenedModel


def text(opened: OpenedModel) -> str:
    """It as JSON, the same for the same model."""
    version = opened.version
    document = {
        "name": version.name if version else opened.logged.name if opened.logged else None,
        "version": version.version if version else None,
        "address": public_address(opened),
        "title": opened.name,
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def public_address(opened: OpenedModel) -> str | None:
    """The model's address, unless it is a place on this machine, which is nobody's business."""
    return None if opened.address.startswith(("/", "file:")) else opened.address
