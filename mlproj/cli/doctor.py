"""``mlproj doctor``: what is on this machine, and what is missing for what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from mlproj.cli import options
from mlproj.cli.output import print_document, print_heading, print_lines, print_prose
from mlproj.cli.reporter import make_reporter

if TYPE_CHECKING:
    from mlproj.cli.inventory import Finding

_SIGNS = {"ok": "ok", "missing": "--", "broken": "!!", "skipped": "--"}


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
    for section in dict.fromkeys(finding.section for finding in findings):
        print_heading(section)
        here = [finding for finding in findings if finding.section == section]
        name_width = max(len(finding.name) for finding in here)
        for finding in here:
            _print_finding(finding, name_width)
    print_lines(
        "",
        "mlproj can run projects here"
        if healthy
        else "mlproj cannot run projects here: something essential is missing",
    )


def _print_finding(finding: Finding, name_width: int) -> None:
    print_prose(f"  {_SIGNS[finding.state]}  {finding.name:<{name_width}}  {finding.detail}", hanging=name_width + 8)
    if finding.state in {"missing", "broken"}:
        weight = "essential: " if finding.essential else ""
        print_prose(f"      {weight}needed for {finding.needed_for}; {finding.remedy}", hanging=6)
