"""Runs on the MicroPython VM, started by test_link_on_vm.py: the whole link on the real stdin and stdout,
until `reset`.

Argument: the firmware folder.
"""

import sys
import time

sys.path.insert(0, sys.argv[1])
from pump.drivers.serial_port import SerialPort
from pump.link.line_reader import LineReader
from pump.link.outbox import Outbox
from pump.link.server import Server
from pump.link.task import LinkTask


class Handlers:
    def __init__(self):
        self.running = True
        self.rate_ul_h = 0

    def status(self):
        return {"rate_ul_h": self.rate_ul_h}

    def start(self, rate_ul_h):
        self.rate_ul_h = rate_ul_h
        return {"state": "infusing"}

    def reset(self):
        self.running = False
        return {"state": "idle"}

    def on_error(self, exc):
        raise exc


handlers = Handlers()
outbox = Outbox(())
port = SerialPort()
port.begin()
outbox.ready({"boot": 41, "version": "0", "reset_cause": "power"})
functions = {"status": handlers.status, "start": handlers.start, "reset": handlers.reset}
server = Server(functions, 41, outbox, handlers.on_error)
task = LinkTask(port, LineReader(), server, outbox, lambda: None)
while handlers.running or outbox.reply_waiting():
    task.run(time.ticks_ms())
    time.sleep_ms(1)
port.end()
