"""s3_wait>: how often it looks until its time-out."""

import pytest

from stepdig.operators.s3_wait import looks


def waits(again):
    """The waits of a Retry, as Step Functions counts them."""
    grows = again.most > again.interval
    return [
        min(again.interval * again.rate ** min(n, 99), again.most) if grows else again.interval
        for n in range(again.limit)
    ]


@pytest.mark.parametrize("seconds", [1, 3, 5, 6, 11, 60, 240, 3_600, 7_200, 86_400, 864_000, 99_999_999])
def test_the_last_look_is_at_the_timeout_or_a_little_later(seconds):
    taken = waits(looks(seconds))

    assert seconds <= sum(taken) <= seconds + max(10, seconds * 0.01)
    assert max(taken) <= 300
    assert taken[0] <= 5


def test_a_day_takes_a_small_part_of_the_history():
    assert looks(86_400).limit < 320
