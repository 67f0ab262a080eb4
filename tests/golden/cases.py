"""Where golden data are: cases and seeds are discovered by name, so new seeds need no new test.

Folders come from `ALBEFKIT_GOLDEN` and `ALBEFKIT_GOLDEN_WIDTHS` if set, else from `shared/` beside
the checkout; the small copy in `tests/golden/data` serves where neither has a case.
"""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
COPIES = Path(__file__).parent / "data"


def case_dirs(name: str) -> list[Path]:
    """The folders `<name>-seed*` of the main set, e.g. `case_dirs("pretrain")`."""
    return _discover(f"{name}-seed*", "ALBEFKIT_GOLDEN", "golden")


def width_case_dirs(name: str) -> list[Path]:
    """The folders `<name>/seed*` of the set with unequal widths."""
    return _discover(f"{name}/seed*", "ALBEFKIT_GOLDEN_WIDTHS", "golden_widths")


def fixed_dir(name: str) -> Path | None:
    """A folder of the main set that has no seeds (`lr_schedule`), or None if it is not here."""
    found = [root / name for root in _roots("ALBEFKIT_GOLDEN", "golden")]
    return next((folder for folder in found if folder.is_dir()), None)


def case_name(folder: Path) -> str:
    """A test id for a case."""
    return folder.name if "-" in folder.name else f"{folder.parent.name}-{folder.name}"


def _roots(variable: str, folder: str) -> list[Path]:
    beside = CHECKOUT.parent / "shared" / folder
    given = os.environ.get(variable)
    return [Path(given) if given else beside, COPIES / folder]


def _discover(pattern: str, variable: str, folder: str) -> list[Path]:
    found: dict[str, Path] = {}
    for root in _roots(variable, folder):
        for case in root.glob(pattern):
            found.setdefault(str(case.relative_to(root)), case)
    return [found[key] for key in sorted(found)]
