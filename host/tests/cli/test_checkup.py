"""The check-up at the command line: `--yes` claims nothing that only a person can have heard, seen or done."""

from picoinfuse.checkup.model import SKIPPED, Row, Step, answered
from picoinfuse.cli.checkup import Asker


def test_yes_leaves_every_question_to_a_person_unanswered() -> None:
    asker = Asker({}, yes=True)
    for key in ("alarm_high", "lamp_low", "zero", "stop_button"):
        assert asker.confirms(key, "?") is None
    assert asker.weighs("weight_fast", "?") is None


def test_an_answer_given_beforehand_counts_with_yes() -> None:
    asker = Asker({"alarm_high": "yes", "lamp_high": "no", "weight_fast": "1.98"}, yes=True)
    assert asker.confirms("alarm_high", "?") is True
    assert asker.confirms("lamp_high", "?") is False
    assert asker.weighs("weight_fast", "?") == 1.98


def test_a_step_with_a_skipped_row_is_not_complete() -> None:
    assert answered(None) == SKIPPED
    assert not Step("Alarms", (Row("HIGH, sound", "not asked", outcome=answered(None)),)).is_complete
    assert Step("Alarms", (Row("HIGH, sound", "yes", outcome=answered(True)), Row("Starts", "3"))).is_complete
