import gc

import pytest

from albefkit.engine.garbage import uncollected


def test_nothing_is_collected_inside_and_everything_after():
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_error_turns_the_collector_on_again():
    with pytest.raises(ValueError, match="inside"), uncollected():
        raise ValueError("inside")
    assert gc.isenabled()


def test_who_works_without_a_collector_goes_on_without():
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
