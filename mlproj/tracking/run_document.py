"""The JSON documents of a run's record (schema 1): what their fields may hold, checked where they come in and ensured
where they are read.

Whatever an older version let in must not keep anybody from looking at a run: a field of another kind than it is
declared is read as its text, or as absent.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlproj.foundation.errors import UsageError
from mlproj.tracking.base import Output

_DEEPEST = 20  # levels of lists and objects
_TOO_DEEP = "(nested too deeply to be shown)"
# What JSON data may hold and no other program takes: half a surrogate pair, numbers that are none.
_ODD = re.compile(r"\\u[dD]|NaN|Infinity|[eE]\+?\d{3}")
_DIGEST = r"(?:[0-9A-Fa-f]{2})*"
_INT64 = range(-(2**63), 2**63)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(_DIGEST, value))


def _is_file_name(value: Any) -> bool:
    return isinstance(value, str) and "/" not in value and "\0" not in value


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in _INT64


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _are_named_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


class _Kind:
    """What a field may hold besides null: *expected* in words, and the fields of an object by their kinds."""

    def __init__(
        self,
        expected: str,
        fits: Callable[[Any], bool],
        *,
        as_text: bool = False,
        fields: Mapping[str, _Kind] | None = None,
    ) -> None:
        self.expected = expected
        self.fits = fits
        self.as_text = as_text  # what does not fit is shown as its JSON text
        self.fields = fields


_TEXT = _Kind("text", _is_text, as_text=True)
_SHA256 = _Kind("a SHA-256 in hexadecimal digits", _is_digest)
_FILE = _Kind("the name of a file", _is_file_name)
_FLAG = _Kind("true or false", _is_flag)
_SIZE = _Kind("an integer that fits in 64 bits", _is_size)
_TEXTS = _Kind("a list of texts", _are_texts)
_NAMED_TEXTS = _Kind("an object of texts", _are_named_texts)


def _object(**fields: _Kind) -> _Kind:
    return _Kind("an object", lambda value: isinstance(value, dict), fields=fields)


def _texts(names: str) -> dict[str, _Kind]:
    return dict.fromkeys(names.split(), _TEXT)


_IMAGE = _object(
    **_texts("name id digest engine"),
    base=_object(**_texts("name id digest")),
    entrypoint=_object(words=_TEXTS, used=_FLAG),
)
_MACHINE = _object(
    **_texts("os kernel architecture libc processor vectors gpu_driver"),
    processors=_SIZE,
    gpus=_TEXTS,
    variables=_NAMED_TEXTS,
)
SOURCE = _object(
    **_texts("uri commit branch tag commit_date subdirectory diff_note kind requested digest"), dirty=_FLAG
)
ENVIRONMENT = _object(
    **_texts("kind manager python language key as_of as_of_reason python_reason declared_by file reason"),
    lock=_FILE,
    reused=_FLAG,
    machine=_MACHINE,
    image=_IMAGE,
)
INPUT = _object(**_texts("parameter uri"), sha256=_SHA256, size=_SIZE)
OUTPUT = _object(path=_TEXT, sha256=_SHA256, size=_SIZE, kept=_FLAG)


def check(fields: Mapping[str, Any]) -> None:
    """Raise UsageError when a document among the fields of a :class:`~mlproj.tracking.base.NewRun` or
    :class:`~mlproj.tracking.base.RunChanges` is not what it is declared to be."""
    for name, kind in (("source", SOURCE), ("environment", ENVIRONMENT)):
        if fields.get(name) is not None:
            _check(fields[name], kind, name)
    for index, given in enumerate(fields.get("inputs") or ()):
        _check(given, INPUT, f"inputs[{index}]")
    for index, output in enumerate(fields.get("outputs") or ()):
        _check({"path": output.path, "sha256": output.sha256, "size": output.size}, OUTPUT, f"outputs[{index}]")


def _check(value: Any, kind: _Kind, where: str) -> None:
    if not kind.fits(value):
        raise UsageError(f"{where}: expected {kind.expected}, got {value!r:.80}")
    if not _is_shallow(value, _DEEPEST):
        raise UsageError(f"{where}: expected at most {_DEEPEST} levels of lists and objects")
    for name, inner in (kind.fields or {}).items():
        if value.get(name) is not None:
            _check(value[name], inner, f"{where}.{name}")


def _is_shallow(value: Any, levels: int) -> bool:
    if not isinstance(value, (dict, list)):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_shallow(item, levels - 1) for item in inner)


def read_document(stored: Any, kind: _Kind) -> Mapping[str, Any] | None:
    """``source`` or ``environment`` of a stored text; None for none."""
    found = _parsed(stored)
    if found is None:
        return None
    return _ensured(found, kind) if isinstance(found, dict) else {"unreadable": _shown(found)}


def read_inputs(stored: Any) -> Sequence[Mapping[str, Any]]:
    """``inputs`` of a stored text."""
    found = _parsed(stored)
    items = found if isinstance(found, list) else [] if found is None else [found]
    return [_ensured(item if isinstance(item, dict) else {"uri": _shown(item)}, INPUT) for item in items]


def read_outputs(stored: Any) -> tuple[Output, ...]:
    """``outputs`` of a stored text; what names no path is left out."""
    found = _parsed(stored)
    items = [_ensured(item, OUTPUT) for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    return tuple(
        Output(item["path"], item.get("sha256"), item.get("size") or 0, item.get("kept") is not False)
        for item in items
        if item.get("path")
    )


def read_tags(stored: Any) -> Mapping[str, str]:
    """The tags of a dataset of a stored text."""
    found = _parsed(stored)
    return {name: _shown(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _parsed(stored: Any) -> Any:
    """The JSON data of a column, such that every program can say it again."""
    if not stored:
        return None
    text = stored if isinstance(stored, str) else str(stored)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text[:1000]
    is_plain = not _ODD.search(text) and text.count("{") + text.count("[") <= _DEEPEST
    return found if is_plain else _plain(found, _DEEPEST)


def encodable(text: str) -> str:
    """*text* as records give it: what is no UTF-8, as in the name of a file, is written ``\\udcXX``."""
    return text.encode("utf-8", "backslashreplace").decode()


def _plain(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if not isinstance(value, (dict, list)):
        return value
    if levels == 0:
        return _TOO_DEEP
    if isinstance(value, dict):
        return {_plain(key, 0): _plain(item, levels - 1) for key, item in value.items()}
    return [_plain(item, levels - 1) for item in value]


def _ensured(document: dict[str, Any], kind: _Kind) -> dict[str, Any]:
    """*document* with each declared field of its kind, or as text, or null."""
    for name, inner in (kind.fields or {}).items():
        value = document.get(name)
        if value is None:
            continue
        if not inner.fits(value):
            document[name] = _shown(value) if inner.as_text else None
        elif inner.fields:
            document[name] = _ensured(value, inner)
    return document


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)[:1000]
