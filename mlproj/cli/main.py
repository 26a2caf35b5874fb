"""The console script. ``--version`` is answered before anything is imported."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn


def main() -> None:
    """Run the command line of this process and exit with its code."""
    # Loading modules makes many objects and no garbage; looking for some would take a tenth of a short run.
    gc.set_threshold(100_000, 50, 50)
    arguments = sys.argv[1:]
    if arguments == ["--version"] and _print_version():
        return
    from mlproj.cli import failure

    code = failure.guard(_run, arguments)
    if "rattler" in sys.modules:
        _leave(code)
    gc.freeze()  # at its end Python looks for garbage again, another tenth, in memory that the system takes back anyway
    sys.exit(code)


def _leave(code: int) -> NoReturn:
    """Exit without what Python does at its end: threads of py-rattler may go on meanwhile, and crash it (seen with
    0.28)."""
    import atexit
    import contextlib
    import os

    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # closed; nobody reads
            stream.flush()
    os._exit(code)


def _print_version() -> bool:
    """Whether it was printed; an error of it is shown as those of all commands are."""
    from mlproj import __version__

    try:
        sys.stdout.write(f"mlproj {__version__}\n")
        sys.stdout.flush()
    except (AttributeError, OSError):  # closed, and so None; full; nobody reads
        return False
    return True


def _run(arguments: list[str]) -> int:
    """The exit code of the command that *arguments* choose; what goes wrong is raised."""
    import os

    instruction = os.environ.get("_MLPROJ_COMPLETE")  # set by the scripts that `mlproj completion` prints
    if arguments[:1] == ["run"] and not instruction:
        from mlproj.cli import run_options

        flags = run_options.parse(arguments[1:])
        if flags is not None:
            from mlproj.cli.run import run

            return run(**flags)
    from mlproj.cli.command_table import cli

    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, "mlproj", "_MLPROJ_COMPLETE", instruction)
    with cli.make_context("mlproj", list(arguments)) as context:
        result = cli.invoke(context)
    return result if isinstance(result, int) else 0
