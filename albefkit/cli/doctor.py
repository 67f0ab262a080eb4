"""`albefkit doctor`: what is wrong here, and what to do."""

from __future__ import annotations

from typing import Annotated

import typer

COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


def command(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Examine versions, devices, folders, hub and plugins; exit code 1 if there is a problem."""
    import json
    from dataclasses import asdict

    from albefkit.doctor.examination import examine

    findings = examine()
    if as_json:
        listed = [asdict(finding) for finding in findings]
        typer.echo(json.dumps(listed, indent=2, ensure_ascii=False))
    else:
        wide = max(len(finding.about) for finding in findings)
        for each in findings:
            status = typer.style(f"{each.status:7}", fg=COLOURS[each.status])
            typer.echo(f"{status}  {each.about:{wide}}  {each.found}")
            if each.advice:
                typer.echo(" " * (wide + 11) + each.advice)
    if any(finding.status == "problem" for finding in findings):
        raise typer.Exit(1)
