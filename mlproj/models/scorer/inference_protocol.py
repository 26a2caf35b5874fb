"""The Open Inference Protocol v2: named tensors, in JSON or as bytes → what the model is asked with, and back.

Columns of a signature are tensors of one dimension (or of two, the second of one), as MLServer has them.
"""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

from .binary_tensor import bytes_of, of_bytes
from .casting import cast_frame
from .encoding import encode as encode_json
from .errors import BAD_REQUEST, ScoringError
from .schema import Schema, Signature

DTYPES = {
    "BOOL": "bool",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
}
DTYPES.update({f"{sign}INT{bits}": f"{sign.lower()}int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)})
_DATATYPES = {dtype: name for name, dtype in DTYPES.items()}
_MOST_DIMENSIONS = 32
_MOST_ELEMENTS = 1 << 31


class Form(NamedTuple):
    """How a request is answered: *outputs* are the names of those that are wanted, with whether as bytes."""

    model: str
    version: str
    id: Any
    outputs: dict[str, bool] | None
    binary: bool


class Asked(NamedTuple):
    """What the model is asked with, before it is checked, and how it is answered."""

    data: Any
    params: Any
    form: Form


def invalid(message: str) -> ScoringError:
    """The request is not what the protocol has."""
    return ScoringError(message, BAD_REQUEST)


def read(body: bytes, given: dict[str, Any], signature: Signature) -> Asked:
    """The request in *body*; *told* is what the server says of it. ScoringError if it is none."""
    size = given.get("json")
    if size is not None and size > len(body):
        raise invalid(f"the body has {len(body)} bytes, of which the JSON should be {size}")
    document = _document(body if size is None else body[:size])
    rest = memoryview(body)[len(body) if size is None else size :]
    tensors, end = {}, 0
    for tensor in _inputs(document):
        name, values, end = _tensor(tensor, rest, end)
        if name in tensors:
            raise invalid(f"there are two inputs {name!r:.80}")
        tensors[name] = values
    if end != len(rest):
        raise invalid(f"{len(rest)} bytes follow the JSON, and the inputs have {end}")
    parameters = _parameters(document)
    as_frame = parameters.get("content_type") == "pd"
    return Asked(_data(tensors, signature.inputs, as_frame), _params(parameters, signature), _form(document, given))


def _document(text: bytes) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise invalid(f"the body is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise invalid("the body must be an object")
    return document


def _inputs(document: dict[str, Any]) -> list[dict[str, Any]]:
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or not inputs or not all(isinstance(one, dict) for one in inputs):
        raise invalid("'inputs' must be a list of tensors")
    return inputs


def _parameters(document: dict[str, Any]) -> dict[str, Any]:
    found = document.get("parameters") or {}
    if not isinstance(found, dict):
        raise invalid("'parameters' must be an object")
    return found


def _tensor(tensor: dict[str, Any], rest: memoryview, start: int) -> tuple[str, Any, int]:
    """The name and the array of a tensor, and where in *rest* the bytes of the next one begin."""
    name, datatype = tensor.get("name"), tensor.get("datatype")
    if not isinstance(name, str):
        raise invalid("an input has no name")
    if datatype != "BYTES" and (not isinstance(datatype, str) or datatype not in DTYPES):
        raise invalid(f"the input {name!r:.80} has no datatype that is known: {datatype!r:.40}")
    shape = _shape(name, tensor.get("shape"))
    parameters = _parameters(tensor)
    size = parameters.get("binary_data_size")
    try:
        if size is None:
            values = _of_json(tensor.get("data"), datatype, shape)
        else:
            if type(size) is not int or not 0 <= size <= len(rest) - start:
                raise ValueError(f"binary_data_size {size!r:.40} is not in the body")
            values = of_bytes(rest[start : start + size], DTYPES.get(datatype), shape)
            start += size
        return name, _text(values, datatype, parameters), start
    except (ValueError, TypeError, OverflowError, RecursionError, UnicodeError) as error:
        raise invalid(f"the input {name!r:.80} is not of datatype {datatype} and shape {shape}: {error}") from error


def _shape(name: str, shape: Any) -> list[int]:
    whole = isinstance(shape, list) and len(shape) <= _MOST_DIMENSIONS and all(type(one) is int for one in shape)
    if not whole or any(one < 0 for one in shape) or count_of(shape) > _MOST_ELEMENTS:
        raise invalid(f"the input {name!r:.80} has no shape: a list of sizes")
    found: list[int] = shape
    return found


def count_of(shape: Any) -> int:
    """How many elements a shape has."""
    count = 1
    for size in shape:
        count *= size
    return count


_KINDS: dict[str, Any] = {"BOOL": {bool}, "BYTES": {str}}


def _of_json(data: Any, datatype: str, shape: list[int]) -> Any:
    import numpy as np

    values = _flat(data)
    if len(values) != count_of(shape):
        raise ValueError(f"it has {len(values)} elements")
    is_float = datatype.startswith("FP")
    allowed = _KINDS.get(datatype) or ({int, float, type(None)} if is_float else {int})
    found = set(map(type, values))
    if not found <= allowed:
        raise ValueError("it has a {}".format(" and a ".join(sorted(one.__name__ for one in found - allowed))))
    if datatype == "BYTES":
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array.reshape(shape)
    if is_float:
        with np.errstate(over="ignore"):
            return np.array(values, dtype="float64").astype(DTYPES[datatype]).reshape(shape)
    return np.array(values, dtype=DTYPES[datatype]).reshape(shape)


def _flat(data: Any) -> list[Any]:
    """The elements of lists in lists, row by row; not by recursion, as there may be many."""
    if not isinstance(data, list):
        raise ValueError("'data' must be a list")
    values = data
    for _ in range(_MOST_DIMENSIONS):
        if list not in set(map(type, values)):
            return values
        if set(map(type, values)) != {list}:
            raise ValueError("lists and values are mixed")
        values = [one for part in values for one in part]
    raise ValueError("it is nested too deeply")


def _text(values: Any, datatype: str, parameters: dict[str, Any]) -> Any:
    """Texts of the elements of BYTES, unless they are said to be bytes in base64."""
    if datatype != "BYTES":
        return values
    as_bytes = parameters.get("content_type") == "base64"
    flat = values.reshape(-1)
    for place, one in enumerate(flat):
        if as_bytes:
            flat[place] = base64.b64decode(one, validate=True)
        elif isinstance(one, bytes):
            flat[place] = one.decode()
    return flat.reshape(values.shape)


def _data(tensors: dict[str, Any], schema: Schema | None, as_frame: bool) -> Any:
    if schema is not None and schema.is_tensor_spec:
        return _as_declared(tensors, schema)
    if schema is not None or as_frame:
        frame = _frame(tensors, schema)
        return frame if schema is None else cast_frame(frame, schema)
    return next(iter(tensors.values())) if len(tensors) == 1 else tensors


def _as_declared(tensors: dict[str, Any], schema: Schema) -> Any:
    if not schema.has_input_names:
        if len(tensors) != 1:
            raise invalid(f"the model takes one tensor, and there are {len(tensors)}")
        return _cast(next(iter(tensors.values())), schema.inputs[0])
    specs = schema.input_dict()
    return {name: _cast(values, specs[name]) if name in specs else values for name, values in tensors.items()}


def _cast(values: Any, spec: Any) -> Any:
    try:
        return values if values.dtype == spec.type else values.astype(spec.type)
    except (ValueError, TypeError, OverflowError) as error:
        raise invalid(f"the tensor is not of type {spec.type}: {error}") from error


def _frame(tensors: dict[str, Any], schema: Schema | None) -> Any:
    import pandas as pd

    names = [] if schema is None else [str(name) for name in schema.input_names()]
    first = next(iter(tensors.values()))
    if len(tensors) == 1 and first.ndim == 2 and first.shape[1] != 1 and not set(tensors) & set(names):
        named = len(names) == first.shape[1] and schema is not None and schema.has_input_names
        return pd.DataFrame(first, columns=names if named else None)
    columns = {name: _column(name, values) for name, values in tensors.items()}
    if len({len(values) for values in columns.values()}) > 1:
        raise invalid("the inputs are columns, and have different numbers of rows")
    frame = pd.DataFrame(columns)
    if schema is not None and not schema.has_input_names:
        frame.columns = range(len(frame.columns))
    return frame


def _column(name: str, values: Any) -> Any:
    if values.ndim == 1:
        return values
    if values.ndim == 2 and values.shape[1] == 1:
        return values[:, 0]
    if values.ndim == 0:
        raise invalid(f"the input {name!r:.80} is a column, and has no rows")
    return list(values)


def _params(parameters: dict[str, Any], signature: Signature) -> Any:
    declared = {spec.name for spec in signature.params or ()}
    return {name: value for name, value in parameters.items() if name in declared}


def _form(document: dict[str, Any], given: dict[str, Any]) -> Form:
    wanted = document.get("outputs")
    outputs = None
    binary = _parameters(document).get("binary_data_output") is True
    if wanted:
        if not isinstance(wanted, list) or not all(
            isinstance(one, dict) and isinstance(one.get("name"), str) for one in wanted
        ):
            raise invalid("'outputs' must be a list of objects with a name")
        outputs = {one["name"]: _parameters(one).get("binary_data", binary) is True for one in wanted}
    return Form(str(given.get("model", "")), str(given.get("version", "")), document.get("id"), outputs, binary)


def encode(prediction: Any, form: Form, names: list[Any]) -> tuple[bytes, dict[str, str]]:
    """The body of the answer and its further headers; *names* are those that the signature gives to outputs."""
    tensors = _outputs(prediction, names)
    if form.outputs is not None:
        unknown = [name for name in form.outputs if name not in tensors]
        if unknown:
            raise invalid("there is no output {}; there are {}".format(unknown[0], ", ".join(tensors)))
        tensors = {name: tensors[name] for name in form.outputs}
    described: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for name, values in tensors.items():
        described.append(_described(name, values, form.binary if form.outputs is None else form.outputs[name], parts))
    document: dict[str, Any] = {"model_name": form.model, "model_version": form.version}
    if form.id is not None:
        document["id"] = form.id
    document["outputs"] = described
    head = json.dumps(document, allow_nan=False).encode()
    if not parts:
        return head, {}
    return b"".join([head, *parts]), {"Inference-Header-Content-Length": str(len(head))}


def _described(name: str, values: Any, binary: bool, parts: list[bytes]) -> dict[str, Any]:
    datatype = _DATATYPES.get(str(values.dtype), "BYTES")
    tensor: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(values.shape)}
    if binary:
        parts.append(bytes_of(values))
        tensor["parameters"] = {"binary_data_size": len(parts[-1])}
        return tensor
    data = values.reshape(-1).tolist()
    if datatype.startswith("FP"):  # JSON has no word for what is no number
        data = [one if one - one == 0 else None for one in data]
    tensor["data"] = data
    return tensor


def _outputs(prediction: Any, names: list[Any]) -> dict[str, Any]:
    if hasattr(prediction, "iloc") and hasattr(prediction, "columns"):
        return {str(name): _array(prediction[name].to_numpy()) for name in prediction.columns}
    if isinstance(prediction, dict) and prediction:
        return {str(name): _array(values) for name, values in prediction.items()}
    if isinstance(prediction, (tuple, list)) and prediction and all(getattr(one, "ndim", 0) for one in prediction):
        return {_name(names, place): _array(one) for place, one in enumerate(prediction)}
    return {_name(names, 0): _array(prediction)}


def _name(names: list[Any], place: int) -> str:
    return str(names[place]) if place < len(names) and names[place] is not None else f"output-{place + 1}"


def _array(values: Any) -> Any:
    """An array of a datatype that the protocol has: what is no number is a text, and what is neither is JSON."""
    import numpy as np

    try:
        array = values if isinstance(values, np.ndarray) else np.asarray(values)
    except ValueError:  # lists of different lengths
        array = np.empty(len(values), dtype=object)
        array[:] = list(values)
    if str(array.dtype) in _DATATYPES:
        return array
    flat = np.empty(array.size, dtype=object)
    flat[:] = [_as_text(one) for one in array.reshape(-1).tolist()]
    return flat.reshape(array.shape)


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return encode_json(value, True).decode()
