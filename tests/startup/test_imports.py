"""Starting, listing and helping load nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

from albefkit.cli.main import VERBS

HEAVY = ("torch", "numpy", "timm", "transformers", "tokenizers", "yaml", "PIL", "matplotlib")

SCRIPT = """
import sys
from albefkit.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
print("heavy:", *(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["components"],
        ["components", "objective"],
        ["components", "objective", "itm"],
        ["components", "--json"],
        *([verb, "--help"] for verb in VERBS),
    ],
)
def test_light_verbs(arguments):
    script = SCRIPT.format(heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "heavy:\n"


@pytest.mark.parametrize(
    "module", ["registry.catalogue", "registry", "recipe.load", "recipe.schema"]
)
def test_registry_and_recipe_know_nothing_of_torch(module):
    script = f"import sys, albefkit.{module}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
