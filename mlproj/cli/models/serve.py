"""``mlproj models serve``: a model behind HTTP, as MLflow's scoring server answers."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlproj.cli import options
from mlproj.cli.listening import in_url, is_loopback, listen
from mlproj.cli.models import flags
from mlproj.cli.output import print_lines
from mlproj.cli.reporter import make_reporter
from mlproj.foundation import env_vars
from mlproj.foundation.errors import UsageError

if TYPE_CHECKING:
    from mlproj.models.scoring.worker_process import Loaded
    from mlproj.models.serving.following import Following
    from mlproj.models.serving.recording import Recording
    from mlproj.models.serving.run import Access, ServerOptions
    from mlproj.models.serving.source import Source


@click.command("serve")
@flags.model
@click.option(
    "--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Listen there; 0.0.0.0 is every address."
)
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    envvar=[env_vars.SERVE_PORT.name, "SAGEMAKER_BIND_TO_PORT"],
    default=5001,
    show_default=True,
    help="0 is any free one.",
)
@click.option(
    "--workers", metavar="N", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that predict."
)
@click.option(
    "--timeout",
    metavar="DURATION",
    callback=options.duration,
    default="60s",
    show_default=True,
    help="A request that takes longer is answered with 504.",
)
@click.option(
    "--max-batch",
    metavar="N",
    type=click.IntRange(1, 4096),
    default=64,
    show_default=True,
    help="Requests that are predicted together, at most.",
)
@click.option(
    "--max-delay",
    metavar="DURATION",
    callback=options.duration,
    default="0ms",
    show_default=True,
    help="How long a request waits for others to be predicted with.",
)
@click.option(
    "--queue",
    metavar="N",
    type=click.IntRange(1, 1_000_000),
    default=1024,
    show_default=True,
    help="Requests that may wait, at most; further ones are answered with 503.",
)
@click.option(
    "--follow",
    metavar="DURATION",
    callback=options.duration,
    default="10s",
    show_default=True,
    help="How often an alias, a stage or latest is looked up again; another version is then served. 0: never.",
)
@click.option(
    "--max-body",
    metavar="SIZE",
    callback=options.size,
    default="100MiB",
    show_default=True,
    help="Largest body of a request that is taken.",
)
@click.option("--max-rows", metavar="N", type=click.IntRange(1), help="Rows of one request, at most. Default: any.")
@click.option(
    "--allow-host", metavar="NAME", multiple=True, help="Answer to that name only, as behind a proxy; may be repeated."
)
@click.option(
    "--without-tokens",
    is_flag=True,
    help="Answer whoever reaches the address, as in a container whose port is published with care.",
)
@click.option(
    "--record",
    metavar="SHARE",
    is_flag=False,
    flag_value="1",
    type=click.FloatRange(0, 1, min_open=True),
    help="Keep requests and answers, or a share of them such as 0.1, in files of JSON lines.",
)
@click.option(
    "--record-to",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where they are kept, which implies --record. Default: served in MLPROJ_HOME.",
)
@click.option("--log-requests", is_flag=True, help="Print a line for each request to standard error.")
@flags.environment
@options.verbosity
def command(model: str, host: str, port: int, **given: Any) -> None:
    """Serve a model over HTTP until Ctrl-C: POST /invocations takes what MLflow's scoring server takes.

    The model is loaded in its own environment, in processes of its own, which are replaced when they die. Requests that
    come while one is busy are predicted together. On this machine nobody needs a token; at any other address, or under
    a name given with --allow-host, everybody does: see "mlproj server token --help". For models:/NAME@ALIAS the server
    follows the alias: the version that it stands for is warmed, and takes over without a failed request.
    """
    from mlproj.models.environment import EnvironmentOptions
    from mlproj.models.serving.run import serve
    from mlproj.models.serving.source import Source

    access = _access(host, given["allow_host"], given["without_tokens"])
    reporter = make_reporter(given["verbosity"])
    chosen = EnvironmentOptions(given["manager"], given["as_of"], given["offline"], given["with_mlflow"])
    source = Source(chosen, reporter, worker_options(given))
    with listen(host, port) as listening:
        served = source.open(model)

        def ready(loaded: Loaded) -> None:
            where = f"http://{in_url(host)}:{listening.getsockname()[1]}"
            print_lines(f"serving {served.about.title} at {where} (Ctrl-C ends this)")
            reporter.note(f"loaded by {loaded.loaded_by} in {loaded.seconds:.1f} s")
            sys.stdout.flush()

        following = _following(model, given["follow"], source)
        serve(served, listening, server_options(access, following, given), ready, reporter)


def _following(model: str, interval: float, source: Source) -> Following | None:
    from mlproj.models.serving.following import Following, is_moving

    return Following(model, interval, source.open) if interval and is_moving(model) else None


def worker_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the options of the command say to a worker."""
    return {} if given["max_rows"] is None else {"most_rows": given["max_rows"]}


def server_options(access: Access, following: Following | None, given: Mapping[str, Any]) -> ServerOptions:
    """What the options of the command say to the server."""
    from mlproj.models.scoring.lane import Batching
    from mlproj.models.scoring.service import ServiceOptions
    from mlproj.models.serving.run import ServerOptions

    batching = Batching(given["max_batch"], given["max_delay"])
    return ServerOptions(
        ServiceOptions(given["workers"], given["timeout"], given["queue"], batching),
        access,
        recording=_recording(given["record"], given["record_to"]),
        largest=given["max_body"],
        log_requests=given["log_requests"],
        following=following,
    )


def _recording(share: float | None, folder: Path | None) -> Recording | None:
    if share is None and folder is None:
        return None
    from mlproj.foundation import paths
    from mlproj.models.serving.recording import Recording

    return Recording(folder or paths.home() / "served", 1.0 if share is None else share)


def _access(host: str, allowed: Sequence[str], without_tokens: bool) -> Access:
    """Who may ask. Raises UsageError when a token is needed and there is none."""
    from mlproj.models.serving.run import Access
    from mlproj.server.guard import LOOPBACK

    if is_loopback(host) and not allowed:
        return Access(LOOPBACK | {in_url(host)})
    if without_tokens:
        return Access(allowed or None)
    from mlproj.server.token_file import TokenFile, beside

    tokens = TokenFile(beside(None))
    if all(token.expired for token in tokens.known()):
        raise UsageError(
            f"a server that others can reach as {allowed[0] if allowed else host} needs a token, and there is none",
            hint="make one: mlproj server token create NAME",
        )
    return Access(allowed or None, lambda token: tokens.scope_of(token) is not None)
