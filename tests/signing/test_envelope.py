"""Envelopes as DSSE defines them: others read ours, we read theirs, and nothing hostile is believed."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from typing import Any

import pytest

from mlproj.signing import ed25519, envelope
from mlproj.signing.envelope import PAYLOAD_TYPE, Envelope, InvalidEnvelope

PAYLOAD = b'{"some":"statement"}'


def document(**fields: Any) -> bytes:
    sound = {
        "payload": b64encode(PAYLOAD).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": "k", "sig": "AAAA"}],
    }
    return json.dumps({**sound, **fields}).encode()


def test_another_implementation_verifies_ours() -> None:
    from securesystemslib.dsse import Envelope as Theirs
    from securesystemslib.signer import SSlibKey

    signer, _ = ed25519.create("ann")
    ours = Envelope(PAYLOAD, ()).with_signature(signer)

    theirs = Theirs.from_dict(json.loads(ours.to_line()))
    keyid = signer.public.fingerprint
    key = SSlibKey(keyid, "ed25519", "ed25519", {"public": signer.public.raw.hex()})

    assert list(theirs.verify([key], 1)) == [keyid]
    assert theirs.pae() == ours.signed


def test_we_verify_theirs() -> None:
    from securesystemslib.dsse import Envelope as Theirs
    from securesystemslib.signer import CryptoSigner

    signer = CryptoSigner.generate_ed25519()
    theirs = Theirs(PAYLOAD, PAYLOAD_TYPE, {})
    theirs.sign(signer)

    ours = envelope.parse(json.dumps(theirs.to_dict()).encode())
    key = ed25519.PublicKey(bytes.fromhex(signer.public_key.keyval["public"]))

    assert ed25519.is_valid(key, ours.signatures[0].sig, ours.signed)
    assert not ed25519.is_valid(key, ours.signatures[0].sig, ours.signed + b" ")


def test_a_key_signs_once() -> None:
    signer, _ = ed25519.create("ann")
    once = Envelope(PAYLOAD, ()).with_signature(signer)

    assert once.with_signature(signer) == once
    assert len(once.with_signature(ed25519.create("bob")[0]).signatures) == 2


def test_unknown_fields_and_both_alphabets_are_taken() -> None:
    wild = bytes(range(248, 256)) * 3
    found = envelope.parse(
        document(payload=urlsafe_b64encode(wild).decode(), more={"a": 1}, signatures=[{"sig": "__-_"}])
    )

    assert (found.payload, found.signatures[0].keyid, found.signatures[0].sig) == (wild, "", bytes([255, 255, 191]))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[]", "no JSON object"),
        (b"[" * 100_000, "no JSON"),
        (b'{"payload": NaN}', "NaN"),
        (document(payloadType="text/plain"), "text/plain"),
        (document(payloadType=None), "None"),
        (document(payloadType=["application/vnd.in-toto+json"]), "of the type"),
        (document(signatures=[]), "no signatures"),
        (document(signatures={}), "no signatures"),
        (document(signatures=["x"]), "a signature is malformed"),
        (document(signatures=[{"keyid": 1, "sig": "AAAA"}]), "a signature is malformed"),
        (document(signatures=[{"keyid": "k", "sig": "A"}]), "is not base64"),
        (document(signatures=[{"keyid": "k", "sig": "AAAA\n"}]), "is not base64"),
        (document(signatures=[{"keyid": "k"}]), "is not base64"),
        (document(signatures=[{"keyid": "k", "sig": "AAAA"}] * 65), "more than 64"),
        (document(payload=5), "is not base64"),
        (document(payload="=AAA"), "is not base64"),
        (document().replace(b'"payload"', b'"payload": "", "payload"', 1), "twice"),
    ],
)
def test_what_is_unsound_is_refused(line: bytes, told: str) -> None:
    with pytest.raises(InvalidEnvelope) as caught:
        envelope.parse(line)
    assert told in str(caught.value)
