"""Our layer is BERT's layer: the same weights give the same numbers."""

from __future__ import annotations

import torch
from torch import nn
from transformers import AutoModel, BertConfig

from albefkit.layers.attention import Memory, visible
from albefkit.layers.bert_layout import BERT_PARTS, take_layers
from albefkit.layers.cross_layer import CrossLayer, initialise_as_bert
from albefkit.layers.heads import MaskedWordHead
from albefkit.layers.loading import load_tensors

CONFIG = BertConfig(
    vocab_size=20,
    hidden_size=16,
    num_hidden_layers=3,
    num_attention_heads=2,
    intermediate_size=40,
    is_decoder=True,
    add_cross_attention=True,
)


def pair() -> tuple[nn.Module, nn.ModuleList]:
    """BERT with cross-attention as transformers builds it, and our layers with its weights."""
    torch.manual_seed(0)
    theirs = AutoModel.from_config(CONFIG, attn_implementation="eager").double().eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    ours = nn.ModuleList(
        CrossLayer(16, 2, 40, memory_width=16, dropout=0.1, eps=CONFIG.layer_norm_eps)
        for _ in range(2)
    )
    taken, renamed = take_layers(theirs.state_dict(), from_layer=1, count=2)
    report = load_tensors(ours.double(), taken, source="bert", renamed=renamed)
    assert report.names("fresh") == [] and report.names("dropped") == []
    return theirs, ours.eval()


def test_two_layers_equal_the_same_two_of_transformers() -> None:
    theirs, ours = pair()
    tokens = torch.randn(2, 5, 16, dtype=torch.float64)
    image = torch.randn(2, 7, 16, dtype=torch.float64)
    expected = tokens
    for layer in theirs.encoder.layer[1:]:
        expected = layer(expected, encoder_hidden_states=image)
        expected = expected[0] if isinstance(expected, tuple) else expected
    for layer in ours:
        tokens = layer(tokens, None, layer.cross_attention.remember(image, None))
    torch.testing.assert_close(tokens, expected, rtol=0, atol=1e-12)


def test_every_part_of_a_layer_has_a_name_on_both_sides() -> None:
    layer = CrossLayer(16, 2, 40, memory_width=16, dropout=0.0, eps=1e-12)
    ours = {name.rpartition(".")[0] for name in layer.state_dict()}
    assert ours == set(BERT_PARTS.values())


def test_a_row_is_normalised_after_each_part() -> None:
    layer = CrossLayer(16, 2, 40, memory_width=12, dropout=0.0, eps=1e-12)
    mask = visible(torch.tensor([[True, True, False]]))
    memory: Memory = layer.cross_attention.remember(torch.randn(1, 4, 12), None)
    out = layer(torch.randn(1, 3, 16), mask, memory)
    torch.testing.assert_close(out.mean(dim=2), torch.zeros(1, 3), atol=1e-6, rtol=0)


def test_fresh_weights_are_small_and_normal() -> None:
    torch.manual_seed(0)
    layer = CrossLayer(64, 2, 256, memory_width=48, dropout=0.0, eps=1e-12)
    initialise_as_bert(layer)
    assert abs(layer.cross_attention.key.weight.std().item() - 0.02) < 1e-3
    assert layer.cross_attention.key.bias.count_nonzero() == 0
    assert (layer.cross_attention_norm.weight == 1).all()


def test_masked_words_are_compared_with_the_word_embeddings() -> None:
    head = MaskedWordHead(16, vocabulary_size=9, word_width=6).double()
    words = torch.randn(9, 6, dtype=torch.float64, requires_grad=True)
    tokens = torch.randn(4, 16, dtype=torch.float64)
    logits = head(tokens, words)
    transformed = head.norm(nn.functional.gelu(tokens @ head.dense.weight.T + head.dense.bias))
    torch.testing.assert_close(logits, transformed @ words.T + head.bias)
    logits.sum().backward()
    assert words.grad is not None and words.grad.count_nonzero() > 0
    assert head(tokens[:0], words).shape == (0, 9)
    assert set(head.state_dict()) == {
        "bias",
        "dense.weight",
        "dense.bias",
        "norm.weight",
        "norm.bias",
    }
