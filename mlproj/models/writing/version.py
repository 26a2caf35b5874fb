"""Versions of what is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def version_of(*distributions: str) -> str:
    """The version of the first of these distributions that is installed; ``unknown`` when none is."""
    for name in distributions:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "unknown"


def installed_of(*distributions: str) -> str:
    """The first of these names of one library that is installed; the first name when none is."""
    return next((name for name in distributions if version_of(name) != "unknown"), distributions[0])


def pin_of(distribution: str) -> str:
    """The requirement of exactly what is installed, without a local version such as ``+cu121``; of what is not, the
    name."""
    found = version_of(distribution)
    return distribution if found == "unknown" else f"{distribution}=={found.split('+')[0]}"
