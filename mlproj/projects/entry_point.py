"""Reading the ``entry_points`` of MLproject."""

from __future__ import annotations

from typing import Any

from mlproj.foundation.errors import InvalidProject, did_you_mean
from mlproj.foundation.redaction import MASK, looks_secret
from mlproj.projects.base import REQUIRED, EntryPoint, Parameter
from mlproj.projects.parameter import TYPES, canonical_type
from mlproj.projects.reading import Reader, describe
from mlproj.projects.written_value import as_meant

ENTRY_POINT_KEYS = ("parameters", "command", "description")
PARAMETER_KEYS = ("type", "default", "description", "choices", "min", "max", "optional")

_EXAMPLE = "main: {command: python train.py}"


def read_entry_points(reader: Reader, mapping: dict[Any, Any]) -> dict[str, EntryPoint]:
    """The entry points that MLproject's top-level *mapping* declares. Raises InvalidProject."""
    if "entry_points" not in mapping:
        return {}
    declared = reader.mapping(mapping["entry_points"], "'entry_points'", _EXAMPLE, "entry_points")
    points = (_entry_point(reader, value, "entry_points", key) for key, value in declared.items())
    return {point.name: point for point in points}


def _entry_point(reader: Reader, value: Any, *keys: Any) -> EntryPoint:
    """One entry point; what is wrong with it is reported when it is asked for, as the others can be run all the
    same."""
    name = reader.name("entry point", *keys)
    try:
        return _sound_entry_point(reader, name, value, *keys)
    except InvalidProject as error:
        return EntryPoint(name, "", place=reader.document.key_place(*keys), trouble=error)


def _sound_entry_point(reader: Reader, name: str, value: Any, *keys: Any) -> EntryPoint:
    document = reader.document
    body = reader.mapping(value, f"the entry point {name!r}", f"{name}: {{command: python train.py}}", *keys)
    reader.unknown_keys(body, ENTRY_POINT_KEYS, *keys)
    command = body.get("command")
    if command is None:  # MLflow runs the other entry points of such a file, so this one fails when it is chosen
        reader.warn(
            f"the entry point {name!r} has no command",
            document.key_place(*keys),
            "add for example: command: python train.py",
        )
        command = ""
    command = reader.text(command, f"the command of {name!r}", *keys, "command")
    return EntryPoint(
        name=name,
        command=command,
        parameters=_parameters(reader, body.get("parameters"), *keys, "parameters"),
        description=_description(body),
        place=document.key_place(*keys),
        find=lambda fragment: document.find(fragment, *keys, "command") if command else None,
    )


def _parameters(reader: Reader, value: Any, *keys: Any) -> dict[str, Parameter]:
    if value is None:  # absent or left empty: none
        return {}
    declared = reader.mapping(value, "'parameters'", "alpha: {type: float, default: 0.5}", *keys)
    parameters = (_parameter(reader, one, *keys, key) for key, one in declared.items())
    return {parameter.name: parameter for parameter in parameters}


def _parameter(reader: Reader, value: Any, *keys: Any) -> Parameter:
    name = reader.name("parameter", *keys)
    place = reader.document.key_place(*keys)
    if isinstance(value, str):
        return Parameter(name, _type(reader, value, *keys), place=place)
    if not isinstance(value, dict):
        what = f"the parameter {name!r} is {describe(value)}, expected a type or a mapping"
        raise reader.error(
            what, *keys, hint=f"write for example: {name}: float, or {name}: {{type: float, default: 0.5}}"
        )
    reader.unknown_keys(value, PARAMETER_KEYS, *keys)
    kind = _type(reader, value["type"], *keys, "type") if value.get("type") is not None else "string"
    return Parameter(
        name,
        kind,
        default=_default(reader, name, kind, value, *keys),
        choices=_choices(reader, kind, value.get("choices"), *keys, "choices"),
        minimum=_number(reader, value.get("min"), *keys, "min"),
        maximum=_number(reader, value.get("max"), *keys, "max"),
        optional=_truth(reader, value.get("optional"), *keys, "optional"),
        description=_description(value),
        place=place,
        typo_hint=_mistyped_default(value),
    )


def _default(reader: Reader, name: str, kind: str, declared: dict[Any, Any], *keys: Any) -> Any:
    """A secret one that was masked when a run was kept is none: it has to be given."""
    if "default" not in declared or (declared["default"] == MASK and looks_secret(name)):
        return REQUIRED
    return as_meant(reader, kind, declared["default"], *keys, "default")


def _mistyped_default(declared: dict[Any, Any]) -> str | None:
    """How a default is to be written whose key is misspelt, or that YAML took for a key, as it does of ``default "x"``
    and ``default:1``."""
    for key, value in declared.items():
        if not isinstance(key, str) or key in PARAMETER_KEYS:
            continue
        if value is not None:
            if "default" not in declared and did_you_mean(key, PARAMETER_KEYS) == "default":
                return f"{key!r} is no default, write 'default'"
            continue
        from mlproj.yaml_document.typo import meant_pair

        meant = meant_pair(key)
        if meant and meant.startswith("default:"):
            return f"{key!r} is no default, write '{meant}'"
    return None


def _type(reader: Reader, value: Any, *keys: Any) -> str:
    if not isinstance(value, str):
        reader.pass_over(
            f"the type is {describe(value)}, expected text", *keys, hint=f"known: {', '.join(TYPES)}, list[…]"
        )
        return "string"
    written = value
    known = canonical_type(written)
    if known:
        return known
    guess = did_you_mean(written, tuple(TYPES))
    hint = f"did you mean {guess!r}?" if guess else f"known: {', '.join(TYPES)}, list[…]"
    reader.warn(f"the type {written[:60]!r} is unknown, values are taken as text", reader.document.place(*keys), hint)
    return "string"


def _choices(reader: Reader, kind: str, value: Any, *keys: Any) -> tuple[Any, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not value or any(isinstance(item, (list, dict)) for item in value):
        hint = "write for example: choices: [adam, sgd]"
        reader.pass_over(f"'choices' is {describe(value)}, expected a list of values", *keys, hint=hint)
        return None
    return tuple(as_meant(reader, kind, item, *keys, index) for index, item in enumerate(value))


def _number(reader: Reader, value: Any, *keys: Any) -> float | None:
    if value is None:
        return None
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        if isinstance(value, str):  # YAML reads 1e-3 as text
            return float(value)
    except (ValueError, OverflowError):
        pass
    reader.pass_over(f"{keys[-1]!r} is {describe(value)}, expected a number", *keys)
    return None


def _truth(reader: Reader, value: Any, *keys: Any) -> bool:
    if value is not None and not isinstance(value, bool):
        reader.pass_over(f"{keys[-1]!r} is {describe(value)}, expected true or false", *keys)
    return value is True


def _description(mapping: dict[Any, Any]) -> str | None:
    description = mapping.get("description")
    return None if description is None or isinstance(description, (list, dict)) else str(description).strip()
