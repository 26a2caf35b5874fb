"""The files of ``--junit-xml`` and ``--summary``: looked at before anything is done, written however it ends."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import TracebackType

from mlproj.cli.report_files.report import Case, Outcome, Report
from mlproj.cli.reporter import make_reporter
from mlproj.foundation import env_vars, paths
from mlproj.foundation.errors import Interrupted, MlprojError, ServiceError, UsageError


class ReportFiles:
    """The files that one command was asked for, as a context: what ends it before :meth:`write` is written as an error.

    *suite* and *case* name what was to be done, in case it cannot be.
    """

    def __init__(self, junit_xml: Path | None, summary: Path | None, *, suite: str, case: str) -> None:
        """Raises UsageError for files that cannot be written where they are asked for."""
        self._suite, self._case = suite, case
        self._began = time.monotonic()
        self._is_over = False
        self._files = [
            (path, rendered) for path, rendered in ((junit_xml, _junit), (summary, _summary)) if path is not None
        ]
        for option, path in (("--junit-xml", junit_xml), ("--summary", summary)):
            if path is not None:
                _check(option, path)
        if junit_xml and summary and _same(junit_xml, summary):
            raise UsageError(f"--junit-xml and --summary both name {junit_xml}")

    def __enter__(self) -> ReportFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or self._is_over:
            return
        try:
            self.write(self._of_error(error))
        except MlprojError as unwritten:  # what ended the command matters more
            make_reporter().warn(str(unwritten))

    def write(self, report: Report, after: str = "") -> None:
        """Write *report* to each file. Raises ServiceError, which says *after* what, when one cannot be written."""
        self._is_over = True
        for path, rendered in self._files:
            try:
                _write(path, rendered(report))
            except OSError as error:
                raise ServiceError(
                    f"{path} cannot be written: {error.strerror or error}{f'; {after}' if after else ''}"
                ) from error

    def _of_error(self, error: BaseException) -> Report:
        """The report of a command that *error* ended."""
        case = Case(self._case, Outcome.ERROR, time.monotonic() - self._began, _message_of(error))
        return Report(self._suite, [case], f"{self._suite}: {self._case} could not be done")


def _message_of(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return str(Interrupted(2))
    if isinstance(error, (MlprojError, Interrupted)):
        return f"{error}\nhint: {error.hint}" if error.hint else str(error)
    return f"a bug in mlproj: {type(error).__name__}: {error}"


def _junit(report: Report) -> bytes:
    from mlproj.cli.report_files import junit

    return junit.render(report)


def _summary(report: Report) -> bytes:
    from mlproj.cli.report_files import summary

    return summary.render(report).encode()


def _check(option: str, path: Path) -> None:
    if path.is_dir():
        raise UsageError(f"{option} {path} is a folder; expected a file")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{option} {path}: the folder {path.parent} does not exist", hint=f"mkdir -p {path.parent}")


def _write(path: Path, content: bytes) -> None:
    """Replace *path*; a job's summary of GitHub is added to, as other steps write there, and a device is written to."""
    job_summary = env_vars.STEP_SUMMARY.get()
    if job_summary and _same(path, Path(job_summary)):
        with path.open("ab") as file:
            file.write(b"\n" + content)
    elif path.exists() and not path.is_file():
        path.write_bytes(content)
    else:
        paths.write_atomic(Path(os.path.realpath(path)), content)


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
