"""The console script. ``--version`` is answered before anything is imported."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line of this process and exit with its code."""
    # Loading modules makes many objects and no garbage; looking for some would take a tenth of a short run.
    gc.set_threshold(100_000, 50, 50)
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        from mlproj import __version__

        sys.stdout.write(f"mlproj {__version__}\n")
        return
    from mlproj.cli import failure

    sys.exit(failure.guard(_run, arguments))


def _run(arguments: list[str]) -> int:
    """The exit code of the command that *arguments* choose; what goes wrong is raised."""
    import os

    from mlproj.cli.command_table import cli

    instruction = os.environ.get("_MLPROJ_COMPLETE")  # set by the scripts that `mlproj completion` prints
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, "mlproj", "_MLPROJ_COMPLETE", instruction)
    with cli.make_context("mlproj", list(arguments)) as context:
        result = cli.invoke(context)
    return result if isinstance(result, int) else 0
