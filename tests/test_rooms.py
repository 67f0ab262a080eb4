"""Imports point downward: a room knows only the rooms below it."""

import ast
from pathlib import Path

import albefkit

ORDER = [
    "registry",
    "recipe",
    "seeding",
    "progress",
    "quantities",
    "distributed",
    "tensors",
    "predictions",
    "layers",
    "data",
    "vision",
    "text",
    "fusion",
    "network",
    "gradcam",
    "distill",
    "alignment",
    "objectives",
    "evaluation",
    "engine",
    "interop",
    "refusals",
    "assemble",
    "feeding",
    "models",
    "resuming",
    "running",
    "dry_run",
    "explain",
    "bench",
    "doctor",
    "scaffold",
    "testing",
    "ablation",
    "report",
    "docs",
    "cli",
    "__main__",
]
PACKAGE = Path(albefkit.__file__).parent


def imported_rooms(tree: ast.Module) -> set[str]:
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    return {
        node.module.split(".")[1]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and id(node) not in typing_only
        if node.module and node.module.startswith("albefkit.")
    }


def test_imports_point_downward():
    upward = []
    for file in PACKAGE.rglob("*.py"):
        room = file.relative_to(PACKAGE).with_suffix("").parts[0]
        if room == "__init__":
            continue
        rooms = imported_rooms(ast.parse(file.read_text()))
        upward += [
            f"{file.name} of {room} imports {each}"
            for each in rooms
            if ORDER.index(each) > ORDER.index(room)
        ]
    assert not upward
