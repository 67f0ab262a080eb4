"""What every component keeps to, whatever its kind."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from albefkit.recipe.signature import component_parameters
from albefkit.registry.docstring import summary_line
from albefkit.testing.contract import DoesNotApply, contract, expect
from albefkit.testing.trial import Trial
from albefkit.testing.watching import (
    GENERATORS,
    SETTINGS,
    as_if_new,
    changed,
    drawn,
    empty_folder,
    printed,
    random_state,
)

READ = "albefkit.registry.registrable:Registrable"


@contract(READ)
def can_be_built(trial: Trial) -> None:
    """A component can be built from its options and neighbours, as a recipe does it."""
    trial.exercise()


@contract(READ)
def is_documented(trial: Trial) -> None:
    """A component says what it is in its docstring's first line, and every option has a line under
    `Args:`.
    """
    summary = summary_line(trial.cls.__dict__.get("__doc__") or "")
    expect(bool(summary), f"{trial.cls.__qualname__} has no docstring")
    ends = summary.endswith((".", "?", "!"))
    expect(ends, f"the first line is no sentence: '{summary}'")
    parameters = component_parameters(trial.cls).values()
    silent = [each.name for each in parameters if not each.meaning]
    expect(not silent, f"nothing is said about {', '.join(silent)}")


@contract(READ)
def import_changes_nothing(trial: Trial) -> None:
    """Importing a component's module defines things and does nothing else: no random numbers, no
    settings, no threads, no files, no output.
    """
    module = sys.modules.get(trial.cls.__module__)
    if module is None or module.__spec__ is None or module.__spec__.loader is None:
        raise DoesNotApply("the component was written into a session, not into a module")
    found: list[str] = []
    with random_state(0), as_if_new(), empty_folder():
        text = printed(lambda: found.extend(changed(GENERATORS | SETTINGS, lambda: _again(module))))
    expect(not found, f"importing {module.__name__} changes {', '.join(found)}")
    expect(not text, f"importing {module.__name__} prints '{text.strip()[:80]}'")


@contract(READ)
def sets_no_seed(trial: Trial) -> None:
    """Nobody but the engine seeds a global generator: what is drawn after a component was built and
    used still depends on the seed before.
    """
    after = []
    for seed in (1, 2):
        with random_state(seed):
            trial.exercise()
            after.append(drawn())
    seeded = [name for name in GENERATORS if after[0][name] == after[1][name]]
    expect(not seeded, f"{' and '.join(seeded)} was seeded")


CONTRACTS = (can_be_built, is_documented, import_changes_nothing, sets_no_seed)


def _again(module: ModuleType) -> None:
    """Import a module anew, beside the one that is used."""
    assert module.__spec__ is not None and module.__spec__.loader is not None
    fresh = importlib.util.module_from_spec(module.__spec__)
    sys.modules[module.__name__] = fresh
    try:
        module.__spec__.loader.exec_module(fresh)
    finally:
        sys.modules[module.__name__] = module
