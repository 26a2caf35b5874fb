"""An image's ENTRYPOINT: whether it starts the command that it is given, or takes the words for something else.

``tini``, a script that ends in ``exec "$@"`` and ``conda run`` do the first, ``["sh", "-c"]``, ``["echo"]`` and a
server do the second, and neither a name nor a script's text tells for sure. So it is tried, once for each image.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from mlproj.environments.containers import container, image, sandbox
from mlproj.environments.containers.engine import Engine
from mlproj.environments.containers.image import Image
from mlproj.environments.containers.settings import Settings
from mlproj.foundation import paths
from mlproj.foundation.dataclass import replace
from mlproj.foundation.errors import ServiceError
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import redact

TRIAL = "mlproj-trial-"
"""What the name of a container in which an ENTRYPOINT is tried begins with; the number of our process follows."""

_FILE = "entry_point.json"
_PATIENCE = 30.0  # seconds
_ENGINE_FAILS = 125  # exit code, not of the container but of the engine's program
# Two words that only a shell which got both as they are prints side by side.
_WORDS = ("mlproj's \"first", ' $HOME;\n\\second"')
_COMMAND = ("sh", "-c", 'printf %s%s "$1" "$2"', "mlproj", *_WORDS)


def decide(engine: Engine, found: Image, wanted: Settings, progress: Progress, *, anew: bool = False) -> Settings:
    """*wanted* as it is to be for the image *found*: without its ENTRYPOINT where that would not start
    a command. What was found out before holds unless it is to be tried *anew*. Where the user's own options name
    another program, that is theirs. Raises ServiceError."""
    if not found.entry_point or wanted.entry_point is not None:
        return wanted
    if _starts_commands(engine, found, wanted, progress, anew=anew):
        return wanted
    written = json.dumps(found.entry_point)
    progress.note(f"the image's ENTRYPOINT {written} is set aside: it does not start the command it is given")
    return replace(wanted, skips_entry_point=True)


def record(found: Image, wanted: Settings) -> dict[str, object]:
    """What the record of a run's image has of it; nothing for an image without one."""
    if not found.entry_point:
        return {}
    is_used = wanted.entry_point is None and not wanted.skips_entry_point
    return {"entrypoint": {"words": list(map(redact, found.entry_point)), "used": is_used}}


def _starts_commands(engine: Engine, found: Image, wanted: Settings, progress: Progress, *, anew: bool) -> bool:
    """As it was found out before, for the same user and the same names of variables; else it is tried now."""
    options = _options(engine, wanted)
    place = paths.cache() / "images" / found.id.removeprefix("sha256:") / _FILE
    key = " ".join([engine.name, *options, *sorted(wanted.variables)])
    known = _known(place)
    if key in known and not anew:
        return known[key]
    with progress.step(f"trying whether the image's ENTRYPOINT {shlex.join(found.entry_point)} starts commands"):
        answer = _try(engine, found, wanted, options)
    if answer is None:
        return True  # as its author meant it; the run shows what is the matter
    place.parent.mkdir(parents=True, exist_ok=True)
    paths.write_atomic(place, json.dumps({**known, key: answer}, indent=1) + "\n")
    return answer


def _known(place: Path) -> dict[str, bool]:
    try:
        content = json.loads(place.read_bytes())
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in content.items() if isinstance(value, bool)} if type(content) is dict else {}


def _options(engine: Engine, wanted: Settings) -> list[str]:
    user = container.user_of(engine, wanted)
    chosen = ["--user", user] if user else []
    platform = ["--platform", wanted.platform] if wanted.platform else []
    at_once = ["--stop-timeout=0"] if engine.name == "podman" else []  # when it is removed
    return [*chosen, *platform, *at_once, *(sandbox.options(wanted) if wanted.is_sandbox else ())]


def _try(engine: Engine, found: Image, wanted: Settings, options: Sequence[str]) -> bool | None:
    """Start a container as a run's would be, but without network and anything of this machine, and see what it prints.
    None where the engine itself fails."""
    name = f"{TRIAL}{os.getpid()}-{os.urandom(4).hex()}"
    apart = ["--name", name, "--label", image.label(), "--network", "none", "--log-driver", "none"]
    with container.variables_options(wanted.variables) as (by_option, by_environment):
        words = [*apart, *options, *by_option, found.id, *_COMMAND]
        try:
            done = engine.run("run", *words, env=by_environment, timeout=_PATIENCE)
        except ServiceError:  # it does something else, and for longer
            return False
        finally:
            container.remove(engine, name)
    return None if done.returncode == _ENGINE_FAILS else "".join(_WORDS).encode() in done.stdout
