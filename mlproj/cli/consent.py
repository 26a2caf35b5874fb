"""The first run of a project from a URL: what it will execute is said and, on a terminal, the user is asked once."""

from __future__ import annotations

import sys

from mlproj import environments
from mlproj.cli import terminal
from mlproj.cli.reporter import Reporter
from mlproj.environments.base import Declaration
from mlproj.foundation import env_vars
from mlproj.foundation.errors import ServiceError
from mlproj.foundation.redaction import redact
from mlproj.running import trust
from mlproj.running.plan import Proposal, shown_command, source_line

_LONGEST = 100  # characters of the command in the one line that is written where nobody can be asked
_YES = ("y", "yes")


def obtain(proposal: Proposal, reporter: Reporter, *, is_trusted: bool, dry_run: bool, as_json: bool) -> None:
    """Return when *proposal* may go on; raise :class:`~mlproj.running.trust.Declined` when the user says no.

    With *is_trusted* (``--trust``) nobody is asked. A dry run runs nothing, so it neither asks nor remembers; but
    deciding an environment may build packages, and that is said.
    """
    repository = _untrusted(proposal, reporter)
    if repository is None:
        return
    if dry_run:
        reporter.note(f"{repository} was never run here; working out its environment may run code of its packages")
    elif is_trusted:
        _remember(repository, "--trust", reporter)
    elif not as_json and _is_interactive():
        _ask(proposal, repository)
        _remember(repository, "said yes", reporter)
    else:
        reporter.note(f"first run of {repository} here: it executes {_in_one_line(shown_command(proposal.command))}")
        _remember(repository, "run without a terminal", reporter)


def _untrusted(proposal: Proposal, reporter: Reporter) -> str | None:
    """The repository to announce, None where there is nothing to announce."""
    everything = trust.trusts_all()
    repository = trust.repository_of(proposal)
    if repository is None or everything:
        return None
    trusted = trust.Trusted()
    if problem := trusted.problem():
        reporter.warn(problem)
    return None if trusted.knows(repository) else repository


def _is_interactive() -> bool:
    """Whether a person can be asked. A run inside a run has no terminal of its own, whatever it was started with."""
    return env_vars.RUN_ID.get() is None and terminal.is_terminal(sys.stdin) and terminal.is_terminal(sys.stderr)


def _ask(proposal: Proposal, repository: str) -> None:
    """Say what will be executed and wait for the answer. Raises Declined for anything but yes, the end of the input
    too."""
    command = shown_command(proposal.command).strip()
    lines = [
        f"first run of {repository} on this machine. It will execute:",
        f"  {source_line(proposal.revision)}",
        f"  environment: {_how_made(environments.declared(proposal.environment))}",
        f"  entry point {proposal.entry_point.name}:",
        *(f"    {line}" for line in command.split("\n")),
        "in a sandbox, without network and your home."
        if proposal.request.sandbox
        else "with your rights: it can read and change your files, and use the network.",
    ]
    _forget_what_was_typed()
    sys.stderr.write("".join(f"{_shown(line)}\n" for line in lines))
    sys.stderr.write(terminal.styled("run it? [y/N] ", sys.stderr, "bold"))
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):  # the end of the input, which leaves the cursor behind the question
        sys.stderr.write("\n")
    if answer.strip().lower() not in _YES:
        raise trust.Declined(repository)


def _forget_what_was_typed() -> None:
    """What was typed or pasted before the question is no answer to it."""
    import termios

    termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def _how_made(declaration: Declaration) -> str:
    if declaration.kind == "none":
        return f"the system's, because {declaration.reason}"
    return f"packages as {declaration.reason}; building one runs code of it"


def _in_one_line(command: str) -> str:
    return _shown(terminal.shortened(" ".join(command.split()), _LONGEST))


def _shown(text: str) -> str:
    """*text* without secrets, and without what could drive the terminal or be taken for lines of ours."""
    encoding = sys.stderr.encoding or "utf-8"
    return terminal.printable(redact(text)).replace("\n", "\\n").encode(encoding, "backslashreplace").decode(encoding)


def _remember(repository: str, reason: str, reporter: Reporter) -> None:
    try:
        trust.Trusted().remember(repository, reason)
    except ServiceError as error:  # the run itself may still go well, and will say what keeps it from being recorded
        reporter.warn(f"{error}; the question will come again")
