"""``mlproj export``: a recorded run in a form that others take."""

from __future__ import annotations

from pathlib import Path

import click

from mlproj.cli import complete, options
from mlproj.cli.output import print_document, print_lines
from mlproj.cli.recorded import find, opened_store
from mlproj.cli.reporter import make_reporter


@click.command("export")
@click.argument("run", metavar="RUN", shell_complete=complete.runs)
@click.option(
    "--ro-crate",
    "target",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="Write a Workflow Run RO-Crate: an archive when FILE ends in .zip, else a folder.",
)
@click.option(
    "--max-file-size", metavar="SIZE", callback=options.size, help="Leave out artifacts that are larger, such as 100MB."
)
@click.option(
    "--license",
    "licence",
    metavar="LICENSE",
    help="Licence of the crate: SPDX identifier or URL. [default: the project's]",
)
@click.option("--force", is_flag=True, help="Replace a crate that is there.")
@options.verbosity
@options.as_json
def command(
    run: str, target: Path, max_file_size: int | None, licence: str | None, force: bool, verbosity: int, as_json: bool
) -> None:
    """Write a recorded run, with its files, for archives, journals and other tools.

    RUN is a run's id or the beginning of it, its name, or "last". Input files are described by their content, and not
    put in.
    """
    from mlproj.export import ro_crate

    reporter = make_reporter(verbosity, json=as_json)
    with opened_store() as store:
        record = find(store, run)
        exported = ro_crate.export(ro_crate.Request(target, max_file_size, licence, force), record, reporter)
    for left in exported.left:
        reporter.warn(f"not in the crate: {left.path}, {left.reason}")
    if as_json:
        documents = [
            {"path": left.path, "reason": left.reason, "size": left.size, "sha256": left.sha256}
            for left in exported.left
        ]
        print_document(
            {"run_id": record.run_id, "crate": str(target), "files": list(exported.files), "left": documents}
        )
    else:
        print_lines(f"wrote {target} with {len(exported.files)} files of run {record.run_name}")
