"""Lines about requests, without the secrets that their addresses hold."""

from __future__ import annotations

import re
from logging import LogRecord
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from uvicorn.logging import AccessFormatter

from mlproj.foundation.redaction import MASK, looks_secret, mask_url, redact
from mlproj.server.token_file import PREFIX

_TOKEN = re.compile(re.escape(PREFIX) + r"[\w-]{20,}")
_ALSO_SECRET = frozenset({"key", "sig", "signature", "auth", "pwd", "pass"})
_PLAIN = "/:@!$&'()*+,;=~*"


class Formatter(AccessFormatter):
    """uvicorn's, but what is secret in the query or path is masked, however it is quoted."""

    def formatMessage(self, record: LogRecord) -> str:  # noqa: N802  # as the standard library calls it
        """One line."""
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, address, version, status = record.args
            record.args = (client, method, without_secrets(str(address)), version, status)
        return super().formatMessage(record)


def without_secrets(address: str) -> str:
    """A path with its query, as a request has it, without secrets: values whose names look secret, credentials, tokens
    of ours."""
    path, mark, query = address.partition("?")
    named = [(name, _masked(name, value)) for name, value in parse_qsl(query, keep_blank_values=True)]
    return quote(_clean(unquote(path)), safe=_PLAIN) + mark + urlencode(named, safe=_PLAIN)


def _masked(name: str, value: str) -> str:
    is_secret = looks_secret(name) or name.lower() in _ALSO_SECRET or mask_url(f"?{name}=value") != f"?{name}=value"
    return MASK if is_secret and value else _clean(value)


def _clean(text: str) -> str:
    return _TOKEN.sub(MASK, redact(text))


CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "mlproj.server.request_log.Formatter",
            "fmt": '%(asctime)s %(client_addr)s "%(request_line)s" %(status_code)s',
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"uvicorn.access": {"handlers": ["stderr"], "level": "INFO", "propagate": False}},
}
"""How uvicorn is to log."""
