"""The REPL of the modelled Pico: friendly, raw and raw-paste mode, as far as mpremote and a person need them.

Written from MicroPython's description of the raw REPL: Ctrl-A enters raw mode, Ctrl-B leaves it, Ctrl-C drops
the line, Ctrl-D executes, and on an empty line resets; Ctrl-E A Ctrl-A in raw mode begins a raw paste with flow
control.
"""

import io
import sys

from _world import SOFT_RESET

_CTRL_A, _CTRL_B, _CTRL_C, _CTRL_D, _CTRL_E = 1, 2, 3, 4, 5
_WINDOW = 0x4000
_RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n"


class Repl:
    def __init__(self, world, scope, print_exception):
        """`scope` holds the globals of what is executed; `print_exception(error, stream)` writes a traceback."""
        self._world = world
        self._scope = scope
        self._print_exception = print_exception

    def run(self, raw):
        """Never returns: a reset ends the process."""
        while True:
            raw = self._raw() if raw else self._friendly()

    def _getc(self):
        usb = self._world.usb
        usb.interrupt_char = -1
        while not usb.rx:
            self._world.wait_for_serial()
        return usb.take(1)[0]

    def _put(self, data):
        self._world.usb.write(data)

    # ---- friendly ----

    def _friendly(self):
        self._put(b"MicroPython %s\r\n>>> " % sys.version.split(" ", 2)[2].encode())
        line = bytearray()
        while True:
            char = self._getc()
            if char == _CTRL_A:
                return True
            if char == _CTRL_D and not line:
                self._put(b"\r\n")
                self._world.exit(SOFT_RESET)
            elif char in (_CTRL_B, _CTRL_C):
                line = bytearray()
                self._put(b"\r\n>>> ")
            elif char in (8, 127):
                line = line[:-1]
                self._put(b"\x08 \x08")
            elif char == 13:
                self._put(b"\r\n")
                self._put(self.execute(bytes(line).decode(), single=True))
                self._put(b">>> ")
                line = bytearray()
            elif char >= 32:
                line.append(char)
                self._put(bytes([char]))

    # ---- raw ----

    def _raw(self):
        self._put(_RAW_BANNER)
        self._put(b">")
        code = bytearray()
        while True:
            char = self._getc()
            if char == _CTRL_A:
                self._put(_RAW_BANNER + b">")
                code = bytearray()
            elif char == _CTRL_B:
                self._put(b"\r\n")
                return False
            elif char == _CTRL_C:
                code = bytearray()
            elif char == _CTRL_E and not code:
                self._raw_paste()
            elif char == _CTRL_D:
                if not code:
                    self._put(b"\r\n")
                    self._world.exit(SOFT_RESET, raw=True)
                self._put(b"OK")
                self._finish(bytes(code))
                code = bytearray()
            else:
                code.append(char)

    def _raw_paste(self):
        if self._getc() != 65 or self._getc() != _CTRL_A:
            return
        self._put(b"R\x01" + bytes([_WINDOW & 255, _WINDOW >> 8]))
        code = bytearray()
        while True:
            char = self._getc()
            if char == _CTRL_D:
                break
            if char == _CTRL_C:
                self._put(b"\x04\x04\x04>")
                return
            code.append(char)
            if len(code) % _WINDOW == 0:
                self._put(b"\x01")
        self._put(b"\x04")
        self._finish(bytes(code))

    def _finish(self, code):
        error = self.execute(code.decode())
        self._put(b"\x04" + error + b"\x04>")

    def execute(self, source, single=False):
        """Runs source text; returns the traceback as bytes, empty when it ran through."""
        self._world.usb.interrupt_char = _CTRL_C
        self._world.interrupted = False
        try:
            if single:
                try:
                    value = eval(source, self._scope)
                except SyntaxError:
                    exec(source, self._scope)
                    value = None
                if value is not None:
                    self._put(repr(value).encode() + b"\r\n")
            else:
                exec(source, self._scope)
        except SystemExit:
            self._world.exit(SOFT_RESET, raw=not single)
        except BaseException as error:
            text = io.StringIO()
            self._print_exception(error, text)
            return text.getvalue().replace("\n", "\r\n").encode()
        return b""
