"""``mlproj bisect``: which commit changed a metric."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from mlproj.cli import complete, options, run_options
from mlproj.cli.option import Option
from mlproj.cli.reporter import make_reporter
from mlproj.foundation.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from mlproj.bisection import Question
    from mlproj.bisection.notebook import Notebook
    from mlproj.foundation.progress import Progress

# Options of `mlproj run` that make no sense for many runs, with the values of those that are not given.
_NOT_OF_A_SEARCH = {
    "version": None,
    "run_name": None,
    "isolated": False,
    "rebuild": False,
    "junit_xml": None,
    "summary": None,
}
_HELP = {  # what those that are left mean here
    "experiment_name": "Experiment of the runs; made when missing. Default: bisect PROJECT.",
    "experiment_id": "Experiment of the runs, by id.",
    "tags": "A tag of the runs; repeatable.",
    "timeout": "Skip a commit whose run takes longer: 90, 90s, 15m, 2h.",
    "dry_run": "Tell how many runs it may take; run nothing.",
}
_OWN = (
    click.Option(
        ["--metric"],
        required=True,
        metavar="NAME",
        help="The metric that changed; of several values the last counts.",
    ),
    click.Option(
        ["--good"],
        required=True,
        metavar="REVISION",
        help="Branch, tag or commit where it was good; main~20 works too.",
    ),
    click.Option(
        ["--bad"],
        default="HEAD",
        metavar="REVISION",
        help="Where it is bad. Default: the default branch's newest commit.",
    ),
    click.Option(
        ["--threshold"],
        type=float,
        metavar="X",
        help="Bad is what is beyond X. Default: the middle of the two ends.",
    ),
    click.Option(
        ["--higher-is-better/--lower-is-better", "higher_is_better"],
        default=None,
        help="Refuse ends between which the metric became better. Default: the ends tell which way is bad.",
    ),
    click.Option(
        ["--first-parent"],
        is_flag=True,
        help="Follow first parents only: what a branch brought in counts as its merge.",
    ),
    click.Option(
        ["--repeat"],
        type=click.IntRange(1, 1000),
        default=1,
        metavar="N",
        help="Run each commit N times; the median counts.",
    ),
    click.Option(
        ["--max-builds"], type=click.IntRange(0), metavar="N", help="Stop before building more environments than N."
    ),
    click.Option(["--restart"], is_flag=True, help="Forget what was measured before, and begin anew."),
    click.Option(["--retry-skipped"], is_flag=True, help="Try commits again that could not be run before."),
)
_COMPLETED = {"entry_point": complete.entry_points, "parameters": complete.parameters}


def bisect(**flags: Any) -> int:
    """Do what ``mlproj bisect`` does for these flags; 0 when the commit was found, 1 when several are left."""
    from mlproj import bisection
    from mlproj.bisection.notebook import Notebook
    from mlproj.cli import bisect_view
    from mlproj.cli.run import consent
    from mlproj.running.interruption import listening

    as_json = flags["as_json"]
    reporter = make_reporter(flags["verbosity"], json=as_json)
    with listening():
        with reporter.step(f"reading the history of {flags['uri']}"):
            question = _question(flags)
        notebook = Notebook(question.identity, question.about)
        for note in question.notes:
            reporter.note(note)
        if flags["dry_run"]:
            bisect_view.show_plan(question, {} if flags["restart"] else notebook.read(), as_json)
            return 0
        _begin(notebook, question, flags, reporter)
        try:
            finding = bisection.find(question, notebook, reporter, consent(flags, reporter))
        except Interrupted:
            reporter.note("what was measured is kept: the same command goes on from there")
            raise
    bisect_view.show(finding, reporter, as_json)
    return 0 if finding.culprit else 1


def _begin(notebook: Notebook, question: Question, flags: dict[str, Any], reporter: Progress) -> None:
    """Open the notebook as the user wants it, and say what is known already."""
    from mlproj.cli import bisect_view

    if flags["restart"]:
        notebook.forget()
    elif flags["retry_skipped"]:
        notebook.try_skipped_again()
    between = len(question.steps) - 2
    reporter.note(
        f"bisecting {question.metric} of {question.revision.uri}: {between} {'commit' if between == 1 else 'commits'} "
        f"between {question.good.name[:10]} and {question.bad.name[:10]}"
    )
    if known := bisect_view.known(question, notebook.read()):
        reporter.note(f"{known} of these and the ends were run before, and are not run again (--restart does)")


def _question(flags: dict[str, Any]) -> Question:
    from mlproj.bisection import question
    from mlproj.cli.run import request_of
    from mlproj.foundation.dataclass import replace

    if flags["threshold"] is not None and math.isnan(flags["threshold"]):
        raise UsageError("--threshold is NaN, and no value is above or below NaN", hint="give a number")
    request = request_of({**_NOT_OF_A_SEARCH, **flags})
    return question.ask(
        replace(request, echo="stderr" if flags["verbosity"] > 0 else "nowhere"),
        flags["metric"],
        flags["good"],
        flags["bad"],
        **{name: flags[name] for name in ("first_parent", "threshold", "higher_is_better", "repeat", "max_builds")},
    )


def _options() -> list[click.Parameter]:
    return [
        *_OWN,
        *(_as_in_run(described) for described in run_options.OPTIONS if described.to not in _NOT_OF_A_SEARCH),
    ]


def _as_in_run(described: Option) -> click.Parameter:
    parameter = options.for_click(described, _COMPLETED.get(described.to))
    parameter.help = _HELP.get(described.to, parameter.help)
    return parameter


command = click.Command(
    "bisect",
    callback=bisect,
    params=[click.Argument(["uri"], default=run_options.URI, shell_complete=complete.projects), *_options()],
    help="""Find the commit that changed a metric, by running as few commits as possible.

    URI is a Git repository or a folder in one, with #sub/folder for a project inside it. Default: the current folder.

    Both ends are run first, then the commit that halves what is left. Each is run and recorded as by
    "mlproj run -v COMMIT", in an environment of its own date. Commits that cannot be run are skipped. What was measured
    is kept: the same command goes on where the last one ended.

    The exit code is 0 when the commit was found, 1 when several are left.
    """,
)
