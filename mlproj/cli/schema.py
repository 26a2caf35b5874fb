"""``mlproj schema``: the format of MLproject for editors."""

from __future__ import annotations

import json

import click


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of MLproject, for editors that complete and check while one types.

    With the YAML language server, for example: save it as mlproject.schema.json and begin MLproject with

    \b
      # yaml-language-server: $schema=mlproject.schema.json
    """
    from mlproj.projects.schema import schema

    click.echo(json.dumps(schema(), indent=2))
