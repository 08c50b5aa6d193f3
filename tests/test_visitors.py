"""Places: so many and no more, given back by goodbye, by silence and by time."""

import pytest

from demo.errors import FullError
from demo.visitors import SILENT, WAIT, Visitors


@pytest.fixture
def visitors(pack, clock):
    made = Visitors(pack, limit=2, clock=clock)
    yield made
    for key in list(made._here):
        made.leave(key)


def test_a_third_is_refused_politely_and_a_goodbye_frees_a_place(visitors):
    one = visitors.enter("one")
    visitors.enter("two")
    assert visitors.enter("one") is one
    with pytest.raises(FullError, match=r"All 2 places are taken.*your own device"):
        visitors.enter("three")
    visitors.leave("one")
    assert visitors.find("one") is None and visitors.enter("three") is not one
    assert len(visitors) == 2


def test_who_is_silent_leaves_with_a_reason(visitors, astronaut):
    told = []
    one, two = visitors.enter("one"), visitors.enter("two")
    one.ending = told.append
    for visitor in (one, two):
        visitor.paint(astronaut)
    visitors.clock.now += SILENT - 1
    two.hear()
    visitors.sweep()
    assert len(visitors) == 2
    visitors.clock.now += 2
    visitors.sweep()
    assert visitors.find("one") is None and visitors.find("two") is two
    assert "your place was given away" in told[0]
    visitors.clock.now += SILENT
    visitors.enter("three")
    assert visitors.enter("four") and len(visitors) == 2  # entering looks for free places itself


def test_the_question_for_the_camera_may_take_its_time(visitors):
    visitors.enter("one")
    visitors.clock.now += WAIT - 1
    visitors.sweep()
    assert visitors.find("one")
    visitors.clock.now += 2
    visitors.sweep()
    assert not visitors.find("one")


def test_a_time_limit_says_so(pack, clock):
    visitors, told = Visitors(pack, limit=1, minutes=2, clock=clock), []
    visitor = visitors.enter("one")
    visitor.ending = told.append
    for _ in range(13):
        visitors.clock.now += 10
        visitor.hear()
        visitors.sweep()
    assert told == ["Your 2 minutes are over. Press Start to go on."] and len(visitors) == 0


def test_the_watch_rests_while_nobody_is_here(visitors):
    assert visitors._timer is None
    visitors.enter("one")
    timer = visitors._timer
    assert timer.is_alive() and timer.daemon
    visitors.leave("one")
    timer.join(10)
    assert visitors._timer is None
