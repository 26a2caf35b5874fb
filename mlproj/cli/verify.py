"""``mlproj verify``: is a run or a file as it was recorded, and who says so?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlproj.cli import complete, options
from mlproj.cli.output import print_document, print_lines
from mlproj.cli.terminal import printable
from mlproj.foundation.errors import UsageError
from mlproj.tracking.base import NotFound

if TYPE_CHECKING:
    from mlproj.signing.report import Change, Report, Signed

_MOST = 200  # changes that are printed


@click.command("verify")
@click.argument("target", metavar="RUN|FILE", shell_complete=complete.runs)
@click.option(
    "--require-signature", is_flag=True, help="Also fail when it is not signed with a key that is known here."
)
@options.as_json
def command(target: str, require_signature: bool, as_json: bool) -> int:
    """Check that a run or a package is as it was made and signed, or whose the signatures in a file are.

    RUN is a run's id or the beginning of it, its name, or "last": its files are read and compared with the hashes that
    were recorded and, if somebody signed it, signed. FILE is a package (.mlproj) or a file of statements
    (.intoto.jsonl). Exit code 1 when something changed, a signature is bad or, with --require-signature, missing.
    Without that option a forger may have replaced the statement, too.
    """
    report = _verified(target)
    is_sound = report.is_sound(signature_required=require_signature)
    if as_json:
        print_document({"verified": is_sound, **_document(report)})
    else:
        _print(report, is_sound)
    return 0 if is_sound else 1


def _verified(target: str) -> Report:
    from mlproj.signing import checking, verifier
    from mlproj.signing.keyring import Keyring

    known = Keyring().known()
    file = Path(target)
    if verify := verifier.of_file(file):
        return verify(file, known)
    if target.startswith(("/", "./", "../")):
        raise _no_such_kind(target)
    from mlproj.cli.recorded import find, opened_store

    with opened_store() as store:
        try:
            run = find(store, target)
        except NotFound as error:
            raise (_no_such_kind(target) if file.is_file() else error) from None
        return checking.verify_run(run, known, store.metric_history)


def _no_such_kind(target: str) -> UsageError:
    from mlproj.signing import verifier

    kinds = ", ".join(kind.name for kind in verifier.KINDS)
    return UsageError(f"{target!r:.200} is no file that can be verified", hint=f"known: {kinds}; or name a run")


def _document(report: Report) -> dict[str, Any]:
    return {
        "about": report.about,
        "changes": [{"kind": one.kind, "what": one.what, "was": one.was, "now": one.now} for one in report.changes],
        "signed": report.is_signed,
        "signatures": [_signature(one) for one in report.signatures],
        "run_signatures": [_signature(one) for one in report.of_run],
        "facts": dict(report.facts),
        "faults": list(report.faults),
        "notes": list(report.notes),
    }


def _signature(signature: Signed) -> dict[str, Any]:
    return {"state": signature.state, "keyid": signature.keyid, "name": signature.name}


def _print(report: Report, is_sound: bool) -> None:
    lines = [f"{name}: {value}" for name, value in report.facts.items()]
    lines += [_changed(change) for change in report.changes[:_MOST]]
    if len(report.changes) > _MOST:
        lines.append(f"and {len(report.changes) - _MOST} more changes, which --json lists")
    lines += [f"fault: {fault}" for fault in report.faults]
    lines += [f"its run is {_signed(signature)}" for signature in report.of_run]
    lines += [_signed(signature) for signature in report.signatures] or ["not signed"]
    for note in report.notes:
        sys.stderr.write(f"{_line(note)}\n")
    print_lines(*map(_line, lines), f"{_line(report.about)}: {'verified' if is_sound else 'not verified'}")


def _changed(change: Change) -> str:
    values = f": {change.was} → {change.now}" if change.was is not None and change.now is not None else ""
    return f"{change.kind}: {change.what}{values}"


def _signed(signature: Signed) -> str:
    if signature.state == "trusted":
        return f"signed by {signature.name} ({signature.keyid})"
    if signature.state == "bad":
        return f"bad signature: it claims to be by {signature.name} ({signature.keyid}), and is not"
    return f"signed by an unknown key ({signature.keyid or 'that is not named'}), which cannot be checked here"


def _line(text: str) -> str:
    """*text* so that it cannot be taken for further lines."""
    return printable(text).replace("\n", "\\n")
