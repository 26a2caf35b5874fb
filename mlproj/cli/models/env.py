"""``mlproj models env``: the environment of a model, made ahead of its use."""

from __future__ import annotations

import click

from mlproj.cli import options
from mlproj.cli.models import flags
from mlproj.cli.output import print_document, print_fields
from mlproj.cli.reporter import make_reporter


@click.command("env")
@flags.model
@flags.environment
@flags.slim
@click.option("--rebuild", is_flag=True, help="Make it anew although it is there.")
@options.verbosity
@options.as_json
def command(
    model: str,
    manager: str,
    as_of: str,
    with_mlflow: bool,
    offline: bool,
    slim: bool,
    rebuild: bool,
    verbosity: int,
    as_json: bool,
) -> None:
    """Make the environment that a model is loaded in, so that serving and predicting start at once.

    It is that of the run which made the model, where its lock is known; else what the model's files ask for, as of the
    date it was saved.
    """
    from mlproj.models import environment, slimming
    from mlproj.models.environment import EnvironmentOptions
    from mlproj.models.opened import open_model
    from mlproj.running.interruption import listening
    from mlproj.running.plan import environment_document, environment_line

    reporter = make_reporter(verbosity, json=as_json)
    chosen = EnvironmentOptions(manager, as_of, offline, with_mlflow)
    with listening(), open_model(model, reporter, offline=offline) as opened:
        decided = environment.decide(opened, chosen, reporter)
        for line in (environment_line(decided.description), *decided.description.notes):
            reporter.note(line)
        if slim:
            prepared = slimming.prepare(opened, decided, chosen, reporter, rebuild=rebuild)
        else:
            prepared = decided.prepare(reporter, rebuild=rebuild)
    python = environment.interpreter(prepared)
    if as_json:
        document = environment_document(decided.description)
        packages = dict(sorted(prepared.packages.items()))
        print_document(
            {"environment": document, "reused": prepared.reused, "interpreter": str(python), "packages": packages}
        )
        return
    print_fields(
        {
            "environment": (decided.description.key or "the current one")[:12],
            "made": "it was there already" if prepared.reused else "now",
            "python": str(python),
            "packages": str(len(prepared.packages)),
        }
    )
