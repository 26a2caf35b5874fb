"""Statements in a file: who signed them, and what they are about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.signing import checking, envelope, package_statement, statement
from mlproj.signing.envelope import InvalidEnvelope
from mlproj.signing.keyring import KnownKey
from mlproj.signing.report import Report, Signed

SUFFIX = ".intoto.jsonl"


def is_one(file: Path) -> bool:
    """Whether *file* is named as in-toto names them."""
    return file.name.endswith(SUFFIX)


def verify(file: Path, known: Sequence[KnownKey]) -> Report:
    """Whose the signatures in *file* are. A line that is no statement is a fault. Raises UsageError, ServiceError."""
    statements: list[list[Signed]] = []
    faults: list[str] = []
    notes: list[str] = []
    for place, line in lines(file):
        try:
            signed = envelope.parse(line)
            notes.append(f"line {place} is about {_about(signed.payload)}")
        except InvalidEnvelope as error:
            faults.append(f"line {place}: {error}")
            continue
        statements.append(checking.signatures_of(signed, known))
    if not statements and not faults:
        faults.append("there is no statement in it")
    return Report(f"statements in {file}", (), statements, faults, notes)


def lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of *file* that hold something, with their numbers. Raises UsageError, ServiceError."""
    return ((place, line) for place, line in enumerate(_content(file).split(b"\n"), start=1) if line.strip())


def _about(payload: bytes) -> str:
    if package_statement.is_one(payload):
        name, digest = package_statement.subject_of(payload)
        return f"the file {name} with the SHA-256 {digest}; whether it is as signed, mlproj verify says of that file"
    facts = statement.facts(payload)
    count = len(statement.artifacts_of(facts))
    return f"run {facts['run']} and {count} artifacts of it; whether they are as signed was not looked at"


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(envelope.LARGEST + 1)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UsageError(f"{str(file)!r:.200} is no file") from error
    except OSError as error:
        raise ServiceError(f"{file} cannot be read: {error.strerror}") from error
    if len(content) > envelope.LARGEST:
        raise ServiceError(f"{file} is larger than {envelope.LARGEST} bytes, so it is not read")
    return content
