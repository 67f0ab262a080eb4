"""What an ablation found, as files."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from albefkit.ablation.study import Study
from albefkit.engine.files import read_json, write_json, write_text
from albefkit.registry.errors import DataError, Problem
from albefkit.report.csv_table import to_csv
from albefkit.report.latex import to_latex
from albefkit.report.markdown import to_markdown
from albefkit.report.page import to_html
from albefkit.report.table import study_table


def write_report(study: Study, folder: Path) -> list[Path]:
    """Write tables, page and the study itself; each file is whole or not there.

    Args:
        study: what was found.
        folder: where to; files of an earlier report are replaced.

    Returns:
        The files, the study first: whatever else fails, the figures are kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "study.json", _finite(asdict(study)))
    table = study_table(study)
    texts = {
        "table.md": to_markdown(table),
        "table.csv": to_csv(study),
        "table.tex": to_latex(table),
        "report.html": to_html(study),
    }
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / "study.json", *(folder / name for name in texts)]


def read_study(path: Path) -> Study:
    """What `write_report` kept.

    Args:
        path: `study.json`.

    Raises:
        DataError: it is none.
    """
    try:
        return TypeAdapter(Study).validate_python(read_json(path))
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(Problem(str(path), "", f"cannot be read: {error}")) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"is not what an ablation found: {first['msg']}"
        raise DataError(Problem(str(path), where, message)) from error


def _finite(value: Any) -> Any:
    """The same without numbers that JSON does not know; `"nan"` is read back as one."""
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
