"""What a package brings along for machines without network, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mlproj.foundation.dataclass import dataclass, field


@dataclass(frozen=True)
class BundledDependencies:
    """``files`` are members by name with their places; ``packages`` names, for each platform, the member of each
    package.

    ``locks`` are those of further platforms. ``import_roots`` are folders of packages that are installed in place.
    ``interpreter`` is the folder of a Python, which ``python`` describes. ``notes`` say what does not come along.
    """

    files: Mapping[str, Path] = field(default_factory=dict)
    packages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    locks: Mapping[str, Path] = field(default_factory=dict)
    import_roots: Sequence[tuple[int, str]] = ()
    interpreter: Path | None = None
    python: Mapping[str, str] | None = None
    notes: tuple[str, ...] = ()
