"""The JSON schema accepts what the check accepts, and refuses what an editor should mark."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from albefkit.recipe.load import load_recipe
from albefkit.recipe.schema import schema
from albefkit.recipe.source import parse
from tests.toy.fixtures import RECIPE

TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def fits(value: Any, rule: Any, root: dict[str, Any]) -> bool:
    """The part of JSON schema that ours uses."""
    known = {
        *("$ref", "anyOf", "allOf", "type", "const", "enum", "pattern", "properties", "required"),
        *("additionalProperties", "items", "prefixItems", "minItems", "maxItems", "format"),
        *("exclusiveMinimum", "minimum", "maximum", "description", "default", "title"),
        *("$schema", "$defs"),
    }
    assert set(rule) <= known, set(rule) - known
    checks = [
        "$ref" not in rule or fits(value, root["$defs"][rule["$ref"].split("/")[-1]], root),
        "anyOf" not in rule or any(fits(value, each, root) for each in rule["anyOf"]),
        all(fits(value, each, root) for each in rule.get("allOf", [])),
        "type" not in rule or _is(value, rule["type"]),
        "const" not in rule or value == rule["const"],
        "enum" not in rule or value in rule["enum"],
        not isinstance(value, str) or re.search(rule.get("pattern", ""), value) is not None,
        not isinstance(value, dict) or _mapping_fits(value, rule, root),
        not isinstance(value, list) or _list_fits(value, rule, root),
        not _is(value, "number") or value > rule.get("exclusiveMinimum", -1e99),
        not _is(value, "number") or rule.get("minimum", -1e99) <= value,
        not _is(value, "number") or value <= rule.get("maximum", 1e99),
    ]
    return all(checks)


def _is(value: Any, name: str) -> bool:
    truth = isinstance(value, bool)
    return truth == (name == "boolean") and isinstance(value, TYPES[name])


def _mapping_fits(value: dict[str, Any], rule: Any, root: Any) -> bool:
    properties, other = rule.get("properties", {}), rule.get("additionalProperties", True)
    if not set(rule.get("required", [])) <= set(value):
        return False
    for key, each in value.items():
        part = properties.get(key, other)
        if part is False or (part is not True and not fits(each, part, root)):
            return False
    return True


def _list_fits(value: list[Any], rule: Any, root: Any) -> bool:
    parts = rule.get("prefixItems") or [rule.get("items", {})] * len(value)
    return rule.get("minItems", 0) <= len(value) <= rule.get("maxItems", 1e9) and all(
        fits(each, part, root) for each, part in zip(value, parts, strict=False)
    )


@pytest.fixture
def written(toys):
    return json.loads(json.dumps(schema()))


def test_the_recipe_given_and_resolved_fit(written, recipe):
    tree = parse(RECIPE, "r.yaml", recipe.parent).python()
    assert fits(tree, written, written)
    assert fits(load_recipe(recipe).resolved, written, written)


@pytest.mark.parametrize(
    "text",
    [
        "extends: albef_base.yaml",
        "extends: [a, b]",
        "objectives: {itm: null}",
        "objectives: {itm: {type: many, switch: true}}",
        "objectives: {mine: {type: './x.py:Mine', anything: 3}}",
        "teacher: {momentum: {type: ramp, to: 1}}",
        "optimizer: {lr: 1e-3}",
        "augment: {randaugment: {level: 3}}",
        "data: {root: x}",
    ],
)
def test_right_parts_fit(written, text):
    assert fits(parse(text, "r.yaml", None).python(), written, written)


@pytest.mark.parametrize(
    "text",
    [
        "trian: {epochs: 3}",
        "train: {epoch: 3}",
        "train: {epochs: many}",
        "train: {precision: bf61}",
        "model: {vision: {type: camera, patch_sise: 3}}",
        "objectives: {itm: {switch: true}}",
        "objectives: {itm: {negatives: hrad}}",
        "augment: {crop_scale: [1]}",
    ],
)
def test_wrong_parts_do_not_fit(written, text):
    assert not fits(parse(text, "r.yaml", None).python(), written, written)


def test_meanings_and_defaults_are_there(written):
    epochs = written["properties"]["train"]["properties"]["epochs"]
    assert epochs["description"] == "passes over the training split." and epochs["default"] == 30
    camera = written["$defs"]["vision.camera"]
    assert camera["description"] == "Looks."
    assert camera["properties"]["pretrained"]["enum"] == ["auto", True, False]
    assert "weight" in written["$defs"]["objective.itm.line"]["properties"]


def test_a_broken_plugin_is_known_by_name(stranger):
    stranger(
        "vlp-extras",
        points={"albefkit.v1.negatives": {"sharp": "vlp_extras:Sharp"}},
        modules={"vlp_extras.py": "raise RuntimeError('sorry')"},
    )
    written = schema()
    assert "cannot be loaded" in written["$defs"]["negatives.sharp"]["description"]
    tree = {"objectives": {"itm": {"negatives": {"type": "sharp", "edge": 3}}}}
    assert fits(tree, written, written)
