"""The table of commands, each imported only when chosen; ``--help`` is answered from the table alone."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import click

from mlproj import __version__
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Entry:
    """One command: where it is (``module:attribute``), what it does in a line, and under which heading it is listed."""

    target: str
    help: str
    section: str


COMMANDS = {
    "run": Entry(
        "mlproj.cli.run_command:command", "Run a project from a folder, a Git URL or an archive, and record it.", "Run"
    ),
    "reproduce": Entry(
        "mlproj.cli.reproduce:reproduce_command",
        "Do a recorded run again, and tell whether it came out the same.",
        "Run",
    ),
    "rerun": Entry("mlproj.cli.reproduce:rerun_command", "Do a recorded run again with other parameters.", "Run"),
    "package": Entry(
        "mlproj.cli.package:command", "Put a project, or a run of one, into one file that a colleague can run.", "Run"
    ),
    "bisect": Entry("mlproj.cli.bisect:command", "Find the commit that changed a metric.", "Run"),
    "runs": Entry(
        "mlproj.cli.runs:group", "List, show, compare, explain, follow, delete and restore recorded runs.", "Look"
    ),
    "experiments": Entry(
        "mlproj.cli.experiments:group", "List, show, make, rename, delete and restore experiments.", "Look"
    ),
    "ui": Entry("mlproj.cli.ui:command", "Show recorded runs as web pages on this machine.", "Look"),
    "server": Entry("mlproj.cli.server:group", "Serve runs, models and files to MLflow's clients, for a team.", "Look"),
    "sync": Entry("mlproj.cli.sync:command", "Deliver runs that wait on this disk for a tracking server.", "Look"),
    "gc": Entry("mlproj.cli.gc:command", "Remove deleted runs and experiments for good, with their files.", "Look"),
    "verify": Entry("mlproj.cli.verify:command", "Check that a run or file is as it was recorded and signed.", "Look"),
    "sign": Entry("mlproj.cli.sign:command", "Sign what a run was made from and made.", "Look"),
    "key": Entry("mlproj.cli.key:group", "Make, list and trust the keys that sign runs.", "Look"),
    "export": Entry(
        "mlproj.cli.export:command", "Write a recorded run for archives, journals and other tools.", "Look"
    ),
    "import": Entry("mlproj.cli.import_runs:group", "Import runs that MLflow recorded.", "Look"),
    "show": Entry("mlproj.cli.show:command", "Show a project's entry points, parameters and environment.", "Projects"),
    "check": Entry("mlproj.cli.check:command", "Check that a project is valid, for its author and for CI.", "Projects"),
    "ci": Entry("mlproj.cli.ci:group", "Write the file by which GitHub or GitLab runs a project.", "Projects"),
    "schema": Entry("mlproj.cli.schema:command", "Print the JSON Schema of MLproject, for editors.", "Projects"),
    "models": Entry(
        "mlproj.cli.models.group:group", "Look at models that MLflow or mlproj wrote, and check them.", "Models"
    ),
    "env": Entry("mlproj.cli.env:group", "List, show and remove the environments built so far.", "Environments"),
    "doctor": Entry(
        "mlproj.cli.doctor:command",
        "Check this machine: what is there, and what is missing for which use.",
        "This machine",
    ),
    "completion": Entry(
        "mlproj.cli.completion:command", "Print the completion script for bash, zsh or fish.", "This machine"
    ),
}


class Group(click.Group):
    """A group that knows which command was meant when a name is mistyped."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names. Raises UsageError with the likely one when there is none."""
        word = args[0]
        if self.get_command(ctx, word) is None and not word.startswith("-") and not ctx.resilient_parsing:
            raise self.unknown(ctx, word)
        return super().resolve_command(ctx, args)

    def unknown(self, ctx: click.Context, word: str) -> UsageError:
        """What to say about *word*, which is no command of this group."""
        guess = did_you_mean(word, self.list_commands(ctx))
        message = f"there is no command {word!r}" + (f"; did you mean {guess!r}?" if guess else "")
        return UsageError(message, hint=f"{ctx.command_path} --help lists the commands")


class LazyGroup(Group):
    """A group whose commands are listed from a table and imported when chosen."""

    table: ClassVar[Mapping[str, Entry]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """All names, in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """The command, imported now, or None for a name that is not in the table."""
        entry = self.table.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        """The commands by what people do, each with its line, without importing any."""
        width = max(map(len, self.table))
        for section in dict.fromkeys(entry.section for entry in self.table.values()):
            with formatter.section(section):
                formatter.write_dl(
                    [(name.ljust(width), entry.help) for name, entry in self.table.items() if entry.section == section]
                )

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """The names that begin with *incomplete*, from the table, and the options."""
        from click.shell_completion import CompletionItem

        found: Iterable[Any] = (
            CompletionItem(name, help=entry.help) for name, entry in self.table.items() if name.startswith(incomplete)
        )
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]


class TopGroup(LazyGroup):
    """The top of the command line."""

    table = COMMANDS

    def unknown(self, ctx: click.Context, word: str) -> UsageError:
        """As for every group; a word that looks like a project is answered with the command that runs it."""
        if any(sign in word for sign in ("/", ":", "\\")) or word in {".", ".."}:
            return UsageError(f"there is no command {word!r}", hint=f"to run that project: mlproj run {word}")
        return super().unknown(ctx, word)


@click.group(
    cls=TopGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every command has its own help: mlproj COMMAND --help",
)
@click.version_option(__version__, "--version", message="mlproj %(version)s", help="Print the version and exit.")
@click.pass_context
def cli(context: click.Context) -> None:
    """Run machine-learning projects from wherever they live, write down what happened, and do it again."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
