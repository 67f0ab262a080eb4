"""albefkit: train, take apart and compare ALBEF-style vision-language models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from albefkit.models.loading import from_pretrained, load

__all__ = ["__version__", "from_pretrained", "load"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import what uses models only when it is used: `albefkit --help` needs none of it."""
    if name in ("from_pretrained", "load"):
        from albefkit.models import loading

        return getattr(loading, name)
    raise AttributeError(f"module 'albefkit' has no attribute '{name}'")
