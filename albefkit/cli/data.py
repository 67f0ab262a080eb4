"""`albefkit data`: is a dataset as it should be?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from albefkit.data.check import Report

app = typer.Typer(no_args_is_help=True, help="Look at data before training on them.")


@app.callback()
def _data() -> None:
    """Look at data before training on them."""


@app.command("check")
def check(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Caption files: JSON lists of image and caption."),
    ],
    root: Annotated[
        Path | None,
        typer.Option(help="Folder that image paths start from.", show_default="beside each file"),
    ] = None,
    images: Annotated[
        bool, typer.Option("--images", help="Also decode every image (minutes for many).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Check caption files: malformed entries, missing or broken images, duplicates, statistics."""
    from albefkit.data.check import check_captions

    reports = check_captions(files, root, decode=images)
    if as_json:
        import json

        typer.echo(json.dumps([report.as_dict() for report in reports], indent=2))
    else:
        for report in reports:
            _show(report)
    if any(report.errors for report in reports):
        raise typer.Exit(3)


def _show(report: Report) -> None:
    verdict = f"{report.errors} error{'s' * (report.errors > 1)}" if report.errors else "OK"
    typer.secho(f"{report.file}: {verdict}", bold=True)
    if report.entries:
        typer.echo(
            f"  {report.entries} entries, {report.images} images, {report.captions} captions "
            f"({report.captions_per_image} per image)\n"
            f"  {report.words_per_caption} words per caption, at most {report.longest_caption}; "
            f"{report.cut_captions} are cut at 30 words; {report.vocabulary} different words"
        )
    for finding in report.findings:
        colour = typer.colors.RED if finding.error else typer.colors.YELLOW
        kind = "error" if finding.error else "note"
        typer.secho(f"  {kind}: {finding.what}, {finding.count}", fg=colour)
        for where in finding.where:
            typer.echo(f"    {where}")
        if finding.count > len(finding.where):
            typer.echo(f"    and {finding.count - len(finding.where)} more")
