"""What a program's last words say of a server that it did not reach, or of a port that it did not get."""

from __future__ import annotations

import re

_HOST = r"(?<![\w.:])(localhost|127\.0\.0\.1|0\.0\.0\.0|\[?::1?\]?)"
_SIGN = re.compile(
    r"Connection refused|Max retries exceeded|ConnectionRefusedError|Failed to connect to|ECONNREFUSED|Errno 111"
)
_WHERE = (
    re.compile(rf"host='{_HOST}', port=(\d+)", re.IGNORECASE),
    re.compile(rf"https?://{_HOST}:(\d+)\S* failed", re.IGNORECASE),
    re.compile(rf"{_HOST},? port:? (\d+)", re.IGNORECASE),
    re.compile(rf"(?:refused|connect)\b[^\n]*?{_HOST}:(\d+)", re.IGNORECASE),
)
_REST = re.compile(r"/api/\d\.\d/mlflow")
_IN_USE = re.compile(r"[Aa]ddress already in use|EADDRINUSE|\[Errno 98\]|Connection in use")
_PORT = re.compile(r"(?::|port:? |', )(\d{2,5})\b", re.IGNORECASE)


def refused(output: str) -> tuple[str, int] | None:
    """The host and port on this machine that *output* says last to have refused a connection."""
    if not _SIGN.search(output):
        return None
    found = [(match.start(), match[1], int(match[2])) for pattern in _WHERE for match in pattern.finditer(output)]
    return max(found)[1:] if found else None


def awaited(output: str) -> list[tuple[str, int]]:
    """The hosts and ports on this machine at which, as *output* says, an MLflow client was refused and will try
    again; those that it asks for TLS are left out, which nobody could answer for."""
    retried = [line for line in output.splitlines() if "Retry" in line and "HTTPSConnection" not in line]
    lines = [line for line in retried if "refused" in line and _REST.search(line)]
    return [(match[1], int(match[2])) for line in lines if (match := _WHERE[0].search(line))]


def held(output: str) -> int | None:
    """The port that *output* says to be in use, as far as a line near that says which."""
    lines = output.splitlines()
    for at, line in enumerate(lines):
        if _IN_USE.search(line):
            near = [number for each in lines[max(0, at - 2) : at + 3] for number in _PORT.findall(each)]
            return int(near[0]) if near else None
    return None
