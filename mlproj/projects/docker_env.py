"""Reading ``docker_env``: MLflow's ``image``, ``volumes`` and ``environment``, and what its users ask for besides."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from mlproj.projects.base import EnvironmentDeclaration
from mlproj.projects.reading import Reader, describe

KEYS = ("image", "volumes", "environment", "dockerfile", "build", "gpus", "shm_size", "user", "platform", "pull")
BUILD_KEYS = ("context", "dockerfile", "args", "target")
PULLS = ("missing", "always", "never")
_AT = "docker_env"


def read(reader: Reader, value: Any) -> EnvironmentDeclaration:
    """The declaration of a container; what MLflow does not read, and is wrong, is left out. Raises InvalidProject."""
    options = dict(reader.mapping(value, "'docker_env'", "docker_env: {image: python:3.11}", _AT))
    reader.unknown_keys(options, KEYS, _AT)
    _image(reader, options)
    for index, item in enumerate(_list(reader, options, "volumes", '["/host:/container"]')):
        reader.text(item, "a volume", _AT, "volumes", index)
    for index, item in enumerate(_list(reader, options, "environment", '[["NEW", "value"], "COPIED_FROM_HOST"]')):
        _variable(reader, item, _AT, "environment", index)
    for name, example in (
        ("shm_size", "2g"),
        ("user", '"1000:1000", caller or image'),
        ("platform", "linux/amd64"),
        ("gpus", "all"),
    ):
        _scalar(reader, options, name, example)
    if options.get("pull") is not None and options["pull"] not in PULLS:
        reader.pass_over(f"'pull' is {describe(options['pull'])}", _AT, "pull", hint=f"expected {', '.join(PULLS)}")
        del options["pull"]
    return EnvironmentDeclaration("docker_env", options=options, place=reader.document.key_place(_AT))


def _image(reader: Reader, options: dict[Any, Any]) -> None:
    """One of ``image``, ``dockerfile`` and ``build`` says where the image comes from."""
    named = [name for name in ("image", "dockerfile", "build") if options.get(name)]
    if not named:
        hint = "add for example: image: python:3.11, or dockerfile: Dockerfile"
        raise reader.error("'docker_env' names no image", _AT, hint=hint)
    for name in named[1:] if named[0] == "image" else ():
        message = (
            f"'image' and {name!r} are both given, and only one of them can be the image: the one that {name!r} asks"
            " for is not built"
        )
        reader.pass_over(message, _AT, name, hint="keep one of them; a Dockerfile names its base image by FROM")
        named.remove(name)
        del options[name]
    for name in ("image", "dockerfile"):
        if name in named:
            reader.text(options[name], f"the {name}", _AT, name)
    if "build" in named and not isinstance(options["build"], str):
        _build(reader, options["build"])


def _build(reader: Reader, value: Any) -> None:
    build = reader.mapping(value, "'build'", "build: {context: ., dockerfile: Dockerfile}", _AT, "build")
    reader.unknown_keys(build, BUILD_KEYS, _AT, "build")
    for name in ("context", "dockerfile", "target"):
        if build.get(name) is not None:
            reader.text(build[name], f"'{name}' of the build", _AT, "build", name)
    args = build.get("args") or {}
    if not isinstance(args, (dict, list)):
        raise reader.error(
            f"'args' is {describe(args)}, expected a mapping",
            _AT,
            "build",
            "args",
            hint="write for example: args: {VERSION: '2'}",
        )
    for name in args:
        key = name.partition("=")[0] if isinstance(name, str) else ""
        if not key or key.startswith("-") or (isinstance(args, dict) and isinstance(args[name], (dict, list))):
            raise reader.error(
                "an argument of the build has no plain name and value", _AT, "build", "args", hint="write NAME: value"
            )


def _list(reader: Reader, options: dict[Any, Any], name: str, example: str) -> Collection[Any]:
    value = options.get(name)
    if value and not isinstance(value, list):
        raise reader.error(
            f"{name!r} is {describe(value)}, expected a list", _AT, name, hint=f"write for example: {name}: {example}"
        )
    return value or ()


def _scalar(reader: Reader, options: dict[Any, Any], name: str, example: str) -> None:
    value = options.get(name)
    if isinstance(value, (list, dict)) or (isinstance(value, str) and value.startswith("-")):
        reader.pass_over(
            f"{name!r} is {describe(value)}, which is not allowed",
            _AT,
            name,
            hint=f"write for example: {name}: {example}",
        )
        del options[name]


def _variable(reader: Reader, item: Any, *keys: Any) -> None:
    """An item is a name to copy from the host, ``NAME=value`` (ours), or a pair of name and value."""
    name = item[0] if isinstance(item, list) and len(item) == 2 and not isinstance(item[1], (list, dict)) else item
    if isinstance(name, str) and name.partition("=")[0] and "=" not in name.partition("=")[0]:
        return
    raise reader.error(
        f"a variable is {describe(item)}, expected a name or a pair",
        *keys,
        hint='write NAME, NAME=value or ["NAME", "value"]',
    )
