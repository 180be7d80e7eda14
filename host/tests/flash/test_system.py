"""The real System's talk with a board, against a board in software: who is there, and the way to its prompt."""

from collections.abc import Iterator

import pytest

from picoinfuse.bench.stub import StubBench
from picoinfuse.deploy import staging
from picoinfuse.flash.errors import NoBootloader, PumpBusy
from picoinfuse.flash.system import RealSystem
from picoinfuse.profile import load_profile

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def bench() -> Iterator[StubBench]:
    with StubBench(load_profile("syringe-50ml")) as bench:
        if not bench.engine.has_flash:
            pytest.skip("no MicroPython VM for this platform, so no prompt")
        yield bench


def test_pump_identifies_itself_releases_the_board_and_the_prompt_identifies_itself(bench: StubBench) -> None:
    system, port = RealSystem(), bench.port
    pump = system.running(port)
    assert (pump.version, pump.commit) == ("0.1.0", staging.commit())
    system.ask_service(port)
    assert bench.pump.link.wait_for_prompt(20)
    prompt = system.running(port)
    assert prompt.version is None
    assert prompt.micropython == pump.micropython


def test_infusing_pump_does_not_give_up_the_board(bench: StubBench) -> None:
    bench.pump.start(rate_ul_h=5000)
    with pytest.raises(PumpBusy, match="infusing"):
        RealSystem().ask_service(bench.port)
    assert bench.pump.status().state == "infusing"


def test_mpremote_that_fails_is_no_bootloader() -> None:
    with pytest.raises(NoBootloader):
        RealSystem().ask_bootsel("/dev/none")
