"""What can be verified: files of several kinds, found by a table, and runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from mlproj.foundation.dataclass import dataclass
from mlproj.signing import package_file, statement_file
from mlproj.signing.keyring import KnownKey
from mlproj.signing.report import Report

Verify = Callable[[Path, Sequence[KnownKey]], Report]


@dataclass(frozen=True)
class Kind:
    """A kind of file: what it is called, how it is recognised, and where its verifier is (``module:attribute``).

    ``recognises`` is asked about any text that a user gave, also where no file is.
    """

    name: str
    recognises: Callable[[Path], bool]
    verifier: str


KINDS = (
    Kind("statements (.intoto.jsonl)", statement_file.is_one, "mlproj.signing.statement_file:verify"),
    Kind("packages (.mlproj)", package_file.is_one, "mlproj.signing.package_verifier:verify"),
)


def of_file(file: Path) -> Verify | None:
    """What verifies *file*, None when it is of no kind that is known."""
    for kind in KINDS:
        if kind.recognises(file):
            module, _, attribute = kind.verifier.partition(":")
            verify: Verify = getattr(import_module(module), attribute)
            return verify
    return None
