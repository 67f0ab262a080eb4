"""Our own warnings, wherever they come from, as words in the journal."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from albefkit.registry.errors import AlbefkitWarning


@contextmanager
def heard_warnings(tell: Callable[[str], None]) -> Iterator[None]:
    """Pass every `AlbefkitWarning` to `tell`; all other warnings go where they went before."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", AlbefkitWarning)
        show = warnings.showwarning

        def hear(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, AlbefkitWarning):
                tell(str(message))
            else:
                show(message, category, filename, lineno, file, line)

        warnings.showwarning = hear
        yield
