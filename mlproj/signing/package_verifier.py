"""Whether a package is as it was made, and as was signed: every member by its hash, what it says of its run, and the
file itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mlproj.package.format import reading
from mlproj.package.format.manifest import STATEMENT, Manifest
from mlproj.package.format.reading import Bundle
from mlproj.signing import (
    checking,
    envelope,
    package_file,
    package_statement,
    run_in_package,
    statement,
    statement_file,
)
from mlproj.signing.envelope import InvalidEnvelope
from mlproj.signing.keyring import KnownKey
from mlproj.signing.report import Change, Report, Signed
from mlproj.sources.digest import digest_of

_BLOCK = 1 << 20
_COVERS = (
    "the run's statement names a commit; whether the project's files, and so its defaults, are that commit's was not"
    " looked at"
)


def verify(file: Path, known: Sequence[KnownKey]) -> Report:
    """What of the package *file* is not as it lists, and who signed it. Raises SourceError for a file that is no
    package."""
    digest = digest_of(file)
    with reading.inspected(file) as bundle:
        changes = [Change(fault.kind, fault.name) for fault in bundle.faults()]
        of_run, run_changes, faults = _of_run(bundle, {change.what for change in changes}, known)
        statements, file_changes, file_faults = _of_file(file, digest, known)
        manifest, content = bundle.manifest, bundle.digest
    return Report(
        f"package {file.name}",
        [*changes, *run_changes, *file_changes],
        statements,
        [*faults, *file_faults],
        [_COVERS] if of_run and not statements else [],
        of_run,
        {**dict(_facts(manifest)), "digest": f"sha256:{content}", "file": f"sha256:{digest}"},
    )


def _facts(manifest: Manifest) -> Iterator[tuple[str, str]]:
    source = manifest.source
    if manifest.model is not None:
        yield "model", manifest.model["name"]
    yield "source", str(source["uri"]) + (f"#{manifest.subdirectory}" if manifest.subdirectory else "")
    if source.get("commit"):
        yield "commit", source["commit"]
    if source.get("dirty"):
        yield "uncommitted changes", "in it"
    if manifest.run:
        yield "run", str(manifest.run.get("run_id"))
    yield "made by", f"mlproj {manifest.mlproj}"


def _of_run(
    bundle: Bundle, reported: set[str], known: Sequence[KnownKey]
) -> tuple[list[Signed], list[Change], list[str]]:
    """Who signed the run that was packaged, and what the package says otherwise than they did."""
    content = None if STATEMENT in reported else bundle.text(STATEMENT)
    if content is None:
        return [], [], []
    try:
        signed = envelope.parse(content)
        signed_facts = statement.facts(signed.payload)
    except InvalidEnvelope as error:
        return [], [], [f"the statement of its run is not valid: {error}"]
    return checking.signatures_of(signed, known), list(run_in_package.differences(signed_facts, bundle.manifest)), []


def _of_file(file: Path, digest: str, known: Sequence[KnownKey]) -> tuple[list[list[Signed]], list[Change], list[str]]:
    """Who signed the file, whether it is the one that they signed, and why a statement beside it cannot be believed."""
    beside = package_file.statement_of(file)
    statements: list[list[Signed]] = []
    changes: list[Change] = []
    faults: list[str] = []
    for place, line in statement_file.lines(beside) if beside.is_file() else ():
        try:
            signed = envelope.parse(line)
            if not package_statement.is_one(signed.payload):
                raise InvalidEnvelope("it is not about a package")
            _name, subject = package_statement.subject_of(signed.payload)
        except InvalidEnvelope as error:
            faults.append(f"{beside.name}, line {place}: {error}")
            continue
        if subject != digest:
            changes.append(Change("changed", "the file", f"sha256:{subject}", f"sha256:{digest}"))
        statements.append(checking.signatures_of(signed, known))
    return statements, changes, faults
