"""The one proposal that waits, and what every other token is refused as; on a model that remembers everything."""

from hypothesis import given
from hypothesis import strategies as st

from pump.core import proposals
from pump.core.proposals import EXPIRES_MS, Proposals

KEPT = 8


def drawing(*tokens):
    left = list(tokens)
    return lambda: left.pop(0)


def test_a_token_that_is_still_remembered_is_not_given_again():
    p = Proposals(drawing(5, 5, 5, 7))
    assert p.put("a", 0) == 5
    assert p.put("b", 0) == 7


def test_it_waits_for_30_s_and_no_longer():
    p = Proposals(drawing(5))
    p.put("a", 1000)
    assert p.refusal(5, 1000 + EXPIRES_MS - 1) is None
    assert p.what == "a"
    assert p.refusal(5, 1000 + EXPIRES_MS) == "token_expired"
    assert p.what is None


def test_the_wrap_of_the_ticks_is_nothing():
    p = Proposals(drawing(5))
    p.put("a", (1 << 30) - 1)
    assert p.refusal(5, EXPIRES_MS - 2) is None
    assert p.refusal(5, EXPIRES_MS - 1) == "token_expired"


def test_a_zero_and_a_stranger_are_unknown():
    p = Proposals(drawing(5))
    p.put("a", 0)
    assert p.refusal(6, 0) == "token_unknown"


def test_every_code_has_a_sentence():
    codes = {value for name, value in vars(proposals).items() if isinstance(value, str) and value.startswith("token_")}
    assert set(proposals.WHY) == codes


steps = st.lists(st.sampled_from(["put", "use", "void", "wait 10 s"]), max_size=40)


@given(steps)
def test_each_of_the_last_eight_is_refused_by_its_own_name(actions):
    p, now_ms, fates = Proposals(iter(range(1, 100)).__next__), 0, []  # fates[token - 1], "" for the one that waits
    born_ms = 0
    for action in actions:
        if action == "wait 10 s":
            now_ms += 10_000
        elif action == "put":
            age(fates, now_ms, born_ms)
            fates[-1:] = [f or "token_other" for f in fates[-1:]]
            assert p.put(now_ms, now_ms) == len(fates) + 1
            fates.append("")
            born_ms = now_ms
        elif fates and age(fates, now_ms, born_ms) == "":
            assert p.refusal(len(fates), now_ms) is None
            p.end("token_void")
            fates[-1] = "token_void"
            if action == "use":
                p.used()
                fates[-1] = "token_used"
        if fates:
            age(fates, now_ms, born_ms)
        for token, fate in enumerate(fates, start=1):
            known = token > len(fates) - KEPT
            assert p.refusal(token, now_ms) == ((fate or None) if known else "token_unknown")


def age(fates, now_ms, born_ms):
    """The newest, which may have expired."""
    if fates and fates[-1] == "" and now_ms - born_ms >= EXPIRES_MS:
        fates[-1] = "token_expired"
    return fates[-1] if fates else None
