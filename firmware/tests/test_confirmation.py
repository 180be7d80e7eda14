"""A change is proposed, shown and confirmed; what happens in between can make it void."""

import itertools
import types

import pytest

from pump.commands import confirmation as module
from pump.commands.confirmation import Confirmation
from pump.link.schema import Refused


class Change:
    """Prepares one change, as flow_changes.py does."""

    def __init__(self):
        self.then = 7
        self.soft = []
        self.done = 0

    def prepare(self, rate_ul_h):
        def act():
            self.done += 1
            return {"rate_ul_h": rate_ul_h}

        return {"rate_ul_h": [self.then, rate_ul_h]}, act, self.soft


@pytest.fixture
def change():
    return Change()


@pytest.fixture
def confirmation(monkeypatch):
    monkeypatch.setattr(module, "time", types.SimpleNamespace(ticks_ms=lambda: 0))
    tokens = itertools.count(11)
    return Confirmation(lambda: next(tokens))


def propose(confirmation, change):
    return confirmation.proposing(change.prepare)(rate_ul_h=9)


def test_a_proposal_changes_nothing_and_a_confirmation_changes_once(confirmation, change):
    shown = propose(confirmation, change)
    assert (shown["token"], shown["changes"], change.done) == (11, {"rate_ul_h": [7, 9]}, 0)
    assert confirmation.confirm(11) == {"rate_ul_h": 9}
    with pytest.raises(Refused) as refused:
        confirmation.confirm(11)
    assert (refused.value.code, change.done) == ("token_used", 1)


def test_a_change_that_is_no_longer_the_one_shown_is_void(confirmation, change):
    token = propose(confirmation, change)["token"]
    change.then = 8
    with pytest.raises(Refused) as refused:
        confirmation.confirm(token)
    assert (refused.value.code, change.done) == ("token_void", 0)


def test_what_happens_in_between_makes_it_void(confirmation, change):
    token = propose(confirmation, change)["token"]
    confirmation.void()
    with pytest.raises(Refused) as refused:
        confirmation.confirm(token)
    assert (refused.value.code, change.done) == ("token_void", 0)


def test_each_soft_limit_needs_a_confirmation_that_names_the_value(confirmation, change):
    change.soft = [("dose", 6_000, 5_000), ("hour", 9_000, 8_000)]
    token = propose(confirmation, change)["token"]
    for named in (None, 5_000, 6_000):
        with pytest.raises(Refused) as refused:
            confirmation.confirm(token, named)
        assert refused.value.code == "soft_limit"
    assert refused.value.data["limit"] == "hour"
    confirmation.confirm(token, 9_000)
    assert change.done == 1


def test_a_proposal_expires(confirmation, change):
    token = propose(confirmation, change)["token"]
    confirmation.run(30_000)
    with pytest.raises(Refused) as refused:
        confirmation.confirm(token)
    assert refused.value.code == "token_expired"
