"""``mlproj doctor``: what is on this machine, and what is missing for what."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from mlproj.cli import options, terminal
from mlproj.cli.output import print_document, print_heading, print_lines
from mlproj.cli.reporter import make_reporter

if TYPE_CHECKING:
    from mlproj.cli.inventory import Finding

_SIGNS = {"ok": ("ok", "green"), "missing": ("--", "yellow"), "broken": ("!!", "red"), "skipped": ("--", "dim")}


@click.command("doctor")
@options.offline
@options.as_json
def command(offline: bool, as_json: bool) -> int:
    """Say what is on this machine, what is missing, what that is needed for, and how to get it.

    The exit code is 0 when mlproj can run projects here, 1 when something essential is missing.
    """
    from mlproj.cli import inventory

    with make_reporter(json=as_json).step("looking around"):
        findings = inventory.look(offline)
    healthy = not any(finding.fatal for finding in findings)
    if as_json:
        print_document({"healthy": healthy, "findings": [asdict(finding) for finding in findings]})
    else:
        _print(findings, healthy)
    return 0 if healthy else 1


def _print(findings: Sequence[Finding], healthy: bool) -> None:
    width = max(len(finding.name) for finding in findings if len(finding.name) <= 28)
    for section in dict.fromkeys(finding.section for finding in findings):
        print_heading(section)
        for finding in findings:
            if finding.section == section:
                _print_finding(finding, width)
    sys.stdout.write("\n")
    print_lines(
        "mlproj can run projects here" if healthy else "mlproj cannot run projects here: see the lines marked !! or -- and essential"
    )


def _print_finding(finding: Finding, width: int) -> None:
    sign, style = _SIGNS[finding.state]
    sys.stdout.write(f"  {terminal.styled(sign, sys.stdout, style)}  ")
    print_lines(f"{finding.name:<{width}}  {finding.detail}")
    if finding.state in {"missing", "broken"}:
        weight = "essential: " if finding.essential else ""
        print_lines(f"      {weight}needed for {finding.needed_for}; {finding.remedy}")
