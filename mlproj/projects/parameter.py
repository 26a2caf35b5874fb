"""The types of parameters: their names, and whether a value is one of them."""

from __future__ import annotations

import json
import re
from typing import Any

from mlproj.foundation.redaction import MASK, looks_secret, mask_url
from mlproj.projects.base import Parameter, Project

TYPES = {
    "string": "string",
    "str": "string",
    "int": "int",
    "integer": "int",
    "float": "float",
    "number": "float",
    "bool": "bool",
    "boolean": "bool",
    "path": "path",
    "uri": "uri",
    "list": "list",
}
"""The names of types as authors write them, and the canonical ones."""

TRUTHS = {
    **dict.fromkeys(("true", "yes", "on", "1", "t", "y"), True),
    **dict.fromkeys(("false", "no", "off", "0", "f", "n"), False),
}
"""What people type for a truth value, in any case. The command gets what was typed."""

_LIST = re.compile(r"list\[\s*(\w+)\s*\]")
_INT = r"[+-]?[0-9]+"
_FLOAT = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan)", re.IGNORECASE)
_URI = r"[A-Za-z][A-Za-z0-9+.-]*:"
_EXPECTED = {
    "int": "a whole number, such as 10",
    "float": "a number, such as 0.1 or 1e-3",
    "bool": "true or false",
    "uri": "a URI, such as https://host/file or s3://bucket/key",
}


def canonical_type(name: str) -> str | None:
    """The canonical name of the type *name* (``str`` → string, ``list[integer]`` → list[int]), None for an unknown
    one."""
    folded = name.strip().lower()
    if folded in ("path", "uri") and name != folded:
        return None  # MLflow resolves paths only for the exact name
    items = _LIST.fullmatch(folded)
    if items:
        inner = TYPES.get(items[1])
        return f"list[{inner}]" if inner and inner != "list" else None
    return TYPES.get(folded)


def objection(parameter: Parameter, text: str) -> str | None:
    """What the value *text* should have been, as ``expected …``; None when it is fine for *parameter*."""
    kind = parameter.type
    if kind.startswith("list"):
        item_kind = kind[5:-1] or "string"
        items = list_items(text)
        for item in items or ():
            found = _objection(parameter, item_kind, item)
            if found:
                return f"{found} for each item, found {shown(parameter.name, item)}"
        return None if items is not None else "expected a list, such as [1, 2] or 1,2"
    return _objection(parameter, kind, text)


def _objection(parameter: Parameter, kind: str, text: str) -> str | None:
    if not _is_of(kind, text):
        return f"expected {_EXPECTED[kind]}"
    if parameter.choices is not None and not any(_same(kind, text, choice) for choice in parameter.choices):
        return f"expected one of {', '.join(map(str, parameter.choices))}"
    if kind not in ("int", "float"):
        return None
    number = float(text)
    if parameter.minimum is not None and not number >= parameter.minimum:
        return f"expected at least {parameter.minimum:g}"
    if parameter.maximum is not None and not number <= parameter.maximum:
        return f"expected at most {parameter.maximum:g}"
    return None


def _is_of(kind: str, text: str) -> bool:
    if kind == "int":
        return bool(re.fullmatch(_INT, text))
    if kind == "float":
        return bool(_FLOAT.fullmatch(text))
    if kind == "bool":
        return text.lower() in TRUTHS
    return bool(re.match(_URI, text)) if kind == "uri" else True


def _same(kind: str, text: str, choice: Any) -> bool:
    written = str(choice)
    if text == written:
        return True
    if kind in ("int", "float") and _is_of("float", written):
        return float(text) == float(written)
    return kind == "bool" and TRUTHS[text.lower()] == TRUTHS.get(written.lower())


def shown(name: str, value: str) -> str:
    """The *value* of the parameter *name* for a message: short, quoted, and masked where it may be a secret."""
    if looks_secret(name):
        return f"'{MASK}'"
    return repr(mask_url(value if len(value) <= 200 else f"{value[:200]}…"))


def list_items(text: str) -> list[str] | None:
    """The items of *text*, a JSON list or items between commas; None when it is an opened list that never closes."""
    inner = text.strip()
    if not inner.startswith("["):
        return [item.strip() for item in inner.split(",")] if inner else []
    try:
        loaded = json.loads(inner)
        return [item if isinstance(item, str) else json.dumps(item) for item in loaded]
    except (ValueError, RecursionError):
        pass
    if not inner.endswith("]"):
        return None
    inner = inner[1:-1].strip()  # Python's way, as in ['a', 'b']
    return [item.strip().strip("'\"") for item in inner.split(",")] if inner else []


def secret_defaults(project: Project) -> list[tuple[str, str]]:
    """The parameters whose names look secret, with their defaults; of one name each entry point may have another."""
    found = (parameter for point in project.entry_points.values() for parameter in point.parameters.values())
    return [(one.name, one.default) for one in found if isinstance(one.default, str) and looks_secret(one.name)]
