"""CLIP's own tokenizer."""

from __future__ import annotations

import tokenizers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers

from albefkit.text.tokenizer import Roles, Tokenizer

ORIGIN = "open_clip"
"""Where the vocabulary is from: it comes with the package, nothing is fetched."""

START, END = "<start_of_text>", "<end_of_text>"
ROLES = Roles(pad=END, cls=START, sep=END, mask=None, unk=END)
"""CLIP pads with the id 0, which is a word; nobody looks at what follows the end of a text."""

WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"
"""What is a word before it is split further: a clitic, letters, one digit, or other signs."""

UNSEEN = "[\x00-\x08\x0b\x0e-\x1f\x7f\ufeff]"
"""Control characters."""


def tokenizer() -> Tokenizer:
    """CLIP's byte-pair encoding of lower-cased texts (Radford et al. 2021, section 2.4).

    Every text is `<start_of_text> pieces <end_of_text>`, and no byte is unknown. There is no word
    for a hidden one. Of what open_clip repairs in a text beforehand, curly quotes become straight,
    control characters go and others are composed; HTML entities and wrongly decoded letters stay.
    """
    from open_clip.tokenizer import SimpleTokenizer

    theirs = SimpleTokenizer()
    model = models.BPE(
        vocab=theirs.encoder,
        merges=[(first, second) for first, second in theirs.bpe_ranks],
        end_of_word_suffix="</w>",
        unk_token=END,
    )
    inner = tokenizers.Tokenizer(model)
    inner.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(UNSEEN), ""),
            normalizers.Replace(Regex("[\u02bc\u2018-\u201b]"), "'"),
            normalizers.Replace(Regex("[\u201c-\u201f]"), '"'),
            normalizers.NFC(),
            normalizers.Lowercase(),
        ]
    )
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    inner.decoder = decoders.ByteLevel()
    return Tokenizer(inner, ROLES, closing_sep=True, origin=ORIGIN)
