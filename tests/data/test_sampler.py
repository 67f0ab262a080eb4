from __future__ import annotations

import numpy as np
import pytest

from albefkit.data.sampler import Buckets, Order
from albefkit.registry.errors import DataError


def test_an_epoch_shows_every_item_at_most_once_and_drops_the_rest() -> None:
    order = Order(seed=3, length=23, batch_size=5)
    assert order.steps_per_epoch == 4
    seen = np.concatenate([order.batch(cursor).indices for cursor in range(4)])
    assert len(set(seen.tolist())) == 20 and seen.min() >= 0 and seen.max() < 23


def test_epochs_differ_and_what_is_dropped_changes() -> None:
    order = Order(seed=3, length=23, batch_size=5)
    epochs = [
        np.concatenate([order.batch(4 * epoch + step).indices for step in range(4)])
        for epoch in range(3)
    ]
    assert [order.batch(4 * epoch).epoch for epoch in range(3)] == [0, 1, 2]
    assert not np.array_equal(epochs[0], epochs[1])
    assert set(epochs[0].tolist()) != set(epochs[1].tolist())


def test_a_batch_is_a_function_of_seed_and_cursor() -> None:
    jumped = Order(seed=3, length=100, batch_size=8).batch(37)
    walking = Order(seed=3, length=100, batch_size=8)
    walked = [walking.batch(cursor) for cursor in range(38)][-1]
    np.testing.assert_array_equal(jumped.indices, walked.indices)
    other = Order(seed=4, length=100, batch_size=8).batch(37)
    assert not np.array_equal(jumped.indices, other.indices)


@pytest.mark.parametrize("world", [2, 3, 4])
def test_the_global_batch_does_not_depend_on_the_number_of_processes(world: int) -> None:
    alone = Order(seed=1, length=100, batch_size=12)
    ranks = [Order(1, 100, 12 // world, rank, world) for rank in range(world)]
    assert {order.steps_per_epoch for order in ranks} == {alone.steps_per_epoch}
    for cursor in range(20):
        shares = [order.batch(cursor).indices for order in ranks]
        together = np.stack(shares, axis=1).reshape(-1)
        np.testing.assert_array_equal(together, alone.batch(cursor).indices)


def test_item_randomness_belongs_to_epoch_and_index() -> None:
    order = Order(seed=1, length=10, batch_size=2)
    first = order.item_rng(0, 3).random()
    assert first == Order(1, 10, 5).item_rng(0, 3).random()
    assert len({first, order.item_rng(1, 3).random(), order.item_rng(0, 4).random()}) == 3


def test_too_few_items_are_refused_in_a_sentence() -> None:
    with pytest.raises(DataError, match=r"needs 2 x 8 items.* has 15.*train.batch_size to 7"):
        Order(seed=0, length=15, batch_size=8, rank=1, world=2)


LENGTHS = np.random.default_rng(0).integers(3, 30, 103)


def epoch_of(order: Order, epoch: int) -> np.ndarray:
    start = epoch * order.steps_per_epoch
    return np.stack([order.batch(start + step).indices for step in range(order.steps_per_epoch)])


def padding(batches: np.ndarray) -> int:
    lengths = LENGTHS[batches]
    return int((lengths.max(axis=1, keepdims=True) - lengths).sum())


@pytest.mark.parametrize("window", [2, 5, 1000])
def test_buckets_show_the_same_items_in_fewer_padded_places(window: int) -> None:
    plain, sorted_ = Order(3, 103, 4), Order(3, 103, 4, buckets=Buckets(LENGTHS, window))
    for epoch in (0, 1):
        before, after = epoch_of(plain, epoch), epoch_of(sorted_, epoch)
        assert sorted(before.flat) == sorted(after.flat)
        assert padding(after) < 0.7 * padding(before)
    assert not np.array_equal(epoch_of(sorted_, 0), epoch_of(sorted_, 1))


def test_buckets_reach_no_further_than_their_window() -> None:
    plain, sorted_ = Order(3, 103, 4), Order(3, 103, 4, buckets=Buckets(LENGTHS, 5))
    windows = [set(part.flat) for part in np.split(epoch_of(plain, 0), 5)]
    for batch in epoch_of(sorted_, 0):
        assert sum(set(batch) <= window for window in windows) == 1


def test_batches_of_like_length_do_not_come_in_order_of_length() -> None:
    longest = LENGTHS[epoch_of(Order(3, 103, 4, buckets=Buckets(LENGTHS, 1000)), 0)].max(axis=1)
    assert abs(np.corrcoef(longest, np.arange(len(longest)))[0, 1]) < 0.5


def test_a_bucketed_batch_is_a_function_of_seed_and_cursor() -> None:
    buckets = Buckets(LENGTHS, 5)
    walking = Order(3, 103, 4, buckets=buckets)
    walked = [walking.batch(cursor) for cursor in range(38)][-1]
    np.testing.assert_array_equal(
        Order(3, 103, 4, buckets=buckets).batch(37).indices, walked.indices
    )


def test_processes_share_bucketed_batches() -> None:
    buckets = Buckets(LENGTHS, 5)
    alone = Order(3, 103, 12, buckets=buckets)
    ranks = [Order(3, 103, 4, rank, 3, buckets) for rank in range(3)]
    for cursor in range(20):
        shares = np.stack([order.batch(cursor).indices for order in ranks], axis=1)
        np.testing.assert_array_equal(shares.reshape(-1), alone.batch(cursor).indices)
