"""Where a command runs on the machine that runs it: directly, in a sandbox, or in a container. Chosen once, while a run
is planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlproj.environments.base import Description
    from mlproj.projects.base import Command
    from mlproj.running.isolation.base import Isolation
    from mlproj.sources.base import Checkout


def choose(environment: Description, checkout: Checkout, command: Command, *, is_sandbox: bool) -> Isolation:
    """Choose the isolation of *command* by its *environment* and by whether a sandbox is asked for."""
    if environment.kind == "container":
        from mlproj.running.isolation.contained import Contained

        return Contained(checkout, command, is_sandbox=is_sandbox)
    if is_sandbox:
        from mlproj.running.isolation.sandboxed import Sandboxed

        return Sandboxed(checkout, command)
    from mlproj.running.isolation.direct import Direct

    return Direct()
