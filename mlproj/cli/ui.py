"""``mlproj ui``: the recorded runs as web pages, for the person at this machine."""

from __future__ import annotations

import errno
import socket
import sys
from contextlib import closing

import click

from mlproj.cli.output import print_lines
from mlproj.foundation.errors import ServiceError, UsageError

_USUAL_PORT = 5000


@click.command("ui")
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    help="Listen there; 0 is any free one. [default: 5000, or a free one]",
)
@click.option("--open", "open_browser", is_flag=True, help="Open the pages in a browser.")
def command(port: int | None, open_browser: bool) -> None:
    """Show recorded runs as web pages on this machine, until Ctrl-C.

    Nobody else can reach them: for a team there is "mlproj server". Nothing is loaded from elsewhere.
    """
    _check_installed()
    from mlproj import outbox, tracking
    from mlproj.server.pages import serving

    with closing(tracking.open()) as store, closing(tracking.open_models()) as models, _listen(port) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        print_lines(f"runs are shown at {address} (Ctrl-C ends this)")
        sys.stdout.flush()
        if open_browser:
            import webbrowser

            webbrowser.open(address)
        serving.serve(store, models, lambda: outbox.reap(store), listening)


def _check_installed() -> None:
    from importlib.util import find_spec

    missing = [name for name in ("jinja2", "plotly") if find_spec(name) is None]
    if missing:
        raise UsageError(f"the web pages need {' and '.join(missing)}", hint="pip install 'mlproj[ui]'")


def _listen(port: int | None) -> socket.socket:
    """A listening loopback socket. Raises ServiceError when the port that was asked for is taken."""
    try:
        return socket.create_server(("127.0.0.1", _USUAL_PORT if port is None else port))
    except OSError as error:
        if port is None and error.errno == errno.EADDRINUSE:
            return socket.create_server(("127.0.0.1", 0))
        raise ServiceError(
            f"cannot listen on port {port}: {error.strerror}", hint="choose another one with --port, or 0 for any"
        ) from error
