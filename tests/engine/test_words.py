"""What a run says: estimates, warnings, displays."""

from __future__ import annotations

import io

import pytest
import torch
from rich.console import Console

from albefkit.engine.advice import Adviser
from albefkit.engine.display import make_display, results_table
from albefkit.engine.preflight import Preflight
from albefkit.engine.records import Journal, Plan, Record
from albefkit.evaluation.base import Result
from tests.engine.toys import Ears


def estimate(preflight: Preflight, seconds: list[float]) -> list[str]:
    return [said for each in seconds if (said := preflight.timed(each)) is not None]


def test_a_long_run_is_announced_with_something_shorter_to_try():
    (said,) = estimate(Preflight(100_000, 0, "albef_base"), [50.0, 32.0, 32.0])
    assert "about 37 days here (100000 steps of 32 s)" in said
    assert "try albef_tiny or --max-steps" in said


def test_a_short_run_gets_a_short_sentence_once():
    preflight = Preflight(1000, 0, "albef_tiny")
    assert estimate(preflight, [3.0, *[0.1] * 20]) == ["about 100 seconds for 1000 steps"]
    assert not preflight.wants_step


def test_nothing_is_said_about_a_run_that_is_over():
    assert estimate(Preflight(5, 0, "albef_tiny"), [0.1] * 5) == []


def look(adviser: Adviser, steps: range, **figures) -> list[str]:
    said = []
    for step in steps:
        said += adviser.look(Record(step=step, epoch=0.0, lr=1e-3, **figures))
    return said


def test_a_loss_at_its_floor_for_long_is_called_so():
    at_prior = {"losses": {"itm": 0.6365}, "floors": {"itm": 0.6365}}
    assert not look(Adviser(100), range(10, 290, 10), **at_prior)
    said = look(Adviser(100), range(10, 400, 10), **at_prior)
    assert "itm has stayed at its chance floor (about 0.636 nats) for 300 steps" in said[0]


def test_a_loss_that_leaves_its_floor_is_left_alone():
    adviser = Adviser(100)
    assert not look(adviser, range(10, 200, 10), losses={"itm": 0.64}, floors={"itm": 0.64})
    assert not look(adviser, range(200, 210, 10), losses={"itm": 0.5}, floors={"itm": 0.64})
    assert not look(adviser, range(210, 480, 10), losses={"itm": 0.64}, floors={"itm": 0.64})


@pytest.mark.parametrize(("value", "end"), [(0.001, "lower"), (0.5, "upper")])
def test_a_temperature_at_its_clamp(value, end):
    figures = {"losses": {}, "metrics": {"temperature": value}}
    (said, *_) = look(Adviser(100, (0.001, 0.5)), range(10, 60, 10), **figures)
    assert f"at the {end} end of its range" in said
    assert not look(Adviser(100, None), range(10, 60, 10), **figures)


def test_waiting_for_data():
    (said, *_) = look(Adviser(100), range(10, 60, 10), losses={}, data_wait=0.4)
    assert "waiting for data" in said


def test_items_that_cannot_be_read():
    said = look(Adviser(100), range(10, 20, 10), losses={}, skipped=2)
    assert "cannot be read" in said[0]


def test_rows_left_out_and_nothing_masked():
    said = look(Adviser(100), range(10, 20, 10), losses={}, metrics={"itm.skipped": 2.0})
    assert "itm had rows without a legal negative" in said[0]
    said = look(Adviser(100), range(10, 60, 10), losses={}, metrics={"mlm.rows": 0.0})
    assert "mlm found nothing to predict" in said[0]


def test_a_journal_says_a_warning_once():
    ears = Ears()
    journal = Journal([ears])
    journal.warn("careful")
    journal.warn("careful")
    assert ears.warnings == ["careful"]


RECORD = Record(
    step=1,
    epoch=0.1,
    lr=1e-3,
    losses={"itm": 0.6},
    floors={"itm": 0.6365},
    bounds={"itm": 0.04},
    metrics={"temperature": 0.07, "itm.accuracy": 0.7},
    images_per_second=310.0,
)


@pytest.mark.parametrize("terminal", [True, False])
def test_displays_show_losses_beside_their_floors(terminal):
    out = io.StringIO()
    display = make_display(Console(file=out, force_terminal=terminal, width=120))
    display.begin(Plan("albef_tiny", 10))
    for step in range(1, 11):
        display.step(step)
    display.record(RECORD)
    for done in range(1, 4):
        display.progress("pairs judged", done, 3)
    display.note("about 2 minutes")
    display.warn("careful")
    display.result("retrieval", 10, Result("test", {"text_r1": 50.0}, 50.0))
    display.end()
    text = out.getvalue()
    for expected in ("0.600", "0.636", "310 images/s", "about 2 minutes", "careful", "50.0"):
        assert expected in text
    assert "\x1b" not in text or terminal


def test_plain_lines_are_few():
    out = io.StringIO()
    display = make_display(Console(file=out, width=120))
    display.begin(Plan("albef_tiny", 10_000))
    for step in range(10, 10_001, 10):
        display.record(Record(step=step, epoch=0.0, lr=0.0, losses={}))
    assert len(out.getvalue().splitlines()) < 80
    assert "step 10000/10000" in out.getvalue()


def test_a_long_evaluation_says_how_far_it_is(monkeypatch):
    from albefkit.engine import display as module

    monkeypatch.setattr(module, "PATIENCE", 0.0)
    out = io.StringIO()
    display = make_display(Console(file=out, width=120))
    for done in (1, 5, 10):
        display.progress("pairs judged", done, 10)
    assert "pairs judged: 5 of 10, about" in out.getvalue()
    assert "10 of 10" not in out.getvalue()


def test_results_stand_beside_chance():
    out = io.StringIO()
    result = Result("test", {"text_r1": 50.0}, 50.0, {"text_r1": 0.2}, {"image_to_text": 3.1})
    Console(file=out, width=100).print(results_table({"retrieval": result}))
    assert "50.0" in out.getvalue() and "0.2" in out.getvalue() and "3.10" in out.getvalue()


def test_meters_average_until_they_are_read():
    from albefkit.engine.meters import Meter

    meter = Meter(torch.device("cpu"))
    for value in (1.0, 3.0):
        meter.add_value("metrics.norm", value)
    again = Meter(torch.device("cpu"))
    again.load_state_dict(meter.state_dict())
    again.add_value("metrics.norm", torch.tensor(5.0))
    assert again.read()["metrics"] == {"norm": 3.0}
    assert again.read()["metrics"] == {}


def test_our_warnings_are_heard_and_others_pass():
    import warnings

    from albefkit.engine.hearing import heard_warnings
    from albefkit.registry.errors import AlbefkitWarning

    said = []
    with heard_warnings(said.append):
        warnings.warn("no weights", AlbefkitWarning, stacklevel=1)
        warnings.warn("no weights", AlbefkitWarning, stacklevel=1)
        with pytest.raises(UserWarning, match="theirs"):
            warnings.warn("theirs", UserWarning, stacklevel=1)
    assert said == ["no weights", "no weights"]
