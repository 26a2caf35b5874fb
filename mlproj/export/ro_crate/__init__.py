"""A recorded run as a Workflow Run RO-Crate: a folder or archive that says of itself what it holds and how that came to
be.

RO-Crate 1.1 (https://w3id.org/ro/crate/1.1) with the profiles https://w3id.org/ro/wfrun/workflow/0.5,
https://w3id.org/ro/wfrun/process/0.5 and https://w3id.org/workflowhub/workflow-ro-crate/1.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlproj.export.ro_crate import content, description, destination, licence, secret
from mlproj.export.ro_crate.content import Left
from mlproj.export.ro_crate.definition import read_definition
from mlproj.export.ro_crate.entity import METADATA
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import UsageError
from mlproj.foundation.progress import Progress
from mlproj.tracking.base import Run


@dataclass(frozen=True)
class Request:
    """What the user asked for. ``largest`` is the size in bytes up to which an artifact is put in, None for any size.

    ``licence`` is an SPDX identifier or a URL; None: that of the project, if it has one. ``replace`` an older crate.
    """

    target: Path
    largest: int | None = None
    licence: str | None = None
    replace: bool = False


@dataclass(frozen=True)
class Exported:
    """What was written: the crate's files by path, and what was left out."""

    files: Sequence[str]
    left: Sequence[Left]


def export(request: Request, run: Run, progress: Progress) -> Exported:
    """Write the crate of *run*, all of it or nothing; the same bytes for the same run.

    Raises UsageError for a run that goes on or a target that cannot be, ServiceError when something cannot be read or
    written.
    """
    if not run.status.ended:
        raise UsageError(f"the run {run.run_name} goes on; its crate would be incomplete", hint="wait for its end")
    definition = read_definition(run)
    with destination.opened(request.target, replace=request.replace) as target:
        with progress.step(f"collecting the files of {run.run_name}"):
            contents = content.gather(run, definition, target, request.largest, secret.redactor(definition))
            terms = licence.find(request.licence, run, target, progress)
        metadata = description.describe(run, definition, contents, terms)
        with target.create(METADATA) as write:
            write(metadata.to_bytes())
    return Exported(
        [METADATA, *(piece.path for piece in contents.record), *(piece.path for piece in contents.artifacts)],
        contents.left,
    )
