"""The words of the scenes' world and what they look like."""

from __future__ import annotations

import numpy as np

SHAPES = ("circle", "square", "triangle", "star", "cross", "diamond", "heart", "ring")

PLURALS = {shape: f"{shape}es" if shape == "cross" else f"{shape}s" for shape in SHAPES}

PAINT: dict[str, tuple[int, int, int]] = {
    "red": (214, 40, 40),
    "orange": (247, 140, 20),
    "yellow": (252, 224, 50),
    "green": (40, 160, 70),
    "blue": (45, 90, 225),
    "purple": (130, 50, 175),
    "pink": (252, 150, 195),
    "magenta": (225, 25, 165),
    "cyan": (80, 215, 235),
    "lime": (160, 235, 40),
    "navy": (22, 30, 105),
    "brown": (120, 72, 36),
    "black": (24, 24, 30),
    "white": (252, 252, 252),
}
COLOURS = tuple(PAINT)

SIZES = ("small", "medium", "large")

RADII = np.array([0.12, 0.17, 0.23])
"""Radius by size, as a share of the picture's side, before jitter."""

JITTER = 0.07
"""How far a radius may be from its size's, as a share of it; sizes never meet."""

SIZE_WORDS: dict[str, tuple[str, ...]] = {
    "small": ("small", "little"),
    "medium": ("",),
    "large": ("large", "big"),
}

PATTERNS = ("plain", "striped", "checkered", "dotted", "wavy", "speckled")

GROUND: dict[str, tuple[int, int, int]] = {
    "grey": (150, 150, 152),
    "beige": (184, 176, 156),
    "taupe": (140, 126, 118),
    "slate": (116, 128, 142),
    "sage": (150, 164, 146),
    "mauve": (160, 144, 164),
}
"""Muted, so that objects stand out: a small network that can tell every ground by its colour learns
that and nothing else for hundreds of steps."""

TONES = tuple(GROUND)

NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}

MAX_OBJECTS = 6

CROP_SCALE = (0.95, 1.0)
"""Shares of a scene's area that a crop may keep without losing what is spoken of."""
