"""What built-in components are tried with: sizes that take no time, and the company they need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

TINY_LAYERS = {"from_layer": 0, "layers": 1, "heads": 2, "feed_forward": 16, "pretrained": False}
CROSS = {"type": "cross-attention", **TINY_LAYERS}
JOINT = {"layers": 1, "heads": 2, "feed_forward": 16, "pretrained": False}
PAIRED = {"type": "paired-cross-attention", "images": 2, **TINY_LAYERS}
DRAWN = {"size": 16, "train": 12, "val": 6, "test": 6}
LABELLED = {"data": {"type": "scene-entailment", **DRAWN}}
ASKED = {"data": {"type": "scene-questions", **DRAWN}}
NO_MATCHING = {"itc": None, "itm": None}

Said = Mapping[str, Any]

BUILT_IN: Mapping[tuple[str, str], Said] = {
    ("vision", "timm"): {
        "options": {
            "name": "vit_base_patch16_224",
            "image_size": 16,
            "patch_size": 8,
            "width": 12,
            "depth": 1,
            "heads": 2,
            "pretrained": False,
        }
    },
    ("vision", "open-clip"): {
        "options": {
            "image_size": 16,
            "patch_size": 8,
            "width": 16,
            "layers": 1,
            "heads": 2,
            "pretrained": False,
        }
    },
    ("vision", "patches"): {"options": {"image_size": 16, "patch_size": 8, "width": 12}},
    ("text", "bert"): {
        "options": {
            "layers": 1,
            "width": 16,
            "heads": 2,
            "feed_forward": 16,
            "positions": 16,
            "max_tokens": 12,
            "vocabulary": 80,
            "pretrained": False,
        }
    },
    ("text", "embeddings"): {"options": {"width": 16, "max_tokens": 12, "vocabulary": 80}},
    ("text", "open-clip"): {
        "options": {
            "layers": 1,
            "width": 16,
            "heads": 2,
            "max_tokens": 12,
            "vocabulary": 80,
            "pretrained": False,
        }
    },
    ("fusion", "cross-attention"): {"options": TINY_LAYERS},
    ("fusion", "paired-cross-attention"): {"options": {"images": 2, **TINY_LAYERS}},
    ("fusion", "joint"): {"options": JOINT},
    ("fusion", "co-attention"): {"options": {"layers": 1, "heads": 2, "feed_forward": 16}},
    ("keys", "in-batch"): {},
    ("keys", "momentum-queue"): {"options": {"size": 10}},
    ("negatives", "hard"): {},
    ("negatives", "random"): {},
    ("objective", "itc"): {},
    ("objective", "itm"): {"beside": {"objectives": {"itc": {}}}},
    ("objective", "mlm"): {"options": {"probability": 0.5}},
    ("objective", "mod"): {"beside": {"objectives": {"itc": {}}}},
    ("objective", "classification"): {"beside": LABELLED},
    ("objective", "answer"): {"beside": {"model": {"fusion": CROSS}, **ASKED}},
    ("objective", "text-assignment"): {"beside": {"model": {"fusion": PAIRED}}},
    ("objective", "word-patch"): {
        "options": {"iterations": 5},
        "beside": {"objectives": {"itm": {"negatives": "random"}}},
    },
    ("teacher", "momentum"): {},
    ("teacher", "frozen"): {},
    ("schedule", "constant"): {"options": {"value": 0.1}},
    ("schedule", "ramp"): {"options": {"to": 0.4}},
    ("schedule", "cosine"): {"options": {"peak": 0.1}},
    ("schedule", "staircase"): {"options": {"peak": 0.1}},
    ("optimizer", "adamw"): {"options": {"lr": 0.01}},
    ("dataset", "scenes"): {"options": {**DRAWN, "noise": 0.5}},
    ("dataset", "scene-questions"): {"options": DRAWN},
    ("dataset", "scene-statements"): {"options": DRAWN},
    ("dataset", "scene-entailment"): {"options": DRAWN},
    ("dataset", "scene-expressions"): {"options": DRAWN},
    ("dataset", "captions"): {"options": {"root": "captions"}},
    ("dataset", "vqa"): {"options": {"root": "vqa"}},
    ("dataset", "entailment"): {"options": {"root": "entailment"}},
    ("dataset", "nlvr"): {"options": {"root": "nlvr"}},
    ("dataset", "grounding"): {"options": {"root": "grounding"}},
    ("evaluator", "retrieval"): {"options": {"rerank": 3}},
    ("evaluator", "classification"): {
        "beside": {"objectives": {**NO_MATCHING, "classification": {}}, **LABELLED}
    },
    ("evaluator", "vqa"): {
        "options": {"k": 3, "longest": 3},
        "beside": {
            "model": {"fusion": CROSS},
            "objectives": {**NO_MATCHING, "answer": {}},
            **ASKED,
        },
    },
    ("evaluator", "grounding"): {
        "beside": {
            "model": {"fusion": CROSS},
            "data": {"type": "scene-expressions", **DRAWN},
        }
    },
    ("evaluator", "matching-calibration"): {},
    ("evaluator", "false-negatives"): {},
    ("evaluator", "teacher-agreement"): {},
}
"""Kind and name -> what `checks` is told."""

FILES: Mapping[str, Callable[[int], Mapping[str, Any]]] = {
    "captions": lambda n: {"image": f"{n}.png", "caption": [f"picture {n}", f"a {n}"]},
    "vqa": lambda n: {
        "image": f"{n}.png",
        "question": f"what colour is number {n}?",
        "answer": ["red", "blue"][: 1 + n % 2],
        "question_id": n,
        "dataset": "vqa",
    },
    "entailment": lambda n: {
        "image": f"{n}.png",
        "sentence": f"this is {n}",
        "label": ("entailment", "neutral")[n % 2],
    },
    "nlvr": lambda n: {
        "images": [f"{n}.png", f"{n // 2}.png"],
        "sentence": f"both are {n}",
        "label": ("True", "False")[n % 2],
    },
    "grounding": lambda n: {
        "image": f"{n}.png",
        "text": f"thing {n}",
        "bbox": [1, 2, 3, 4],
        "width": 24,
        "height": 20,
        "image_id": n,
    },
}
"""Dataset of files -> an entry of one, about picture n."""
