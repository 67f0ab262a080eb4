"""From words to ids."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import tokenizers
import torch

from albefkit.registry.errors import ComponentError, Problem
from albefkit.tensors import TextView

FORMAT = "albefkit-tokenizer-1"
TRAINED = "trained"


@dataclass(frozen=True)
class Corpus:
    """What a text encoder can get its tokenizer from.

    Args:
        captions: gives the cleaned training texts, each time from the start.
        saved: a tokenizer that an earlier run saved; it is then used as it is.
    """

    captions: Callable[[], Iterable[str]]
    saved: Path | None = None


@dataclass(frozen=True)
class Roles:
    """Which entries of a vocabulary play the special roles; one entry may play several.

    `sep` and `mask` may have none to play them.
    """

    pad: str = "[PAD]"
    cls: str = "[CLS]"
    sep: str | None = "[SEP]"
    mask: str | None = "[MASK]"
    unk: str = "[UNK]"

    @property
    def entries(self) -> list[str]:
        """All that play a role."""
        return [entry for entry in dict.fromkeys(asdict(self).values()) if entry is not None]


class Tokenizer:
    """A tokenizer of the `tokenizers` library, with roles and a length.

    A text becomes `[CLS] tokens`, without a closing [SEP]: so did the released code (spec 11).
    A role written in a text (`two dogs[SEP]`) is that entry. Can be pickled.

    Args:
        inner: splits and looks up; its own post-processing, padding and truncation are not used.
        roles: the special entries, all of them in the vocabulary.
        closing_sep: whether texts end in [SEP].
        max_tokens: the most tokens of a text, [CLS] and [SEP] included; None for no limit.
        origin: the model or file it is from; "trained" where it was trained on the run's captions.
    """

    def __init__(
        self,
        inner: tokenizers.Tokenizer,
        roles: Roles | None = None,
        *,
        closing_sep: bool = False,
        max_tokens: int | None = None,
        origin: str = TRAINED,
    ) -> None:
        self.origin = origin
        self.roles = roles or Roles()
        self.closing_sep = closing_sep
        self.max_tokens = max_tokens
        missing = [entry for entry in self.roles.entries if inner.token_to_id(entry) is None]
        if missing:
            raise ComponentError(f"the vocabulary has no {', '.join(missing)}")
        self.inner = inner
        self.inner.add_special_tokens(self.roles.entries)
        self.inner.no_padding()
        self.inner.no_truncation()
        self.pad_id, self.cls_id, self.unk_id = (
            self._id(entry) for entry in (self.roles.pad, self.roles.cls, self.roles.unk)
        )
        self.sep_id, self.mask_id = (
            None if entry is None else self._id(entry)
            for entry in (self.roles.sep, self.roles.mask)
        )
        if closing_sep and self.sep_id is None:
            raise ComponentError("closing_sep: this vocabulary has no [SEP]")

    @property
    def vocabulary_size(self) -> int:
        """V: ids are below it."""
        return max(self.inner.get_vocab(with_added_tokens=True).values()) + 1

    @property
    def special_ids(self) -> frozenset[int]:
        """The ids of all roles."""
        return frozenset(self._id(entry) for entry in self.roles.entries)

    @property
    def first_word_id(self) -> int:
        """Where the vocabulary's head of roles and `[unused]` entries ends and words begin."""
        for number in range(self.vocabulary_size):
            entry = self.inner.id_to_token(number) or ""
            if number not in self.special_ids and not entry.startswith("[unused"):
                return number
        return self.vocabulary_size

    def encode(self, texts: Sequence[str], max_tokens: int | None = None) -> TextView:
        """Ids and mask of texts, on the host, padded on the right to the longest.

        Args:
            texts: R texts, cleaned.
            max_tokens: cut to this many tokens; None for the tokenizer's own limit.
        """
        limit = max_tokens if max_tokens is not None else self.max_tokens
        rows = [self._row(text, limit) for text in texts]
        longest = max((len(row) for row in rows), default=0)
        ids = torch.full((len(rows), longest), self.pad_id, dtype=torch.int64)
        mask = torch.zeros((len(rows), longest), dtype=torch.bool)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = torch.tensor(row, dtype=torch.int64)
            mask[number, : len(row)] = True
        return TextView(ids, mask)

    def words(self, ids: Iterable[int]) -> list[str]:
        """The vocabulary's entries for ids, for people to read."""
        return [self.inner.id_to_token(int(number)) or self.roles.unk for number in ids]

    def limited(self, max_tokens: int | None, closing_sep: bool) -> Tokenizer:
        """The same vocabulary with another limit and ending."""
        return Tokenizer(
            self.inner,
            self.roles,
            closing_sep=closing_sep,
            max_tokens=max_tokens,
            origin=self.origin,
        )

    def save(self, path: Path) -> None:
        """Write everything to one JSON file."""
        content = {
            "format": FORMAT,
            "roles": asdict(self.roles),
            "closing_sep": self.closing_sep,
            "max_tokens": self.max_tokens,
            "origin": self.origin,
            "tokenizer": json.loads(self.inner.to_str()),
        }
        path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Read what `save` wrote.

        Raises:
            ComponentError: the file is not there or is something else.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise ValueError(f"format is {content['format']!r}")
            inner = tokenizers.Tokenizer.from_str(json.dumps(content["tokenizer"]))
            roles = Roles(**content["roles"])
        except Exception as error:  # the library raises bare Exceptions
            message = f"not a tokenizer saved by albefkit: {error}"
            raise ComponentError(Problem("", str(path), message)) from error
        return cls(
            inner,
            roles,
            closing_sep=content["closing_sep"],
            max_tokens=content["max_tokens"],
            origin=content["origin"],
        )

    def _row(self, text: str, limit: int | None) -> list[int]:
        # One text at a time: a batch would start threads, which forked loader workers cannot keep.
        pieces = self.inner.encode(text, add_special_tokens=False).ids
        ending = [self.sep_id] if self.closing_sep and self.sep_id is not None else []
        if limit is not None:
            pieces = pieces[: max(0, limit - 1 - len(ending))]
        return [self.cls_id, *pieces, *ending]

    def _id(self, entry: str) -> int:
        number = self.inner.token_to_id(entry)
        assert number is not None
        return number
