"""What is said of the model that is served: to people, to clients that ask, in metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from mlproj.foundation.dataclass import dataclass
from mlproj.models.opened import OpenedModel
from mlproj.models.scoring.example import example_of
from mlproj.models.signature import Signature
from mlproj.models.signature_document import signature_document


@dataclass(frozen=True)
class About:
    """A served model: its ``name`` fits into a path, ``title`` is for people; ``version`` is that of a registered
    model. ``example`` is a body that it can be asked with."""

    name: str
    title: str
    address: str
    version: str | None = None
    signature: Signature | None = None
    example: bytes | None = None

    def document(self) -> dict[str, Any]:
        """Plain data; ``fields`` are the example's first row by column, where it has columns."""
        example = None if self.example is None else json.loads(self.example)
        return {
            "name": self.name,
            "title": self.title,
            "version": self.version,
            "address": self.address,
            "signature": signature_document(self.signature),
            "example": example,
            "fields": first_row(example),
        }


def about(opened: OpenedModel) -> About:
    """What there is to say of *opened*."""
    version = opened.version
    name = version.name if version else opened.logged.name if opened.logged else opened.folder.name
    return About(
        re.sub(r"[^\w.~-]+", "-", name) or "model",
        opened.name,
        opened.address,
        str(version.version) if version else None,
        opened.file.signature,
        example_of(opened),
    )


def first_row(example: Any) -> Mapping[str, Any] | None:
    """The first row of a body of columns, by their names; None where it has none."""
    if not isinstance(example, dict):
        return None
    split = example.get("dataframe_split")
    if isinstance(split, dict) and isinstance(split.get("columns"), list) and split.get("data"):
        return dict(zip(map(str, split["columns"]), split["data"][0], strict=False))
    for form in ("dataframe_records", "instances", "inputs"):
        found = example.get(form)
        if isinstance(found, list) and found and isinstance(found[0], dict):
            return found[0]
    inputs = example.get("inputs")
    if isinstance(inputs, dict):
        return {name: value[0] if isinstance(value, list) and value else value for name, value in inputs.items()}
    return None
