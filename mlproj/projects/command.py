"""Binding: from an entry point and the user's values to the text for ``bash -c``."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import InvalidProject, Notice, Place, UsageError, did_you_mean
from mlproj.projects.base import REQUIRED, Command, EntryPoint, Input, Parameter
from mlproj.projects.parameter import objection, shown
from mlproj.projects.rendering import render
from mlproj.projects.template import Doubled, Field, Stray, Undeclared, parse
from mlproj.projects.written import Written


@dataclass
class _Bound:
    """What comes of the values: ``texts`` for the command (None: absent), ``recorded`` as the user gave them,
    ``defaults`` by name."""

    texts: dict[str, str | None] = field(default_factory=dict)
    recorded: dict[str, str] = field(default_factory=dict)
    defaults: list[str] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)


def bind(
    entry_point: EntryPoint,
    values: Mapping[str, Any],
    *,
    cwd: Path,
    project_dir: Path,
    fetch: Callable[[str], Path] | None = None,
    hashed: bool = True,
) -> Command:
    """The command that *values* make of *entry_point*, byte for byte MLflow's apart from the fixes of this format.

    A value that is no text becomes what Python's ``str`` makes of it, as in MLflow (``True``, ``[1, 2]``); None means
    none. Relative paths among the values mean files in *cwd*, else in *project_dir*; those among defaults the other way
    round. *fetch* brings a URI here and gives its path; without it URIs of ``path`` parameters stay as they are.
    *hashed*: inputs are read to know what they hold.

    Raises UsageError for values that are missing or of the wrong type, and InvalidProject for a command that uses a
    parameter nobody declared. The types of all values are checked before the first file is fetched.
    """
    given = {name: _text(name, _of_type(entry_point, name, value)) for name, value in values.items()}
    _check_command(entry_point)
    _check_missing(entry_point, given)
    for name, parameter in entry_point.parameters.items():
        _check_value(parameter, given.get(name))
    bound = _Bound(warnings=list(_template_warnings(entry_point)))
    for parameter in entry_point.parameters.values():
        _bind_one(bound, parameter, given, cwd, project_dir, fetch, hashed)
    extras = {name: value for name, value in given.items() if name not in entry_point.parameters and value is not None}
    bound.warnings.extend(_typo_warnings(entry_point, extras))
    bound.recorded.update(extras)
    text = render(entry_point, bound.texts, extras, bound.warnings)
    return Command(
        entry_point.name, text, bound.recorded, tuple(bound.inputs), tuple(bound.warnings), tuple(bound.defaults)
    )


def problems(entry_point: EntryPoint) -> tuple[list[InvalidProject], list[Notice]]:
    """What is wrong with *entry_point*, whatever values it is given: the errors that :func:`bind` raises, and
    warnings."""
    errors: list[InvalidProject] = []
    try:
        _check_command(entry_point)
    except InvalidProject as error:
        errors.append(error)
    warnings = list(_template_warnings(entry_point))
    warnings.extend(filter(None, map(_bad_default, entry_point.parameters.values())))
    return errors, warnings


def _of_type(entry_point: EntryPoint, name: str, value: Any) -> Any:
    """*value*, as its parameter's type wants it where a file wrote it otherwise than YAML reads it."""
    if not isinstance(value, Written):
        return value
    parameter = entry_point.parameters.get(name)
    return value.for_type(parameter.type if parameter else "string")


def _text(name: str, value: Any) -> str | None:
    text = None if value is None else str(value)
    if text is not None and "\0" in name + text:
        raise UsageError(f"the parameter {name!r} holds a NUL character, which cannot be passed to a program")
    return text


def _check_command(entry_point: EntryPoint) -> None:
    if entry_point.trouble:
        raise entry_point.trouble
    if not entry_point.command:
        hint = "add for example: command: python train.py"
        raise InvalidProject(f"the entry point {entry_point.name!r} has no command", place=entry_point.place, hint=hint)
    if "\0" in entry_point.command:
        raise InvalidProject(
            "the command holds a NUL character, which cannot be passed to a program", place=entry_point.place
        )
    for piece in parse(entry_point.command, entry_point.parameters):
        if isinstance(piece, Undeclared):
            names = ", ".join(entry_point.parameters) or "none"
            guess = did_you_mean(piece.name, list(entry_point.parameters))
            raise InvalidProject(
                f"the command of {entry_point.name!r} uses {piece.token}, which is no declared parameter; declared:"
                f" {names}" + (f"; did you mean {guess!r}?" if guess else ""),
                hint=(
                    f"declare {piece.name!r} under 'parameters', or write {{{piece.token}}} for braces that the shell"
                    " should see"
                ),
                place=entry_point.find(piece.token) or entry_point.place,
            )


