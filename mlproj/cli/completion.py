"""``mlproj completion``: the script that teaches a shell what can be typed."""

from __future__ import annotations

import click

_NO_SPACE = """COMPREPLY+=($value)
            [[ $value == *= ]] && compopt -o nospace"""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    Commands, options, recorded runs, and the entry points (-e) and parameters (-P) of a local project complete. To
    switch it on:

    \b
      bash   echo 'eval "$(mlproj completion bash)"' >> ~/.bashrc
      zsh    echo 'eval "$(mlproj completion zsh)"' >> ~/.zshrc
      fish   mlproj completion fish > ~/.config/fish/completions/mlproj.fish
    """
    from click.shell_completion import get_completion_class

    from mlproj.cli.command_table import cli

    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover  # click has known these three since 8.0
        raise click.UsageError(f"click cannot complete for {shell}")
    script = kind(cli, {}, "mlproj", "_MLPROJ_COMPLETE").source()
    # After `-P name=` a value follows at once; bash would put a space there.
    click.echo(script.replace("COMPREPLY+=($value)", _NO_SPACE) if shell == "bash" else script)
