"""Comparing what is there with what was recorded and what was signed, and finding whose the signatures are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mlproj.foundation import paths
from mlproj.foundation.errors import UsageError
from mlproj.foundation.tree_digest import SNAPSHOT
from mlproj.run_folder import record
from mlproj.signing import ed25519, envelope, evidence, statement
from mlproj.signing.envelope import Envelope, InvalidEnvelope, Signature
from mlproj.signing.evidence import Evidence, History, lock_of, output_path
from mlproj.signing.keyring import KnownKey
from mlproj.signing.report import Change, Report, Signed
from mlproj.signing.statement import COPY
from mlproj.tracking.base import Run


def verify_run(run: Run, known: Sequence[KnownKey], history: History) -> Report:
    """Whether *run* is as it was recorded and, if it is signed, as it was signed; *history* is the store's
    ``metric_history``.

    Raises ServiceError, UsageError.
    """
    if not run.status.ended:
        raise UsageError(f"the run {run.run_name} goes on; what it leaves is not recorded yet", hint="wait for its end")
    about = f"run {run.run_name} ({run.run_id})"
    found = evidence.gather(run, history)
    changes = against_record(run, found)
    notes = [f"not kept, so not checked: {output.path}" for output in run.outputs if not output.kept]
    if found.snapshot and not (run.source or {}).get(SNAPSHOT):
        notes.append("the copy of the project is not checked: a version that recorded no digest of it kept it")
    kept = record.read(run.run_id, run.artifact_uri, paths.STATEMENT, last=envelope.LARGEST)
    if kept is None:
        return Report(
            about, changes, notes=[*notes, "nobody signed it, so that only its outputs have hashes to compare with"]
        )
    try:
        signed = envelope.parse(kept)
        signed_facts = statement.facts(signed.payload)
    except InvalidEnvelope as error:
        return Report(about, changes, faults=[f"its statement is not valid: {error}"], notes=notes)
    changed = {change.what for change in changes}
    now = statement.facts(statement.build(run, found))
    left_out = statement.not_covered(signed_facts)
    if left_out:
        notes.append(f"its statement, of an earlier version, does not cover {', '.join(left_out)}")
        now = {what: value for what, value in now.items() if not statement.is_of(what, left_out)}
    changes = [*changes, *(change for change in _differences(signed_facts, now) if change.what not in changed)]
    return Report(about, changes, [signatures_of(signed, known)], notes=notes)


def against_record(run: Run, found: Evidence) -> list[Change]:
    """What differs from the hashes that were recorded when the run ended."""
    return [
        *_outputs(run, found),
        *_missing_lock(run, found),
        *_snapshot(run, found),
        *(Change("unreadable", f"artifact {path}") for path in found.unreadable),
    ]


def _outputs(run: Run, found: Evidence) -> Iterator[Change]:
    recorded = {output_path(output.path): output for output in run.outputs}
    for path, output in recorded.items():
        now = found.artifacts.get(path)
        if now is None and output.kept and path not in found.unreadable:
            yield Change("missing", f"artifact {path}", _sha256(output.sha256))
        elif now is not None and now != output.sha256:
            yield Change("changed", f"artifact {path}", _sha256(output.sha256), _sha256(now))
    folder = output_path("")
    for path, digest in found.artifacts.items():
        if path.startswith(folder) and path not in recorded and recorded:
            yield Change("added", f"artifact {path}", now=_sha256(digest))


def _missing_lock(run: Run, found: Evidence) -> Iterator[Change]:
    lock = lock_of(run)
    if lock and lock not in found.record:
        yield Change("missing", lock)


def _snapshot(run: Run, found: Evidence) -> Iterator[Change]:
    recorded = (run.source or {}).get(SNAPSHOT)
    if recorded and found.snapshot and str(recorded) != found.snapshot:
        yield Change("changed", COPY, str(recorded), found.snapshot)
    elif (
        recorded and not found.snapshot and run.artifact_uri.startswith("file:")
    ):  # with a server, it is where the run was made
        yield Change("missing", COPY, str(recorded))


def _sha256(digest: str | None) -> str | None:
    return f"sha256:{digest}" if digest else None


def _differences(signed_facts: dict[str, str], now: dict[str, str]) -> Iterator[Change]:
    for what in dict.fromkeys([*signed_facts, *now]):
        was, is_now = signed_facts.get(what), now.get(what)
        if was != is_now:
            yield Change("added" if was is None else "missing" if is_now is None else "changed", what, was, is_now)


def signatures_of(signed: Envelope, known: Sequence[KnownKey]) -> list[Signed]:
    """Whose each signature is; what it says of its key is only used to name it. Raises ServiceError."""
    return [_whose(signature, signed.signed, known) for signature in signed.signatures]


def _whose(signature: Signature, message: bytes, known: Iterable[KnownKey]) -> Signed:
    claimed = None
    for one in known:
        if ed25519.is_valid(one.key, signature.sig, message):
            return Signed("trusted", one.key.fingerprint, one.name)
        if one.key.fingerprint == signature.keyid:
            claimed = one.name
    return Signed("unknown" if claimed is None else "bad", signature.keyid, claimed)
