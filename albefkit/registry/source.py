"""What a component's source says about it, read without importing anything of it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from albefkit.registry.docstring import meanings, summary_line
from albefkit.registry.entry import Entry
from albefkit.registry.locate import UNREADABLE, Located, alias, ancestry, locate


@dataclass(frozen=True)
class ParameterText:
    """A recipe parameter as its source spells it.

    Args:
        name: what a recipe writes.
        type: the annotation.
        default: the default, or None where the recipe must say.
        meaning: what the docstring says about it.
    """

    name: str
    type: str
    default: str | None
    meaning: str


@dataclass(frozen=True)
class Description:
    """What the source of a component says.

    Args:
        summary: the docstring's first line.
        doc: the docstring's text before its first section.
        parameters: what a recipe may say.
        ablations: name -> what is then missing.
        file: the source file.
        line: where the class begins.
    """

    summary: str
    doc: str
    parameters: tuple[ParameterText, ...]
    ablations: dict[str, str]
    file: Path
    line: int


def summary(entry: Entry) -> str | None:
    """The first line of a component's docstring; None where its source cannot be read."""
    try:
        found = locate(entry)
    except UNREADABLE:
        return None
    if found is None:
        return None
    return summary_line(ast.get_docstring(found.node) or "")


def describe(entry: Entry) -> Description | None:
    """Everything the source of a component says; None where it cannot be read."""
    try:
        found = locate(entry)
        chain = ancestry(found) if found else []
    except UNREADABLE:
        return None
    if found is None:
        return None
    doc = ast.get_docstring(found.node) or ""
    explained: dict[str, str] = {}
    for each in reversed(chain):
        explained |= meanings(ast.get_docstring(each.node) or "")
    constructors = ((each, init) for each in chain if (init := _constructor(each.node)))
    constructor = next(constructors, None)
    nothing: dict[str, str] = {}
    ablations = next((named for each in chain if (named := _ablations(each.node))), nothing)
    return Description(
        summary_line(doc),
        doc.split("\n\nArgs:")[0].strip(),
        _parameters(*constructor, explained) if constructor else (),
        ablations,
        found.file,
        found.node.lineno,
    )


def _constructor(node: ast.ClassDef) -> ast.FunctionDef | None:
    inits = (n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__")
    return next(inits, None)


def _parameters(
    owner: Located, node: ast.FunctionDef, explained: dict[str, str]
) -> tuple[ParameterText, ...]:
    pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return tuple(
        ParameterText(
            argument.arg,
            _annotation_text(owner, argument.annotation),
            None if value is None else _default_text(value),
            explained.get(argument.arg, ""),
        )
        for argument, value in pairs
    )


def _annotation_text(owner: Located, node: ast.expr | None) -> str:
    match node:
        case None:
            return ""
        case ast.Constant(value=None):
            return "null"
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            meant = alias(owner, name)
            return name if meant is None else _annotation_text(owner, meant)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return f"{_annotation_text(owner, left)} | {_annotation_text(owner, right)}"
        case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Tuple(elts=values)):
            return " | ".join(_default_text(value) for value in values)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=value):
            return _default_text(value)
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[inner, *marks])):
            limits = ", ".join(_limits(marks))
            return f"{_annotation_text(owner, inner)} {limits}".rstrip()
        case _:
            return ast.unparse(node)


_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


def _limits(marks: list[ast.expr]) -> list[str]:
    """The limits in `Field(ge=0, le=1)`, as people write them."""
    keywords = [each for mark in marks if isinstance(mark, ast.Call) for each in mark.keywords]
    return [
        f"{_SIGNS[each.arg]} {ast.unparse(each.value)}" for each in keywords if each.arg in _SIGNS
    ]


def _default_text(node: ast.expr) -> str:
    match node:
        case ast.Call(func=ast.Name(id="default"), args=[value]):
            return _default_text(value)
        case ast.Constant(value=str(text)):
            return text
        case ast.Constant(value=None):
            return "null"
        case ast.Constant(value=bool(truth)):
            return "true" if truth else "false"
        case _:
            return ast.unparse(node).replace("'", "")


def _ablations(node: ast.ClassDef) -> dict[str, str]:
    for statement in node.body:
        match statement:
            case (
                ast.AnnAssign(target=ast.Name(id="ablations"), value=ast.Dict() as value)
                | ast.Assign(targets=[ast.Name(id="ablations")], value=ast.Dict() as value)
            ):
                return dict(_named_edits(value))
            case _:
                continue
    return {}


def _named_edits(node: ast.Dict) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in zip(node.keys, node.values, strict=True):
        if not (isinstance(key, ast.Constant) and isinstance(value, ast.Call)):
            continue
        spoken = [*value.args[1:2], *(k.value for k in value.keywords if k.arg == "meaning")]
        texts = [each.value for each in spoken if isinstance(each, ast.Constant)]
        found.append((str(key.value), str(texts[0]) if texts else ""))
    return found
