"""DSSE envelopes: a payload with its type and signatures over both (https://github.com/secure-systems-lab/dsse, version
1).

What is read here may come from any source.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Sequence
from typing import Any

from mlproj.foundation import strict_json as strict
from mlproj.foundation.dataclass import dataclass
from mlproj.signing.ed25519 import Signer

PAYLOAD_TYPE = "application/vnd.in-toto+json"
LARGEST = 64_000_000  # bytes of a file of envelopes
_MOST_SIGNATURES = 64
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")


class InvalidEnvelope(ValueError):
    """It is no envelope or statement that could be believed; says why."""


@dataclass(frozen=True)
class Signature:
    """A signature, and the key that it says it is of, which proves nothing."""

    keyid: str
    sig: bytes


@dataclass(frozen=True)
class Envelope:
    """A payload of the type that we know, as it was signed."""

    payload: bytes
    signatures: Sequence[Signature]

    @property
    def signed(self) -> bytes:
        """What the signatures are over: DSSE's pre-authentication encoding."""
        kind = PAYLOAD_TYPE.encode()
        return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(self.payload), self.payload)

    def with_signature(self, signer: Signer) -> Envelope:
        """This envelope signed with one more key; a signature that the key gave before is replaced."""
        keyid = signer.public.fingerprint
        others = [signature for signature in self.signatures if signature.keyid != keyid]
        return Envelope(self.payload, [*others, Signature(keyid, signer.sign(self.signed))])

    def to_line(self) -> bytes:
        """The envelope as a line of a bundle (``.intoto.jsonl``)."""
        signatures = [{"keyid": one.keyid, "sig": b64encode(one.sig).decode()} for one in self.signatures]
        document = {"payload": b64encode(self.payload).decode(), "payloadType": PAYLOAD_TYPE, "signatures": signatures}
        return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def parse(line: bytes) -> Envelope:
    """The envelope in *line*. Unknown fields are ignored, as in-toto demands. Raises InvalidEnvelope."""
    document = strict_json(line)
    if document.get("payloadType") != PAYLOAD_TYPE:
        raise InvalidEnvelope(
            f"its payload is of the type {document.get('payloadType')!r:.100}, expected {PAYLOAD_TYPE}"
        )
    signatures = document.get("signatures")
    if not isinstance(signatures, list) or not signatures:
        raise InvalidEnvelope("it has no signatures")
    if len(signatures) > _MOST_SIGNATURES:
        raise InvalidEnvelope(f"it has more than {_MOST_SIGNATURES} signatures")
    return Envelope(_bytes(document.get("payload"), "payload"), [_signature(one) for one in signatures])


def strict_json(text: bytes) -> dict[str, Any]:
    """The JSON object in *text*. Raises InvalidEnvelope, also for a key that is there twice: readers would not agree
    what it says."""
    try:
        return strict.load(text)
    except ValueError as error:
        raise InvalidEnvelope(str(error)) from None


def _signature(document: Any) -> Signature:
    if not isinstance(document, dict) or not isinstance(document.get("keyid", ""), str):
        raise InvalidEnvelope("a signature is malformed")
    return Signature(document.get("keyid", "")[:200], _bytes(document.get("sig"), "signature"))


def _bytes(encoded: Any, what: str) -> bytes:
    """What *encoded* is in base64 of either alphabet."""
    if not isinstance(encoded, str) or not _BASE64.fullmatch(encoded):
        raise InvalidEnvelope(f"the {what} is not base64")
    try:
        return b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
    except (Error, ValueError):
        raise InvalidEnvelope(f"the {what} is not base64") from None
