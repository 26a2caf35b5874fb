"""What must not leave this machine with a crate, although files of the record or the project may hold it."""

from __future__ import annotations

import os
from collections.abc import Callable

from mlproj.export.ro_crate.definition import Definition
from mlproj.foundation.redaction import looks_secret, redact

Redactor = Callable[[bytes], bytes]


def redactor(definition: Definition) -> Redactor:
    """What takes out of whole lines of a file credentials in URLs and the values of secret-looking variables and
    defaults."""
    defaults = {
        name: str(parameter.default)
        for name, parameter in definition.parameters.items()
        if isinstance(parameter.default, str)
    }
    secrets = {name: value for name, value in {**os.environ, **defaults}.items() if looks_secret(name)}

    def clean(lines: bytes) -> bytes:
        return redact(lines.decode("utf-8", "surrogateescape"), secrets).encode("utf-8", "surrogateescape")

    return clean
