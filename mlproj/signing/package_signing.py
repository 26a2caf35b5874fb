"""Signing a package: a statement about the file, beside it."""

from __future__ import annotations

from pathlib import Path

from mlproj.foundation import paths
from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.package.format import reading
from mlproj.signing import envelope, package_file, package_statement, statement_file
from mlproj.signing.ed25519 import Signer
from mlproj.signing.envelope import Envelope, InvalidEnvelope
from mlproj.sources.digest import digest_of


def sign(file: Path, signer: Signer, *, replace: bool = False) -> bytes:
    """Sign the package *file* in ``FILE.intoto.jsonl``, and return the line.

    A statement that is there and says the same gets one more signature; one that says something else is replaced only
    with
    *replace*. Raises SourceError for what is no package, UsageError when a member of it changed; ServiceError.
    """
    with reading.inspected(file) as bundle:
        fault = next(bundle.faults(), None)
        source = bundle.manifest.source
    if fault:
        raise UsageError(
            f"{file.name} is not as it was made: {fault.name} is {fault.kind}", hint=f"mlproj verify {file} lists it"
        )
    payload = package_statement.build(file.name, digest_of(file), source)
    beside = package_file.statement_of(file)
    line = _signed_before(beside, payload, replace).with_signature(signer).to_line()
    try:
        paths.write_atomic(beside, line)
    except OSError as error:
        raise ServiceError(f"{beside} cannot be written: {error.strerror}") from error
    return line


def _signed_before(beside: Path, payload: bytes, replace: bool) -> Envelope:
    if replace or not beside.exists():
        return Envelope(payload, ())
    try:
        (kept,) = [envelope.parse(line) for _place, line in statement_file.lines(beside)]
    except (InvalidEnvelope, ValueError):
        kept = Envelope(b"", ())
    if kept.payload != payload:
        raise UsageError(
            f"{beside.name} is there, and about something else", hint="--force replaces it, with the earlier signatures"
        )
    return kept
