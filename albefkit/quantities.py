"""Numbers as people read them."""

from __future__ import annotations


def amount(number: float) -> str:
    """A count with a letter for thousands: 1234567 is '1.23 M'."""
    for limit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.3g} {letter}"
    return f"{number:.3g}"


def size(number: float) -> str:
    """A number of bytes: 1536 is '1.5 KiB'."""
    for power, unit in ((3, "GiB"), (2, "MiB"), (1, "KiB")):
        if number >= 1024**power:
            return f"{number / 1024**power:.3g} {unit}"
    return f"{number:.0f} B"


def duration(seconds: float) -> str:
    """A length of time in the unit that suits it: 5400 is '1.5 hours'."""
    for length, unit in ((86400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds")):
        if seconds >= 2 * length or (unit == "seconds" and seconds >= 1):
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds * 1000:.3g} ms"
