"""What ``--sandbox`` hides of this machine, whatever makes the sandbox."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mlproj.foundation import paths
from mlproj.foundation.redaction import holds_secret
from mlproj.run_folder import log_file
from mlproj.running.isolation.base import Reach
from mlproj.sources.base import Checkout

_HOMES = ("/home", "/root", "/Users")  # another user's is readable for root
_GUARDED = ("-wal", "-shm", "-journal", ".tokens.json")  # beside a store's file
_LED_ASTRAY = ("TMPDIR", "TMP", "TEMP", "XDG_RUNTIME_DIR")  # they name places that are hidden


def without_secrets(variables: Mapping[str, str]) -> dict[str, str]:
    """*variables* of ours that a confined program may see: none that look secret, none that name hidden places."""
    return {
        name: value for name, value in variables.items() if name not in _LED_ASTRAY and not holds_secret(name, value)
    }


def written(reach: Reach) -> list[Path]:
    """Where a confined program writes besides the project's folder."""
    return [*(reach.run_dir / name for name in log_file.FILES), reach.artifacts]


def hidden_places(store: str | None) -> list[Path]:
    """Homes of people, ours for runs and tokens, the cache (others' code), and a store's file that lies elsewhere."""
    places = {*map(Path, _HOMES), Path(os.path.expanduser("~")), paths.home(), paths.cache()}  # noqa: PTH111  # that of Path may raise
    with suppress(KeyError):  # a number without an account, as in containers
        places.add(Path(pwd.getpwuid(os.getuid()).pw_dir))
    real = {Path(os.path.realpath(place)) for place in places if place.exists()}
    if store and store.startswith("sqlite:///"):
        file = store.removeprefix("sqlite:///")
        real.update(Path(os.path.realpath(file + end)) for end in ("", *_GUARDED) if Path(file + end).exists())
    return sorted(place for place in real if place != Path("/"))


def shown_folder(checkout: Checkout, hidden: Sequence[Path]) -> Path:
    """What is shown of a checkout: all of it, or the project's folder when the repository is a person's whole home."""
    return checkout.project_dir if shown_by(checkout.root, hidden) else checkout.root


def shown_by(folder: Path, hidden: Sequence[Path]) -> Path | None:
    """The hidden place that showing *folder* would show; our own ones may lie in a project, and stay hidden there."""
    real, ours = (
        Path(os.path.realpath(folder)),
        {Path(os.path.realpath(place)) for place in (paths.home(), paths.cache())},
    )
    return next(
        (place for place in hidden if place.is_relative_to(real) and (place not in ours or place == real)), None
    )
