"""``mlproj models predict``: a file in, a file out, by a model in its own environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlproj.cli import options
from mlproj.cli.models import flags
from mlproj.cli.output import print_document
from mlproj.cli.reporter import make_reporter
from mlproj.foundation import quantity
from mlproj.foundation.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlproj.foundation.progress import Progress
    from mlproj.models.prediction.recorded import Done

_FORMATS = click.Choice(("csv", "parquet", "json", "jsonl", "arrow"))


@click.command("predict")
@flags.model
@click.option("-i", "--input", "source", metavar="FILE", required=True, help="The rows; - is the standard input.")
@click.option(
    "-o", "--output", "target", metavar="FILE", required=True, help="The predictions; - is the standard output."
)
@click.option("--format", "input_format", type=_FORMATS, help="Of the input. Default: what its name ends with.")
@click.option(
    "--output-format",
    type=_FORMATS,
    help="Of the output. Default: what its name ends with; of the standard output that of the input.",
)
@click.option("--with-inputs", is_flag=True, help="Write the input's columns before the predictions.")
@click.option(
    "--params",
    metavar="NAME=VALUE",
    multiple=True,
    help="A parameter of the model, typed by its signature; lists as JSON. Repeatable.",
)
@click.option(
    "--batch-rows",
    metavar="N",
    type=click.IntRange(1, 10_000_000),
    default=50_000,
    show_default=True,
    help="Rows that the model is asked with at a time, at most.",
)
@click.option(
    "--loader",
    type=click.Choice(("auto", "native", "mlflow")),
    default="auto",
    show_default=True,
    help="Who loads the model: mlproj's own loaders, or MLflow in its environment.",
)
@click.option("--experiment", metavar="NAME", default="predictions", show_default=True, help="Record the run there.")
@click.option("--no-record", is_flag=True, help="Record no run.")
@flags.environment
@options.verbosity
@options.as_json
def command(
    model: str,
    source: str,
    target: str,
    input_format: str | None,
    output_format: str | None,
    with_inputs: bool,
    params: tuple[str, ...],
    batch_rows: int,
    loader: str,
    experiment: str,
    no_record: bool,
    manager: str,
    as_of: str,
    with_mlflow: bool,
    offline: bool,
    verbosity: int,
    as_json: bool,
) -> None:
    """Predict a file of any size: it is read, predicted and written in portions, with the signature enforced as MLflow
    does. What is wrong is told with its row and column, and leaves no half-written output.

    The run is recorded, with the model's address and the hashes of both files.
    """
    from mlproj.models.environment import EnvironmentOptions
    from mlproj.models.prediction.recorded import Job, run
    from mlproj.models.prediction.request import STREAM, PredictionRequest
    from mlproj.running.interruption import listening

    if as_json and target == STREAM:
        raise UsageError("--json and the predictions cannot both go to the standard output")
    reporter = make_reporter(verbosity, json=as_json)
    formats = _formats(source, target, input_format, output_format)
    request = PredictionRequest(source, target, *formats, with_inputs=with_inputs, rows=batch_rows)
    job = Job(
        model,
        request,
        EnvironmentOptions(manager, as_of, offline, with_mlflow or loader == "mlflow"),
        params=params,
        loader=loader,
        experiment=None if no_record else experiment,
    )
    with listening() as interruption:
        done = run(job, reporter, interruption, _progress(reporter))
    if as_json:
        print_document(_document(done))
    else:
        reporter.note(_summary(done))


def _formats(source: str, target: str, input_format: str | None, output_format: str | None) -> tuple[str, str]:
    """Of the input and the output, which is like the input where it has no name."""
    from mlproj.models.prediction.request import STREAM, format_of

    read_as = format_of(source, input_format, "--format")
    named = output_format or (read_as if target == STREAM else None)
    return read_as, format_of(target, named, "--output-format")


def _progress(reporter: Progress) -> Callable[[int, float], None]:
    def show(rows: int, seconds: float) -> None:
        reporter.detail(f"{rows:,} rows, {rows / max(seconds, 1e-9):,.0f} a second")

    return show


def _summary(done: Done) -> str:
    predicted, request = done.predicted, done.request
    text = (
        f"{predicted.rows:,} rows in {quantity.duration(predicted.seconds)} "
        f"({predicted.rows / max(predicted.seconds, 1e-9):,.0f} a second) → {request.target_name}"
    )
    return f"{text}, recorded as {done.run.run_name} ({done.run.run_id[:8]})" if done.run else text


def _document(done: Done) -> dict[str, object]:
    predicted, request = done.predicted, done.request
    return {
        "prediction": {
            "model": done.address,
            "loaded_by": done.loaded_by,
            "rows": predicted.rows,
            "seconds": round(predicted.seconds, 6),
            "rows_per_second": round(predicted.rows / max(predicted.seconds, 1e-9), 1),
            "input": {
                "file": request.source,
                "format": request.input_format,
                "sha256": predicted.input_sha256,
                "size": predicted.input_size,
            },
            "output": {
                "file": request.target,
                "format": request.output_format,
                "sha256": predicted.output_sha256,
                "size": predicted.output_size,
            },
            "run_id": done.run.run_id if done.run else None,
        }
    }
