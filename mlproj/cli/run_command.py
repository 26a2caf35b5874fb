"""``mlproj run`` as click reads it, with its help and completion; what it does is in :mod:`mlproj.cli.run`."""

from __future__ import annotations

import click

from mlproj.cli import complete, options
from mlproj.cli.run import run
from mlproj.cli.run_options import OPTIONS, URI

_COMPLETED = {"entry_point": complete.entry_points, "parameters": complete.parameters}

command = click.Command(
    "run",
    callback=run,
    params=[
        click.Argument(["uri"], default=URI, shell_complete=complete.projects),
        *(options.for_click(option, _COMPLETED.get(option.to)) for option in OPTIONS),
    ],
    help="""Run an entry point of the project at URI and record what happened.

    URI is a folder, a Git repository (https, ssh, git@host:path, file, gh:owner/repo, gl:owner/repo) or an archive
    (.zip, .tar.gz; a file or a URL), with #sub/folder for a project inside it. Default: the current folder.

    The exit code is the entry point's own.
    """,
)
