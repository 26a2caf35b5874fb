"""What a declaration says about indexes and builds, as a ``uv.toml`` in uv's working folder.

Only the user may read that folder, and it is gone afterwards: logins of indexes are in no command line. They are needed
to install as well as to resolve: a lock names files, and the login for them is that of the index.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import lock, package_index, toml_writer
from mlproj.environments.python.uv import Uv
from mlproj.foundation import paths
from mlproj.foundation.progress import Progress


def uv_for(
    folder: Path,
    requirements: Requirements,
    progress: Progress,
    *,
    offline: bool,
    settings: Mapping[str, str] | None = None,
) -> Uv:
    """uv at work in *folder*, with what *requirements* say about indexes, sources and settings."""
    uv = Uv(folder, settings if settings is not None else package_index.settings(), progress, offline=offline)
    uv_settings = _settings(requirements)
    if package_index.names_default():
        # uv would leave the project's out. It comes before the user's, as the more particular one.
        uv_settings = {
            **uv_settings,
            **(
                {"index": [{**one, "default": False} for one in uv_settings["index"]]} if "index" in uv_settings else {}
            ),
        }
    if uv_settings:
        paths.write_atomic(uv.configuration, toml_writer.dumped(_merged(uv_settings, _parsed(uv.own_configuration()))))
    return uv


def _settings(requirements: Requirements) -> dict[str, Any]:
    """The project's settings, and what its requirements files say to pip about indexes."""
    uv_settings = dict(requirements.settings)
    pairs = lock.option_pairs(requirements.options)
    own = [{"url": value, "default": True} for name, value in pairs if name in ("-i", "--index-url") and value]
    more = [{"url": value} for name, value in pairs if name == "--extra-index-url" and value]
    links = [value for name, value in pairs if name in ("-f", "--find-links") and value]
    hosts = [value for name, value in pairs if name == "--trusted-host" and value]
    if own or more:
        uv_settings["index"] = [*more, *own[-1:], *uv_settings.get("index", [])]
    if links:
        uv_settings["find-links"] = [*links, *uv_settings.get("find-links", [])]
    if hosts:
        uv_settings["allow-insecure-host"] = [*hosts, *uv_settings.get("allow-insecure-host", [])]
    if (more or links) and "index-strategy" not in uv_settings:
        uv_settings["index-strategy"] = "unsafe-best-match"  # pip's rule, which a declaration in its words counts on
    return uv_settings


def _merged(uv_settings: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The project's settings before the user's, as uv joins the two: lists one after the other, of others the
    project's."""
    merged = {**own, **uv_settings}
    for name in own.keys() & uv_settings.keys():
        if isinstance(own[name], list) and isinstance(uv_settings[name], list):
            merged[name] = [*uv_settings[name], *own[name]]
    return merged


def _parsed(text: str) -> dict[str, Any]:
    from mlproj.environments.declarations import toml_text

    return toml_text.parse(text, "uv.toml") if text.strip() else {}
