"""What a container with a model runs: ``serve`` with the options of ``mlproj models serve``, or its health check.

The Python that this runs on knows the packages of the server only; the model is loaded by the environment's own.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlproj.foundation.errors import InvalidProject, UsageError
from mlproj.models.image import place

if TYPE_CHECKING:
    from mlproj.models.opened import OpenedModel
    from mlproj.models.serving.about import About

_NOT_HERE = (
    "--port",
    "--host",
    "--env-manager",
    "--as-of",
    "--with-mlflow",
    "--offline",
    "--without-tokens",
    "--follow",
)
_NAME = ("--model-name", "--model_name")


def main() -> int:
    """Run what the arguments of the container say, and return the exit code."""
    from mlproj.cli import failure

    return failure.guard(_run, sys.argv[1:])


def _run(arguments: list[str]) -> int:
    word, rest = (arguments[0], arguments[1:]) if arguments and arguments[0][0] != "-" else ("serve", arguments)
    if word == "health":
        return _health()
    if word == "check":
        return _check()
    if word != "serve":
        raise UsageError(f"a container with a model knows serve, and not {word!r:.100}", hint="leave it out")
    _serve(rest)
    return 0


def _health() -> int:
    """0 when the server of this container says that it can answer."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", _port(), timeout=4)
    try:
        connection.request("GET", "/ping")
        return 0 if connection.getresponse().status == 200 else 1
    except OSError:
        return 1
    finally:
        connection.close()


def _check() -> int:
    """0 when the model can be loaded; raises what keeps it from that."""
    from mlproj.models.scoring.launching import Launcher

    launcher = Launcher(_opened()[0], _prepared())
    with closing(launcher), launcher.launch()[0]:
        return 0


def _port() -> int:
    value = os.environ.get(place.PORT_VARIABLE) or str(place.PORT)
    if not (value.isascii() and value.isdigit() and 0 < int(value) < 65536):
        raise UsageError(f"{place.PORT_VARIABLE} is {value!r:.50}, and no port", hint="write a number such as 8080")
    return int(value)


def _serve(arguments: list[str]) -> None:
    from mlproj.cli.listening import listen
    from mlproj.cli.models import serve
    from mlproj.models.scoring.launching import Launcher
    from mlproj.models.serving.run import Access
    from mlproj.models.serving.run import serve as run
    from mlproj.models.serving.source import Model

    name, rest = _name(arguments)
    opened, facts = _opened()
    given = serve.command.make_context("serve", [str(opened.folder), *_of_sagemaker(), *rest]).params
    launcher = Launcher(opened, _prepared(), **serve.worker_options(given))
    options = serve.server_options(Access(given["allow_host"] or None), None, given)
    model = Model(launcher.launch, _about(opened, facts, name), launcher.close)
    with listen("0.0.0.0", _port()) as listening:  # noqa: S104  # a container's own network
        run(model, listening, options, lambda _loaded: _told(opened))


def _name(arguments: list[str]) -> tuple[str | None, list[str]]:
    """The model's name, where it is given as KServe does, and the other arguments. Raises UsageError."""
    name, rest, waiting = None, [], list(arguments)
    while waiting:
        word = waiting.pop(0)
        option, equals, value = word.partition("=")
        if option in _NOT_HERE:
            raise UsageError(
                f"{option} is decided by the container",
                hint=f"publish its port {place.PORT} with docker run -p; {place.PORT_VARIABLE} chooses another one",
            )
        if option not in _NAME:
            rest.append(word)
        elif equals or waiting:
            name = value if equals else waiting.pop(0)
    return name, rest


def _of_sagemaker() -> list[str]:
    """The options that SageMaker's variables stand for."""
    named = ((place.WORKERS_VARIABLE, "--workers", ""), (place.TIMEOUT_VARIABLE, "--timeout", "s"))
    values = ((os.environ.get(variable), option, unit) for variable, option, unit in named)
    return [word for value, option, unit in values if value for word in (option, f"{value}{unit}")]


def _opened() -> tuple[OpenedModel, dict[str, Any]]:
    """The model that is mounted, else the image's own with what is known of it. Raises InvalidProject."""
    from mlproj.models import mlmodel
    from mlproj.models.opened import OpenedModel

    for mounted in map(Path, place.MOUNTED):
        folder = _with_model(mounted)
        if folder is not None:
            return OpenedModel(str(folder), folder, mlmodel.load(folder)), {}
        if mounted.is_dir() and any(mounted.iterdir()):
            raise InvalidProject(f"what is mounted at {mounted} is no model: it has no MLmodel")
    folder = Path(place.MODEL)
    facts: dict[str, Any] = json.loads(Path(place.FACTS).read_bytes())
    return OpenedModel(facts["address"] or place.MODEL, folder, mlmodel.load(folder)), facts


def _with_model(mounted: Path) -> Path | None:
    """The folder with the model: *mounted*, or the one folder in it that has one."""
    from mlproj.models.mlmodel import NAME

    if not mounted.is_dir() or (mounted / NAME).is_file():
        return mounted if mounted.is_dir() else None
    found = [entry for entry in mounted.iterdir() if (entry / NAME).is_file()]
    return found[0] if len(found) == 1 else None


def _prepared() -> Any:
    """The environment of the image; in an image without one of its own it is the image's Python."""
    from mlproj.environments.base import INSIDE, Prepared

    programs = Path(INSIDE, "bin")
    return Prepared(path=(programs,) if programs.is_dir() else ())


def _about(opened: OpenedModel, facts: dict[str, Any], name: str | None) -> About:
    from mlproj.foundation.dataclass import replace
    from mlproj.models.serving.about import about

    known = about(opened)
    version = str(facts["version"]) if facts.get("version") else known.version
    title = name or facts.get("title") or known.title
    return replace(known, name=name or facts.get("name") or known.name, title=title, version=version)


def _told(opened: OpenedModel) -> None:
    from mlproj.cli.output import print_lines

    print_lines(f"serving {opened.address} at port {_port()}")
    sys.stdout.flush()
