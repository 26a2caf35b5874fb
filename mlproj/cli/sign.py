"""``mlproj sign``: a statement of what a run was made from and made, signed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlproj.cli import complete, options, terminal
from mlproj.cli.output import print_document, print_lines
from mlproj.cli.recorded import find, opened_store
from mlproj.foundation import env_vars, paths
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import ServiceError, UsageError

if TYPE_CHECKING:
    from mlproj.signing.ed25519 import Signer

_LARGEST = 65_536  # bytes of a private key


@click.command("sign")
@click.argument("target", metavar="RUN|FILE", shell_complete=complete.runs)
@click.option(
    "--key", "name", metavar="NAME", shell_complete=complete.keys, help="Sign with this key. [default: the only one]"
)
@click.option(
    "--ssh-key",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Sign with this private key of OpenSSH, of type Ed25519.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also write the statement there; - prints it.",
)
@click.option("--force", is_flag=True, help="Sign again what has changed since it was signed.")
@options.as_json
def command(
    target: str, name: str | None, ssh_key: Path | None, output: Path | None, force: bool, as_json: bool
) -> None:
    """Sign what a run was made from and made: its commit, lock, inputs, parameters, metrics and the hashes of its
    files; or a package.

    RUN is a run's id or the beginning of it, its name, or "last". The statement (in-toto, in a DSSE envelope) is kept
    with the run; "mlproj verify RUN" checks it. That about a package FILE.mlproj is kept beside it, in
    FILE.mlproj.intoto.jsonl. Signing again with another key adds a signature.
    """
    from mlproj.signing import package_file

    if name and ssh_key:
        raise UsageError("--key and --ssh-key name two keys", hint="choose one of them")

    def signer() -> Signer:
        return _own(name) if ssh_key is None else _of_ssh(ssh_key)

    is_package = package_file.is_one(Path(target))
    signed = _package(Path(target), signer(), force) if is_package else _run(target, signer, force)
    _tell(signed, output, as_json)


@dataclass(frozen=True)
class _Signed:
    """What was signed: its name for people and for programs, by whom, and the statement."""

    shown: str
    fields: dict[str, str]
    signer: Signer
    line: bytes


def _run(reference: str, signer: Callable[[], Signer], force: bool) -> _Signed:
    from mlproj.signing import signing

    with opened_store() as store:
        run, by = find(store, reference), signer()
        line = signing.sign(run, by, store.metric_history, replace=force)
        return _Signed(f"{run.run_name} ({run.run_id})", {"run_id": run.run_id}, by, line)


def _package(file: Path, signer: Signer, force: bool) -> _Signed:
    from mlproj.signing import package_signing

    return _Signed(str(file), {"file": str(file)}, signer, package_signing.sign(file, signer, replace=force))


def _tell(signed: _Signed, output: Path | None, as_json: bool) -> None:
    line, key = signed.line, signed.signer.public
    if output is not None and output != Path("-"):
        _write(output, line)
    if as_json:
        print_document({**signed.fields, "signed_by": key.fingerprint, "statement": line.decode()})
    elif output == Path("-"):
        sys.stdout.write(line.decode())
    else:
        print_lines(f"signed {signed.shown} with {key.comment or 'the key'} ({key.fingerprint})")


def _own(name: str | None) -> Signer:
    from mlproj.signing.keyring import Keyring

    return Keyring().signer(name)


def _of_ssh(file: Path) -> Signer:
    from mlproj.signing import ed25519

    try:
        with file.expanduser().open("rb") as stream:
            content = stream.read(_LARGEST)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--ssh-key: {str(file)!r:.200} cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from error
    return ed25519.load(content, str(file), lambda: _passphrase(file), file.name)


def _passphrase(file: Path) -> str:
    given = env_vars.KEY_PASSPHRASE.get()
    if given:
        return given
    if not terminal.is_terminal(sys.stdin):
        raise UsageError(
            f"{file} needs a passphrase, and nobody can be asked", hint=f"set {env_vars.KEY_PASSPHRASE.name}"
        )
    from getpass import getpass

    try:
        return getpass(f"passphrase of {terminal.printable(str(file))}: ", sys.stderr)
    except EOFError:
        raise UsageError(f"{file} needs a passphrase, and none was given") from None


def _write(output: Path, line: bytes) -> None:
    try:
        paths.write_atomic(output, line)
    except OSError as error:
        raise ServiceError(f"the statement cannot be written to {output}: {error.strerror}") from error
