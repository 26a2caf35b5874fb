"""``mlproj models evaluate``: a model measured against known answers, compared, and held to requirements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlproj.cli import options
from mlproj.cli.models import flags
from mlproj.cli.output import print_document
from mlproj.cli.reporter import make_reporter
from mlproj.foundation.errors import UsageError

if TYPE_CHECKING:
    from mlproj.models.evaluation.job import EvaluationJob
    from mlproj.models.evaluation.request import EvaluationRequest

MISSED = 1
"""The exit code when a requirement is missed."""


@click.command("evaluate")
@flags.model
@click.option(
    "--data",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="Rows with their true answers: .csv, .parquet, .feather, .arrow, .json, .jsonl.",
)
@click.option("--target", metavar="COL", required=True, help="The column with the true answers.")
@click.option("--baseline", metavar="MODEL", help="Another model to compare with, on the same rows.")
@click.option(
    "--kind",
    type=click.Choice(("auto", "regression", "binary", "multiclass", "ranking")),
    default="auto",
    show_default=True,
    help="What the answers are; auto: told from the targets and the answers.",
)
@click.option(
    "--require",
    "requirements",
    metavar="TEXT",
    multiple=True,
    help="What must be reached, such as 'accuracy >= 0.9' or 'rmse[region=*] <= baseline * 1.02'. Repeatable.",
)
@click.option(
    "--thresholds",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="MLflow's thresholds as YAML or JSON: threshold, min_absolute_change, min_relative_change, greater_is_better.",
)
@click.option(
    "--slice",
    "slices",
    metavar="COL[:N]",
    multiple=True,
    help="Measure each value of a column by itself, or N quantiles of its numbers. Repeatable.",
)
@click.option("--group", metavar="COL", help="Of a ranking: the column that tells its queries apart.")
@click.option("--positive", metavar="CLASS", help="Of two classes: the one that is looked for. Default: the second.")
@click.option("--prediction", metavar="COL", help="Which column is the answer, of a model that answers with several.")
@click.option("--drop", metavar="COL", multiple=True, help="A column that is not for a model without a signature.")
@click.option(
    "--bootstrap",
    metavar="N",
    type=click.IntRange(0, 100_000),
    default=200,
    show_default=True,
    help="Resamplings for the intervals; 0: none.",
)
@click.option(
    "--confidence",
    metavar="P",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Of the intervals.",
)
@click.option(
    "--seed", metavar="N", type=click.IntRange(0), default=0, show_default=True, help="What the resampling begins with."
)
@click.option(
    "--latency-requests",
    metavar="N",
    type=click.IntRange(0, 100_000),
    default=100,
    show_default=True,
    help="Single rows that are timed; 0: none.",
)
@click.option(
    "--report",
    metavar="DIR|FILE.html",
    type=click.Path(path_type=Path),
    help="Write an HTML page that needs nothing else; into a folder, with its charts as PNG.",
)
@click.option("--experiment", metavar="NAME", default="Default", show_default=True, help="Record the run there.")
@click.option("--no-record", is_flag=True, help="Record no run.")
@options.report_files
@flags.environment
@options.verbosity
@options.as_json
def command(verbosity: int, as_json: bool, junit_xml: Path | None, summary: Path | None, **chosen: Any) -> int:
    """Measure a model on rows whose answers are known. The exit code is 1 when a requirement is missed.

    The model predicts in its own environment; scikit-learn measures here. Measures have MLflow's names; requirements
    also take accuracy, precision, recall, f1, auc, pr_auc, log_loss, brier, mcc, rmse, mse, mae, mape, r2, ndcg@K, map,
    and p50_latency_ms, p95_latency_ms, p99_latency_ms, rows_per_second, peak_memory_mb. What is absent or NaN misses
    its requirement.
    """
    from mlproj.cli.models import evaluate_view
    from mlproj.cli.report_files import evaluation_report
    from mlproj.models.evaluation import document, job
    from mlproj.running.interruption import listening

    reporter = make_reporter(verbosity, json=as_json)
    asked = _job(chosen)
    with evaluation_report.of_flags(asked.model, junit_xml, summary) as write:
        with listening() as interruption:
            done = job.run(asked, reporter, interruption)
        if as_json:
            run = {"run_id": done.run.run_id, "run_name": done.run.run_name} if done.run else None
            print_document({**document.to_json(done.evaluation), "run": run})
        else:
            evaluate_view.show(done)
        write(done.evaluation)
    return MISSED if done.evaluation.missed else 0


def _job(chosen: dict[str, Any]) -> EvaluationJob:
    from mlproj.models.environment import EnvironmentOptions
    from mlproj.models.evaluation.job import EvaluationJob

    if chosen["no_record"] and chosen["experiment"] != "Default":
        raise UsageError("--experiment says where to record the run, and --no-record not to")
    return EvaluationJob(
        model=chosen["model"],
        request=_request(chosen),
        environment=EnvironmentOptions(chosen["manager"], chosen["as_of"], chosen["offline"], chosen["with_mlflow"]),
        baseline=chosen["baseline"],
        experiment=None if chosen["no_record"] else chosen["experiment"],
        report=chosen["report"],
    )


def _request(chosen: dict[str, Any]) -> EvaluationRequest:
    from mlproj.models.evaluation import requirement, threshold
    from mlproj.models.evaluation.bootstrap import Resampling
    from mlproj.models.evaluation.request import EvaluationRequest

    return EvaluationRequest(
        data=chosen["data"],
        target=chosen["target"],
        kind=chosen["kind"],
        slices=tuple(dict.fromkeys(chosen["slices"])),
        group=chosen["group"],
        drop=chosen["drop"],
        prediction=chosen["prediction"],
        positive=chosen["positive"],
        requirements=tuple(map(requirement.parse, chosen["requirements"])),
        thresholds=tuple(threshold.load(chosen["thresholds"])) if chosen["thresholds"] else (),
        resampling=Resampling(chosen["bootstrap"], chosen["confidence"], chosen["seed"]),
        requests=chosen["latency_requests"],
    )
