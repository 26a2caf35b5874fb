"""Where packages come from: the user's settings for uv and pip, as uv understands them, and their fingerprint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mlproj.foundation.redaction import mask_url
from mlproj.foundation.sha256 import sha256

# uv's spelling of pip's settings, with the separator each side uses between several values.
_PIP = {
    "PIP_INDEX_URL": ("UV_DEFAULT_INDEX", None),
    "PIP_EXTRA_INDEX_URL": ("UV_INDEX", " "),
    "PIP_FIND_LINKS": ("UV_FIND_LINKS", ","),
    "PIP_TRUSTED_HOST": ("UV_INSECURE_HOST", " "),
    "PIP_NO_INDEX": ("UV_NO_INDEX", None),
    "PIP_CERT": ("SSL_CERT_FILE", None),
    "PIP_PROXY": ("ALL_PROXY", None),
}
_EQUIVALENTS = {"UV_DEFAULT_INDEX": "UV_INDEX_URL", "UV_INDEX": "UV_EXTRA_INDEX_URL"}
_RELEVANT = (
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_NO_INDEX",
    "UV_INDEX_STRATEGY",
    "UV_TORCH_BACKEND",
)


def settings(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables to add for uv so that it uses the indexes that pip would use; what is set for uv itself wins.

    Where pip's extra indexes are taken over, so is pip's rule that the best version of all indexes is chosen.
    """
    given = os.environ if environ is None else environ
    added: dict[str, str] = {}
    for theirs, (ours, separator) in _PIP.items():
        value = given.get(theirs)
        if not value or given.get(ours) or given.get(_EQUIVALENTS.get(ours, "")):
            continue
        added[ours] = separator.join(value.split()) if separator else value
    if "UV_INDEX" in added and not given.get("UV_INDEX_STRATEGY"):
        added["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return added


def names_default(environ: Mapping[str, str] | None = None) -> bool:
    """Whether the user's variables name the index that stands for PyPI."""
    given = os.environ if environ is None else environ
    return any(given.get(name) for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"))


def fingerprint(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The settings that decide which packages are found, without credentials; configuration files by their content."""
    given = dict(os.environ if environ is None else environ)
    given.update(settings(given))
    chosen = {name: mask_url(given[name]) for name in _RELEVANT if given.get(name)}
    for file in _configuration_files(given):
        try:
            chosen[f"content of {file.name}"] = sha256(file.read_bytes()).hexdigest()
        except OSError:
            continue
    return chosen


def _configuration_files(given: Mapping[str, str]) -> list[Path]:
    """uv's own files, user's and system's (https://docs.astral.sh/uv/concepts/configuration-files/)."""
    if given.get("UV_CONFIG_FILE"):
        return [Path(given["UV_CONFIG_FILE"])]
    if given.get("UV_NO_CONFIG"):
        return []
    user = Path(given.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return [user / "uv" / "uv.toml", Path("/etc/uv/uv.toml")]
