"""What is wrong, and what is noteworthy, with caption files, before a run stumbles over it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from albefkit.data.annotations import CaptionRow, read_captions
from albefkit.data.base import Unreadable
from albefkit.data.images import read_image
from albefkit.data.text import pre_caption
from albefkit.registry.errors import DataError, Problem

MAX_WORDS = 30


@dataclass(frozen=True)
class Finding:
    """Something about a file.

    Args:
        error: whether training would fail or skip because of it.
        what: the kind of finding, e.g. "missing image".
        where: the entries or images concerned, the first few.
        count: how many there are.
    """

    error: bool
    what: str
    where: tuple[str, ...]
    count: int


@dataclass(frozen=True)
class Report:
    """What there is to say about one caption file.

    Args:
        file: the file.
        entries: entries that are as they should be.
        images: different images.
        captions: texts.
        captions_per_image: on average.
        words_per_caption: on average, after cleaning.
        longest_caption: in words.
        cut_captions: captions longer than the 30 words that are kept.
        vocabulary: different words.
        findings: errors first.
    """

    file: str
    entries: int
    images: int
    captions: int
    captions_per_image: float
    words_per_caption: float
    longest_caption: int
    cut_captions: int
    vocabulary: int
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """How many things must be mended."""
        return sum(finding.count for finding in self.findings if finding.error)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def check_captions(
    files: Sequence[Path], root: Path | None = None, *, decode: bool = False, shown: int = 5
) -> list[Report]:
    """Check caption files.

    Args:
        files: in the released format; images found in several of them are reported.
        root: folder image paths start from; None: the folder each file lies in.
        decode: read every image, not only look whether it is there.
        shown: how many entries a finding names.
    """
    reports, seen = [], dict[str, str]()
    for file in files:
        folder = file.parent if root is None else root
        rows, problems, trouble = [], [], []
        try:
            rows, problems = read_captions(file)
        except DataError as error:
            trouble = error.problems
        images = list(dict.fromkeys(row.image for row in rows))
        shared = [f"{i} (also in {seen[i]})" for i in images if seen.get(i, file.name) != file.name]
        seen.update(dict.fromkeys(images, file.name))
        findings = [
            _finding(True, "unusable file", [_sentence(p) for p in trouble], shown),
            _finding(True, "malformed entry", [_sentence(p) for p in problems], shown),
            *_image_findings(images, folder, decode, shown),
            *_row_findings(rows, shown),
            _finding(False, "image in several files", shared, shown),
        ]
        present = tuple(sorted((f for f in findings if f.count), key=lambda f: not f.error))
        reports.append(_report(file, rows, images, present))
    return reports


def _sentence(problem: Problem) -> str:
    return " ".join(part for part in (problem.where, problem.path, problem.message) if part)


def _finding(error: bool, what: str, where: Iterable[str], shown: int) -> Finding:
    every = list(where)
    return Finding(error, what, tuple(every[:shown]), len(every))


def _image_findings(images: Sequence[str], folder: Path, decode: bool, shown: int) -> list[Finding]:
    missing, unreadable = [], []
    same: dict[bytes, list[str]] = {}
    for image in images:
        if not (folder / image).is_file():
            missing.append(str(folder / image))
        elif decode:
            try:
                pixels = read_image(folder / image, short_side=64).tobytes()
                same.setdefault(blake2b(pixels, digest_size=16).digest(), []).append(image)
            except Unreadable as problem:
                unreadable.append(str(problem))
    equal = (" = ".join(names) for names in same.values() if len(names) > 1)
    return [
        _finding(True, "missing image", missing, shown),
        _finding(True, "unreadable image", unreadable, shown),
        _finding(False, "images that look the same", equal, shown),
    ]


def _row_findings(rows: Sequence[CaptionRow], shown: int) -> list[Finding]:
    pairs = Counter((row.image, pre_caption(text)) for row in rows for text in row.captions)
    images_of: dict[str, set[str]] = {}
    for image, text in pairs:
        images_of.setdefault(text, set()).add(image)
    ids: dict[str, set[int | str | None]] = {}
    files: dict[int | str, set[str]] = {}
    for row in rows:
        ids.setdefault(row.image, set()).add(row.image_id)
        if row.image_id is not None:
            files.setdefault(row.image_id, set()).add(row.image)
    empty = (image for image, text in pairs if not text)
    twice = (f"{image}: {text}" for (image, text), count in pairs.items() if count > 1)
    shared = (f"{text} ({len(of)} images)" for text, of in images_of.items() if len(of) > 1)
    return [
        _finding(False, "caption without words", empty, shown),
        _finding(False, "caption repeated for one image", twice, shown),
        _finding(False, "caption shared by several images", shared, shown),
        _finding(False, "image under several ids", (i for i in ids if len(ids[i]) > 1), shown),
        _finding(
            False, "id of several images", (str(i) for i in files if len(files[i]) > 1), shown
        ),
    ]


def _report(
    file: Path, rows: Sequence[CaptionRow], images: Sequence[str], findings: tuple[Finding, ...]
) -> Report:
    texts = [pre_caption(text, 1 << 30).split() for row in rows for text in row.captions]
    lengths = [len(words) for words in texts]
    return Report(
        file=str(file),
        entries=len(rows),
        images=len(images),
        captions=len(texts),
        captions_per_image=round(len(texts) / max(1, len(images)), 2),
        words_per_caption=round(sum(lengths) / max(1, len(lengths)), 2),
        longest_caption=max(lengths, default=0),
        cut_captions=sum(length > MAX_WORDS for length in lengths),
        vocabulary=len({word for words in texts for word in words}),
        findings=findings,
    )
