"""The shortest way to what the model is asked with: columns that have the types of the signature already."""

from __future__ import annotations

from typing import Any

from ..datatype import DataType
from ..schema import ColSpec, Schema


def exact_frame(schema: Schema | None, frame: Any) -> Any:
    """The columns of the signature in its order, if there is nothing to convert in them: what the long way gives, too.
    None where it must be gone."""
    if schema is None or schema.is_tensor_spec or not schema.has_input_names:
        return None
    if not frame.columns.is_unique or not all(_is_exact(spec, frame) for spec in schema.inputs):
        return None
    names = [spec.name for spec in schema.inputs]
    return frame if list(frame.columns) == names else frame[names]


def _is_exact(spec: Any, frame: Any) -> bool:
    assert isinstance(spec, ColSpec)
    if spec.name not in frame.columns or not isinstance(spec.type, DataType):
        return False
    wanted = spec.type.to_numpy()
    return wanted.kind in "biufM" and bool(frame[spec.name].dtype == wanted)
