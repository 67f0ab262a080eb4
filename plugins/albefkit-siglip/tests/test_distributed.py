"""Several processes judge each other's pairs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .conftest import RECIPES

SCRIPT = Path(__file__).with_name("two_processes.py")
VISION = "{type: timm, name: vit_base_patch16_224, image_size: 32, patch_size: 16, width: 16"
SETS = (f"model.vision={VISION}, depth: 1, heads: 2, pretrained: false}}", "data.size=32")
SETS += ("model.fusion=null", "data.train=6", "data.val=4", "data.test=4", "train.batch_size=6")
SETS += tuple(f"objectives.{name}=null" for name in ("itm", "mlm", "mod"))


def test_two_processes_learn_what_one_learns_from_both_batches():
    """Loss and gradients, with matches across ranks."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    done = subprocess.run(
        [*launch, SCRIPT, RECIPES / "siglip.yaml", *SETS],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
