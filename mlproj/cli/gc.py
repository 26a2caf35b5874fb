"""``mlproj gc``: remove what was deleted, for good."""

from __future__ import annotations

import sys
import time
from contextlib import closing

import click

from mlproj.cli import complete, options
from mlproj.cli.output import print_document, print_lines


@click.command("gc")
@click.argument("runs", metavar="[RUN]...", nargs=-1, shell_complete=complete.deleted_runs)
@click.option(
    "--older-than",
    metavar="DURATION",
    callback=options.duration,
    help="Only what was deleted so long ago, such as 30d or 12h.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option(
    "--artifacts",
    metavar="PLACE",
    help="Where the store's files are kept, if not beside it: as --artifacts of mlproj server.",
)
@options.as_json
def command(
    runs: tuple[str, ...], older_than: float | None, dry_run: bool, artifacts: str | None, as_json: bool
) -> None:
    """Remove deleted runs for good, with their files, and deleted experiments that are empty then.

    Without RUN all that were deleted. What is removed cannot be brought back.
    """
    from mlproj import artifacts as places
    from mlproj import tracking
    from mlproj.running import garbage, leftovers

    root = places.open(artifacts).uri if artifacts else None
    before = None if older_than is None else int((time.time() - older_than) * 1000)
    with closing(tracking.open(artifacts=root)) as store:
        run_ids = [store.get_run(reference).run_id for reference in runs] or None
        done = garbage.collect(store, deleted_before=before, run_ids=run_ids, dry=dry_run)
        if not dry_run and (count := leftovers.remove(store)):
            sys.stderr.write(f"removed what killed processes left: {count}\n")
    for left in done.left:
        sys.stderr.write(f"left: {left}\n")
    if as_json:
        experiments = [{"experiment_id": one.experiment_id, "name": one.name} for one in done.experiments]
        removed = [run.run_id for run in done.removed]
        print_document(
            {"dry_run": dry_run, "removed": removed, "removed_experiments": experiments, "left": list(done.left)}
        )
        return
    what = "would remove" if dry_run else "removed"
    print_lines(*(f"{what} {run.run_name} ({run.run_id})" for run in done.removed))
    print_lines(*(f"{what} experiment {one.name} (id {one.experiment_id})" for one in done.experiments))
    if not (done.removed or done.experiments):
        sys.stderr.write("nothing to remove\n")
