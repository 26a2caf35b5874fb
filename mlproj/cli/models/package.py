"""``mlproj models package``: an image that serves a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlproj.cli import options, package_image
from mlproj.cli.models import flags
from mlproj.cli.output import print_document, print_lines
from mlproj.cli.reporter import make_reporter
from mlproj.foundation.errors import UsageError

if TYPE_CHECKING:
    from mlproj.package.image import Made


@click.command("package")
@flags.model
@click.option("--image", metavar="NAME[:TAG]", help="Make an image of this name, for docker run or podman run.")
@click.option(
    "--dockerfile",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a Dockerfile and all that it needs into this new folder instead, for a builder elsewhere.",
)
@click.option(
    "--base", metavar="IMAGE", help="The image to build on. Default: python:VERSION-slim of the model's Python version."
)
@click.option("--force", is_flag=True, help="Replace the image when it is there.")
@flags.environment
@options.verbosity
@options.as_json
def command(
    model: str,
    image: str | None,
    dockerfile: Path | None,
    base: str | None,
    force: bool,
    manager: str,
    as_of: str,
    with_mlflow: bool,
    offline: bool,
    verbosity: int,
    as_json: bool,
) -> None:
    """Put a model into an image that serves it: docker run -p 8080:8080 NAME.

    The environment is a layer that versions of the model share; the server is beside it and sees none of its packages.
    It runs as nobody in particular, has a health check, is a container as SageMaker starts it (serve), and serves what
    is mounted at /opt/ml/model or /mnt/models in place of its own model. It asks for no token: publish its port with
    care.
    """
    from mlproj.models.environment import EnvironmentOptions
    from mlproj.models.image import dockerfile as written
    from mlproj.models.image import making
    from mlproj.models.opened import open_model
    from mlproj.running.interruption import listening

    if (image is None) == (dockerfile is None):
        raise UsageError("name an image or a folder", hint="--image NAME, or --dockerfile DIR")
    name = None if image is None else package_image.checked(image, None, _NO_FILE)
    reporter = make_reporter(verbosity, json=as_json)
    chosen = EnvironmentOptions(manager, as_of, offline, with_mlflow)
    with listening(), open_model(model, reporter, offline=offline) as opened:
        if name is None:
            assert dockerfile is not None
            folder = written.write(opened, chosen, dockerfile, base, reporter)
            document: dict[str, Any] = {"dockerfile": folder.document()}
            lines = [f"{folder.file}: docker build --tag NAME {dockerfile}"]
        else:
            made = making.make(opened, chosen, name, base, reporter, force=force)
            document, lines = {"image": package_image.image_document(made)}, _description(made)
    if as_json:
        return print_document(document)
    return print_lines(*lines)


_NO_FILE = {"offline": False, "others": "", "no_python": False}


def _description(made: Made) -> list[str]:
    return [
        f"{made.name}: {made.id}",
        package_image.layers_line(made),
        f"to serve it: {made.engine} run --rm -p 8080:8080 {made.name}",
    ]
