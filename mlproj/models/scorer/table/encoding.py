"""What a model answered, or a frame, → columns of a message."""

from __future__ import annotations

from typing import Any

from ..encoding import json_text
from .wire import Column, is_missing


def column(name: Any, values: Any) -> tuple[Column, list[Any]]:
    """The description of a column and its buffers; *values* are an array, a list, or pandas' series."""
    import numpy as np

    described: Column = {"name": str(name), "rows": len(values)}
    zone = _zone(values)
    if zone is not None:
        described["zone"] = zone
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    array = _narrowed(_as_array(values))
    if array.dtype.kind in "biufmM" and array.ndim in (1, 2):
        array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        described["kind"] = array.dtype.str
        if array.ndim == 2:
            described["width"] = int(array.shape[1])
        return _sized(described, [array.tobytes()])
    return _objects(described, array.tolist())


def _narrowed(array: Any) -> Any:
    """In a type that file formats have: doubles at most, and dates of seconds at least."""
    import numpy as np

    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        return array.astype("float64")
    if array.dtype.kind in "mM" and np.datetime_data(array.dtype)[0] not in ("s", "ms", "us", "ns"):
        return array.astype(f"{array.dtype.kind}8[s]")
    return array


def _zone(values: Any) -> str | None:
    zone = getattr(getattr(values, "dtype", None), "tz", None)
    return None if zone is None else str(zone)


def _as_array(values: Any) -> Any:
    import numpy as np

    if isinstance(values, list):
        array = np.empty(len(values), object)
        array[:] = values
        plain = {type(value) for value in values}
        return np.array(values) if plain and plain <= {float, bool, int} and len(plain) == 1 else array
    if hasattr(values, "to_numpy") and _is_extension(values.dtype):
        return values.to_numpy(dtype=object, na_value=None)
    return np.asarray(values)


def _is_extension(dtype: Any) -> bool:
    import numpy as np

    return not isinstance(dtype, np.dtype)


def _objects(described: Column, values: list[Any]) -> tuple[Column, list[Any]]:
    """Texts or bytes where all are, else JSON."""
    missing = [is_missing(value) for value in values]
    kinds = {type(value) for value, gone in zip(values, missing) if not gone}
    if not kinds:
        return _sized(dict(described, kind="null"), [])
    if kinds in ({str}, {bytes}):
        full = [b"" if gone else value for value, gone in zip(values, missing)]
        cells = [value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value for value in full]
        return _of_cells(described, "utf8" if kinds == {str} else "binary", cells, missing)
    plain = [None if gone else value for value, gone in zip(values, missing)]
    return _sized(dict(described, kind="json"), [json_text(plain).encode()])


def _of_cells(described: Column, kind: str, cells: list[bytes], missing: list[bool]) -> tuple[Column, list[Any]]:
    import numpy as np

    offsets = np.zeros(len(cells) + 1, "<i8")
    np.cumsum([len(cell) for cell in cells], out=offsets[1:])
    buffers = [offsets.tobytes(), b"".join(cells)]
    described["kind"] = kind
    if any(missing):
        described["mask"] = True
        buffers.insert(0, bytes(missing))
    return _sized(described, buffers)


def _sized(described: Column, buffers: list[Any]) -> tuple[Column, list[Any]]:
    return dict(described, sizes=[len(buffer) for buffer in buffers]), buffers
