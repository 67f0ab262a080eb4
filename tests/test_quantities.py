"""Numbers as people read them."""

from albefkit.quantities import amount, duration, size


def test_amounts():
    assert [amount(n) for n in (0, 999, 1234, 209937725, 5e12)] == [
        "0",
        "999",
        "1.23 k",
        "210 M",
        "5 T",
    ]


def test_sizes():
    assert [size(n) for n in (12, 1536, 3 * 1024**3)] == ["12 B", "1.5 KiB", "3 GiB"]


def test_durations():
    assert [duration(s) for s in (0.0123, 1.5, 90, 300, 5400, 8e4, 3.2e6)] == [
        "12.3 ms",
        "1.5 seconds",
        "90 seconds",
        "5 minutes",
        "90 minutes",
        "22.2 hours",
        "37 days",
    ]
