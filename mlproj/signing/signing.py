"""Signing the statement of a run, and keeping it with the run."""

from __future__ import annotations

from mlproj import artifacts
from mlproj.foundation import paths
from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.run_folder import record
from mlproj.signing import checking, envelope, evidence, statement
from mlproj.signing.ed25519 import Signer
from mlproj.signing.envelope import Envelope, InvalidEnvelope
from mlproj.signing.evidence import History
from mlproj.tracking.base import Run


def sign(run: Run, signer: Signer, history: History, *, replace: bool = False) -> bytes:
    """Sign what is known of *run*, keep that with it, and return it: a line of an ``.intoto.jsonl`` file. *history* is
    the store's ``metric_history``.

    A statement that is there and says the same gets one more signature; one that says something else is replaced only
    with
    *replace*. Raises UsageError, also when the run is not as it was recorded; ServiceError.
    """
    if not run.status.ended:
        raise UsageError(f"the run {run.run_name} goes on; what it leaves is not known yet", hint="wait for its end")
    found = evidence.gather(run, history)
    changed = checking.against_record(run, found)
    if changed:
        raise UsageError(
            f"the run is not as it was recorded: {changed[0].what} is {changed[0].kind}",
            hint=f"mlproj verify {run.run_id[:8]} lists it",
        )
    payload = statement.build(run, found)
    if not statement.artifacts_of(statement.facts(payload)):
        raise UsageError(f"the run {run.run_name} left nothing that a statement could be about")
    signed = _signed_before(run, payload, replace).with_signature(signer)
    _keep(run, signed.to_line())
    return signed.to_line()


def _signed_before(run: Run, payload: bytes, replace: bool) -> Envelope:
    kept = record.read(run.run_id, run.artifact_uri, paths.STATEMENT)
    if kept is None or replace:
        return Envelope(payload, ())
    try:
        before = envelope.parse(kept)
    except InvalidEnvelope:
        before = None
    if before is None or before.payload != payload:
        hint = "mlproj verify says what has changed; --force signs it as it is now, and drops the earlier signatures"
        raise UsageError(f"the run {run.run_name} is signed already, and is not as it was then", hint=hint)
    return before


def _keep(run: Run, line: bytes) -> None:
    """In the run's folder, or where those are who have its files from a tracking server. Raises ServiceError."""
    try:
        if run.artifact_uri.startswith("file:"):
            paths.write_atomic(paths.run_dir(run.run_id) / paths.STATEMENT, line)
            return
        with artifacts.open_recorded(run.artifact_uri).create(f"{record.FOLDER}/{paths.STATEMENT}") as write:
            write(line)
    except OSError as error:
        raise ServiceError(f"the statement cannot be kept with the run: {error.strerror}") from error
