"""The image encoder, block by block (spec 1.1)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from albefkit.bench.reference.attention import attend

ABSENT = ("q_norm", "k_norm", "ls1", "ls2", "drop_path1", "drop_path2", "norm_pre", "patch_drop")
"""Parts that timm's vision transformers may have and the released one has not."""


def is_released_vit(model: nn.Module) -> bool:
    """Whether a model of timm is built as the released image encoder is."""
    from timm.models.vision_transformer import Block, VisionTransformer

    return (
        type(model) is VisionTransformer
        and model.has_class_token
        and model.num_prefix_tokens == 1
        and not model.no_embed_class
        and all(type(block) is Block for block in model.blocks)
        and all(
            isinstance(part, nn.Identity)
            for name, part in model.named_modules()
            if name.rpartition(".")[2] in ABSENT
        )
    )


def image_tokens(model: Any, images: Tensor) -> Tensor:
    """Encode images `(R, 3, H, W)` as `(R, 1 + N, D)`, [CLS] first; nothing is dropped."""
    patches = model.patch_embed.proj(images).flatten(2).transpose(1, 2)
    tokens = torch.cat([model.cls_token.expand(len(images), -1, -1), patches], dim=1)
    tokens = tokens + model.pos_embed
    for block in model.blocks:
        query, key, value = block.attn.qkv(block.norm1(tokens)).chunk(3, dim=-1)
        seen = attend(query, key, value, block.attn.num_heads, mask=None, dropout=0.0)
        tokens = tokens + block.attn.proj(seen)
        tokens = tokens + block.mlp(block.norm2(tokens))
    return model.norm(tokens)
