"""``mlproj models``: the group, whose commands are imported when chosen."""

from __future__ import annotations

import click

from mlproj.cli.command_table import Entry, LazyGroup

MODEL_COMMANDS = {
    "show": Entry("mlproj.cli.models.show:command", "Show what a model is, takes and needs, and its origin.", "Look"),
    "check": Entry("mlproj.cli.models.check:command", "Tell what is wrong with a model, by an exit code.", "Look"),
    "env": Entry("mlproj.cli.models.env:command", "Make the environment of a model ahead of its use.", "Use"),
    "predict": Entry("mlproj.cli.models.predict:command", "Predict a file of any size.", "Use"),
    "evaluate": Entry(
        "mlproj.cli.models.evaluate:command", "Measure a model, compare it, and hold it to requirements.", "Use"
    ),
    "serve": Entry("mlproj.cli.models.serve:command", "Serve a model over HTTP, as MLflow's server does.", "Use"),
    "call": Entry("mlproj.cli.models.call:command", "Ask a served model.", "Use"),
    "package": Entry(
        "mlproj.cli.models.package:command",
        "Put a model into an image that serves it, or write a Dockerfile.",
        "Send",
    ),
    "deploy": Entry("mlproj.cli.models.deploy:command", "Run a model somewhere, and keep a record of it.", "Send"),
    "deployments": Entry(
        "mlproj.cli.models.deployments:group", "List, show, update and delete what is deployed.", "Send"
    ),
}


class ModelsGroup(LazyGroup):
    """The commands about models."""

    table = MODEL_COMMANDS


@click.group("models", cls=ModelsGroup)
def group() -> None:
    """Look at models that MLflow or mlproj wrote, and use them.

    MODEL is a folder with an MLmodel file or an archive of one, runs:/RUN/PATH (RUN may be a name, or last),
    models:/NAME/VERSION, models:/NAME@ALIAS, models:/m-ID, or a URL such as s3://bucket/folder.
    """
