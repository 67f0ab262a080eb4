"""Which weights decay, in the released code and in a sound recipe."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from torch import nn

from albefkit.distill.constant import Constant
from albefkit.engine.adamw import AdamW

FOLDERS = [Path(os.environ[name]) for name in ("ALBEFKIT_GOLDEN",) if name in os.environ]
HERE = Path(__file__).parent / "data"
CASES = sorted(case for folder in FOLDERS or [HERE] for case in folder.glob("pretrain-seed*"))
