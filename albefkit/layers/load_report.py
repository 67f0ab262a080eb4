"""What became of each tensor of a checkpoint, and of each tensor of a module."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

from albefkit.registry.errors import ComponentError, Problem

Fate = Literal["loaded", "interpolated", "renamed", "fresh", "dropped"]
FATES: tuple[Fate, ...] = get_args(Fate)
SHOWN = 5
"""How many names of one fate a summary spells out."""


class TensorFate(NamedTuple):
    """What became of one tensor.

    Args:
        fate: loaded as it is; interpolated to another shape; renamed and loaded; fresh: in the
            module and not in the checkpoint; dropped: only in the checkpoint.
        note: from which name or shape, or why not.
    """

    fate: Fate
    note: str = ""


@dataclass
class LoadReport:
    """An account of one initialisation.

    Args:
        source: where the weights came from; empty for random ones.
        tensors: what became of each, by name in the module (in the checkpoint, for dropped ones).
        reason: why there are no pretrained weights, where some were wished for.
    """

    source: str = ""
    tensors: dict[str, TensorFate] = field(default_factory=dict)
    reason: str = ""

    @property
    def pretrained(self) -> bool:
        """Whether weights came from anywhere."""
        return bool(self.source)

    def names(self, fate: Fate) -> list[str]:
        """The tensors that met a fate."""
        return [name for name, tensor in self.tensors.items() if tensor.fate == fate]

    def require(self, backbone: Iterable[str], allowed: Iterable[str] = ()) -> LoadReport:
        """Insist that every tensor of a backbone was loaded.

        Args:
            backbone: names in the module.
            allowed: prefixes of names that may be fresh all the same.

        Raises:
            ComponentError: some were not, each named with its reason.
        """
        prefixes = tuple(allowed)
        missing = [
            name
            for name in backbone
            if self.tensors.get(name, TensorFate("fresh")).fate == "fresh"
            and not name.startswith(prefixes)
        ]
        if self.pretrained and missing:
            raise ComponentError([self._problem(missing)])
        return self

    def _problem(self, missing: list[str]) -> Problem:
        lines = [f"{len(missing)} tensors of the backbone are not in {self.source}:"]
        for name in missing[:SHOWN]:
            note = self.tensors.get(name, TensorFate("fresh")).note
            lines.append(f"  {name}" + (f"  ({note})" if note else ""))
        if len(missing) > SHOWN:
            lines.append(f"  and {len(missing) - SHOWN} more")
        hint = "Take weights of the same shape, or say 'pretrained: false' to start at random."
        return Problem("", "", "\n".join(lines), hint)

    def summary(self) -> str:
        """A few lines for people."""
        if not self.pretrained:
            return "random weights" + (f": {self.reason}" if self.reason else "")
        counts = {fate: len(self.names(fate)) for fate in FATES}
        total = ", ".join(f"{count} {fate}" for fate, count in counts.items() if count)
        lines = [f"{self.source}: {total}"]
        for fate in ("interpolated", "fresh", "dropped"):
            names = self.names(fate)
            for name in names[:SHOWN]:
                note = self.tensors[name].note
                lines.append(f"  {fate} {name}" + (f" ({note})" if note else ""))
            if len(names) > SHOWN:
                lines.append(f"  {fate} and {len(names) - SHOWN} more")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """For a manifest: plain values, the loaded only counted."""
        named = {
            fate: {name: self.tensors[name].note for name in self.names(fate)}
            for fate in FATES
            if fate != "loaded"
        }
        return {
            "pretrained": self.pretrained,
            "source": self.source,
            "reason": self.reason,
            "loaded": len(self.names("loaded")),
        } | {fate: notes for fate, notes in named.items() if notes}
