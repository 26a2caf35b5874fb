"""Addresses of the loopback in a piece of text, and what names of settings say that one is an MLflow server's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_URL = re.compile(
    r"\b(https?)://(?:[^\s/@\"'<>]*@)?(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])(?::(\d{1,5}))?(?=[/\s\"'`,;)}\]\\?#<|&]|$)",
    re.IGNORECASE,
)
_PORTS = {"http": 80, "https": 443}
# What in itself is the name of an MLflow server's address, in small letters and with underscores.
_OURS = re.compile(
    r"tracking_?(server_?)?(ur[il]|address|endpoint|host)|tracking_?server|(^|_)remote_?server_?ur[il]"
    r"|mlflow_?(\w+_?)?(ur[il]|server|address|endpoint)|mlflow_?host|(^|_)model_?registry_?ur[il]|(^|_)registry_?uri|ml_?flow_?ur[il]"
)
_NOT_OURS = re.compile(
    r"schema|docker|container|image|artifact|backend_?store|s3|minio|database|db_ur|gateway|deployment|ui_?port"
)
GENERIC = frozenset(
    {
        "uri",
        "url",
        "host",
        "hostname",
        "port",
        "address",
        "addr",
        "server",
        "server_uri",
        "server_url",
        "base_url",
        "base_uri",
        "endpoint",
    }
    | {
        "default",
        "value",
        "name",
        "path",
        "api_url",
        "service_url",
        "remote",
        "tracking",
        "registry",
        "registry_url",
        "ip",
        "link",
    }
)
"""Names of settings that say nothing without what they are part of."""


class Url(NamedTuple):
    """A loopback address without what follows its port."""

    scheme: str
    host: str
    port: int


def urls(text: str) -> Iterator[Url]:
    """The loopback addresses in *text*, in order."""
    for match in _URL.finditer(text):
        scheme = match[1].lower()
        port = int(match[3] or _PORTS[scheme])
        if 0 < port < 1 << 16:
            yield Url(scheme, match[2].lower(), port)


def normal(name: str) -> str:
    """A setting's name as it is compared: ``--tracking-uri`` and ``TRACKING_URI`` are one."""
    return name.strip("-").replace("-", "_").replace(".", "_").lower()


def is_ours(*path: str) -> bool:
    """Whether the setting at *path* (outer names first, all of them normal) is by its name the address of an MLflow
    server."""
    names = [name for name in path if name not in ("default", "value")]
    if not names or any(_NOT_OURS.search(name) for name in names[-1:]):
        return False
    if _OURS.search(names[-1]):
        return True
    return names[-1] in GENERIC and any("mlflow" in name or name == "tracking" for name in names[-3:-1])