def _check_missing(entry_point: EntryPoint, given: Mapping[str, str | None]) -> None:
    missing = [
        parameter
        for name, parameter in entry_point.parameters.items()
        if given.get(name) is None and not _may_be_absent(parameter, given)
    ]
    if missing:
        names = ", ".join(f"{parameter.name} ({parameter.type})" for parameter in missing)
        example = " ".join(f"-P {shlex.quote(parameter.name)}=…" for parameter in missing)
        plural = "s" if len(missing) > 1 else ""
        raise UsageError(
            f"the entry point {entry_point.name!r} needs a value for the parameter{plural} {names}",
            hint="; ".join([f"add {example}", *_lost_defaults(missing)]),
        )


def _lost_defaults(parameters: Sequence[Parameter]) -> list[str]:
    """Where the project meant to give a default, and how it is written."""
    return [
        f"{Path(parameter.place.file).name}:{parameter.place.line}: {parameter.typo_hint}"
        if parameter.place
        else parameter.typo_hint
        for parameter in parameters
        if parameter.typo_hint
    ]


def _may_be_absent(parameter: Parameter, given: Mapping[str, str | None]) -> bool:
    if parameter.name in given:  # given as null, which no default stands in for
        return parameter.optional or parameter.default is None
    return parameter.optional or parameter.default is not REQUIRED


def _check_value(parameter: Parameter, text: str | None) -> None:
    if text is None or (parameter.default is not REQUIRED and text == str(parameter.default)):
        return
    wrong = objection(parameter, text)
    if wrong:
        value = shown(parameter.name, text)
        raise UsageError(
            f"the value {value} of parameter {parameter.name!r} is wrong, {wrong}", hint=parameter.description
        )


def _bad_default(parameter: Parameter) -> Notice | None:
    if parameter.default is REQUIRED or parameter.default is None:
        return None
    wrong = objection(parameter, str(parameter.default))
    if not wrong:
        return None
    text = str(parameter.default)
    hint = "write null for none" if text in ("None", "none", "") else None
    message = f"the default {text!r} of {parameter.name!r} is no {parameter.type}, {wrong}"
    return Notice(message, parameter.place or Place("MLproject"), hint)


def _bind_one(
    bound: _Bound,
    parameter: Parameter,
    given: Mapping[str, str | None],
    cwd: Path,
    project_dir: Path,
    fetch: Callable[[str], Path] | None,
    hashed: bool,
) -> None:
    name, text = parameter.name, given.get(parameter.name)
    is_default = name not in given
    bound.defaults.extend([name] if is_default else [])
    if is_default and parameter.default is not REQUIRED and parameter.default is not None:
        text = _text(name, parameter.default)
        warning = _bad_default(parameter)
        bound.warnings.extend([warning] if warning else [])
    bound.texts[name] = text
    if text is None:
        return
    bound.recorded[name] = text
    if parameter.type == "path" and not (text == "" and is_default):
        from mlproj.projects.path_value import locate

        bases = (project_dir, cwd) if is_default else (cwd, project_dir)
        location = locate(parameter, text, bases, fetch, hashed=hashed)
        bound.texts[name] = location.text
        bound.inputs.extend([location.input] if location.input else [])
        bound.warnings.extend([location.warning] if location.warning else [])


def _template_warnings(entry_point: EntryPoint) -> Iterator[Notice]:
    for piece in parse(entry_point.command, entry_point.parameters):
        if isinstance(piece, Field) and piece.shell_style:
            place = entry_point.find(f"${piece.token}") or entry_point.place
            yield Notice(f"${piece.token} is taken for the parameter {piece.name!r}", place, f"write {piece.token}")
        elif isinstance(piece, Doubled):
            token = f"{{{piece.name}}}"
            place = entry_point.find(f"{{{token}}}") or entry_point.place
            yield Notice(f"{{{token}}} is the text {token}, not the parameter's value", place, f"write {token}")
        elif isinstance(piece, Stray):
            place = entry_point.find("") or entry_point.place
            yield Notice("the command has a closing brace that nothing opens; it stays as it is", place)


def _typo_warnings(entry_point: EntryPoint, extras: Mapping[str, str]) -> Iterator[Notice]:
    for name in extras:
        guess = did_you_mean(name, list(entry_point.parameters))
        if guess:
            yield Notice(
                f"the parameter {name!r} is not declared, so --{name} is appended to the command",
                hint=f"did you mean {guess!r}?",
            )
