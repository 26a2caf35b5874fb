"""Regular expressions that are compiled when they are first used.

Compiling one takes 0.1 to 1 ms, and most commands use few of those that their modules define: together a fifth of a
short run.
"""

from __future__ import annotations

import re
from typing import Any, cast


def lazy(text: str, flags: int = 0) -> re.Pattern[str]:
    """What ``re.compile`` gives, from the first use on; a mistake in *text* shows only then."""
    return cast("re.Pattern[str]", _Lazy(text, flags))


class _Lazy:
    def __init__(self, text: str, flags: int) -> None:
        self._source = (text, flags)

    def __getattr__(self, name: str) -> Any:
        """An attribute of the compiled pattern; called once for each, as it is kept."""
        found = self.__dict__[name] = getattr(re.compile(*self._source), name)  # `re` keeps what it has compiled
        return found
