"""Ctrl-C and SIGTERM."""

from __future__ import annotations

import os
import signal

import pytest

from albefkit.engine.signals import Interruption
from albefkit.registry.errors import Interrupted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_and_the_second_aborts(number):
    before = signal.getsignal(number)
    said = []
    with Interruption(said.append) as interruption:
        assert not interruption.requested
        os.kill(os.getpid(), number)
        assert interruption.requested
        assert "finishing this step" in said[0]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_work_that_is_saved_already_is_cut_short():
    with (
        Interruption() as interruption,
        pytest.raises(Interrupted),
        interruption.nothing_to_save(),
    ):
        os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(Interrupted), interruption.nothing_to_save():
        pytest.fail("a request from before is not forgotten")
