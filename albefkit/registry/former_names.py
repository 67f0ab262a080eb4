"""Hooks that have another name now: whoever uses the former one is understood, and told."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from albefkit.registry.entry import Entry
from albefkit.registry.kinds import CONTRACT_VERSION

if TYPE_CHECKING:
    from albefkit.registry.registrable import Registrable


def honour_former_names(component: type[Registrable]) -> None:
    """Give what a class defines under one of its names (`former_names`) the other one as well, so
    that the engine finds it under the new name, and a subclass' `super()` under either.
    """
    own = component.__dict__
    for former, now in component.former_names.items():
        if now in own and former not in own:
            setattr(component, former, own[now])
        elif former in own and now not in own:
            setattr(component, now, own[former])
            component.outdated = (*component.outdated, former)


def warn_of_former_names(component: type[Registrable], entry: Entry) -> None:
    """Tell the author of a component which of its hooks to rename, and until when."""
    for former in component.outdated:
        warnings.warn(
            f"{entry.label} defines '{former}', which is called "
            f"'{component.former_names[former]}' now: rename it; contract "
            f"v{CONTRACT_VERSION + 1} will not know the former name",
            DeprecationWarning,
            stacklevel=3,
        )
