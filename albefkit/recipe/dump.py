"""Writing a resolved recipe so that reading it gives the same recipe."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import Any, cast

import yaml

from albefkit.recipe.source import SCALARS
from albefkit.registry.registrable import Default


class _Dumper(yaml.SafeDumper):
    """Quotes whatever our reader would take for something else than text."""

    def ignore_aliases(self, data: Any) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Say everything where it belongs."""
        return True


def _text(dumper: Any, text: str) -> Any:
    odd = any(character in "\x85\u2028\u2029\ufeff" for character in text)
    tag = "tag:yaml.org,2002:str"
    return dumper.represent_scalar(tag, text, style='"' if odd else None)


cast(Any, _Dumper).add_representer(str, _text)
for _name, (_pattern, _first) in SCALARS.items():
    cast(Any, _Dumper).add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(rf"^(?:{_pattern})$"), _first
    )


def to_yaml(tree: Mapping[str, Any]) -> str:
    """A resolved recipe as YAML text, in the order of the recipe."""
    dump: Any = cast(Any, yaml).dump  # the stubs leave a part of its type unknown
    return dump(
        dict(tree), Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None
    )


def tree_hash(tree: Mapping[str, Any]) -> str:
    """A digest of what a resolved recipe says, whatever the order of its keys."""
    text = json.dumps(tree, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def plain(value: Any) -> Any:
    """A checked value as a recipe would write it: texts, numbers, lists and mappings."""
    if hasattr(value, "plain"):
        return value.plain()
    if isinstance(value, Default):
        return plain(value.value)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        entries = cast("Mapping[Any, Any]", value)
        return {str(key): plain(each) for key, each in entries.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in cast("list[Any]", value)]
    if isinstance(value, Enum):
        return plain(value.value)
    return str(value) if isinstance(value, PurePath) else value
