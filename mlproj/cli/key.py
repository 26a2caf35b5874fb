"""``mlproj key``: the keys that sign runs, and those whose signatures are believed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlproj.cli import complete, options
from mlproj.cli.command_table import Group
from mlproj.cli.output import print_document, print_lines, print_table
from mlproj.cli.table import Column
from mlproj.foundation.errors import UsageError

if TYPE_CHECKING:
    from mlproj.signing.keyring import Keyring, KnownKey

_LARGEST = 65_536  # bytes of a file with a public key


@click.group("key", cls=Group)
def group() -> None:
    """Make, list and trust the keys that sign runs.

    Private keys stay in MLPROJ_HOME/keys on this machine, where their owner alone can read them. Others need the public
    part: "mlproj key export NAME" prints it, and they say "mlproj key trust FILE".
    """


@group.command("create")
@click.argument("name", metavar="[NAME]", default="default")
@options.as_json
def create_command(name: str, as_json: bool) -> None:
    """Make an Ed25519 key, called "default" unless NAME says otherwise."""
    made = _keyring().create(name)
    _tell("created", made, as_json)


@group.command("list")
@options.as_json
def list_command(as_json: bool) -> None:
    """List your own keys and those you trust."""
    known = _keyring().known()
    if as_json:
        print_document({"keys": [_document(one) for one in known]})
    elif not known:
        sys.stderr.write("no keys\n")
    else:
        rows = [[one.name, "own" if one.own else "trusted", one.key.fingerprint] for one in known]
        print_table((Column("NAME", narrowest=12), Column("KIND"), Column("FINGERPRINT")), rows)


@group.command("export")
@click.argument("name", metavar="NAME", shell_complete=complete.keys)
@click.option("--pem", is_flag=True, help="As PEM, for OpenSSL and others, and not as a line of OpenSSH.")
@options.as_json
def export_command(name: str, pem: bool, as_json: bool) -> None:
    """Print the public part of a key, for those who shall trust it."""
    found = _keyring().find(name)
    if as_json:
        print_document({"key": _document(found)})
    else:
        print_lines(found.key.to_pem() if pem else found.key.to_openssh())


@group.command("trust")
@click.argument("file", metavar="FILE|-")
@click.option("--name", metavar="WHO", help="Whose key it is. [default: the comment in it]")
@options.as_json
def trust_command(file: str, name: str | None, as_json: bool) -> None:
    """Believe what a key signed. FILE holds its public part as OpenSSH or PEM keeps it; - is standard input.

    Make sure first that it is theirs: compare the fingerprint that is printed with the one that its owner sees.
    """
    from mlproj.signing import public_key

    key = public_key.parse(_text(file))
    who = name or key.comment
    if not who:
        raise UsageError("the key does not say whose it is", hint="--name WHO")
    _tell("trusted", _keyring().trust(key, who), as_json)


@group.command("remove")
@click.argument("name", metavar="NAME", shell_complete=complete.keys)
@options.as_json
def remove_command(name: str, as_json: bool) -> None:
    """Stop trusting a key. One of your own is gone for good; what it signed others can still check."""
    _tell("removed", _keyring().remove(name), as_json)


def _keyring() -> Keyring:
    from mlproj.signing.keyring import Keyring

    return Keyring()


def _text(file: str) -> str:
    try:
        if file == "-":
            return sys.stdin.buffer.read(_LARGEST).decode("utf-8", "replace")
        with Path(file).open("rb") as stream:
            return stream.read(_LARGEST).decode("utf-8", "replace")
    except (OSError, ValueError) as error:
        raise UsageError(f"{file!r:.200} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _tell(done: str, known: KnownKey, as_json: bool) -> None:
    if as_json:
        print_document({done: _document(known)})
    else:
        print_lines(f"{done} {known.name} ({known.key.fingerprint})")


def _document(known: KnownKey) -> dict[str, Any]:
    return {
        "name": known.name,
        "own": known.own,
        "fingerprint": known.key.fingerprint,
        "public": known.key.to_openssh(),
        "pem": known.key.to_pem(),
    }
