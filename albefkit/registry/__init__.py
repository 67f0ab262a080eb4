"""Kinds, entry points, provenance, errors. Nothing here imports torch."""

from albefkit.registry.registrable import Ablation, Registrable, default

__all__ = ["Ablation", "Registrable", "default"]
