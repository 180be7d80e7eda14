"""The serial port: an idle one lets the CPU sleep, a host that does not read stops the flow, nothing is lost."""

from __future__ import annotations

import time

from .prompt import MS, Prompt


def test_an_idle_loop_sleeps_and_runs_faster_than_the_wall_clock(pico: Prompt):
    pico.begin("import time\nwhile True:\n    time.sleep_ms(10)\n")
    busy_ns = pico.pico.busy_ns
    began_s = time.process_time()
    pico.pico.run(2000 * MS)
    took_s = time.process_time() - began_s
    # Without NAK the CPU would do nothing but answer the host: 100 %.
    assert pico.pico.busy_ns - busy_ns < 0.02 * 2000 * MS
    assert took_s < 2 / 3


def test_a_long_script_arrives_whole(pico: Prompt):
    text = "".join(chr(33 + i % 90) for i in range(3000)).replace("\\", "/").replace("'", "-")
    assert pico.run(f"text = '{text}'\nprint(len(text), sum(map(ord, text)))") == f"3000 {sum(map(ord, text))}"


def test_a_host_that_does_not_read_stops_the_flow_and_loses_nothing_that_was_taken(pico: Prompt):
    pico.begin(
        "import select, sys, time\npoll = select.poll()\npoll.register(sys.stdout, select.POLLOUT)\n"
        "n = 0\nwhile n < 100:\n    if poll.poll(0):\n        sys.stdout.buffer.write(b'%015d\\n' % n)\n"
        "        n += 1\n"
        "    else:\n        time.sleep_ms(5)\n"
    )
    pico.pico.usb.set_reads(False)
    pico.pico.run(300 * MS)
    stuck = len(pico.said)
    pico.pico.run(300 * MS)
    assert len(pico.said) == stuck
    pico.pico.usb.set_reads(True)
    pico.run_until(b"\x04>", 2000)
    lines = pico.said.split(b"OK", 1)[1].split(b"\x04")[0].split()
    assert [int(line) for line in lines] == list(range(100))
