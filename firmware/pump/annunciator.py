"""The task that makes alarms heard and seen.

It asks the alarm manager who owns sound and light, lets the burst player walk its melody, and hands the
result to piezo and lamps, only when it changes. It asks to run at each edge, and is woken when an alarm comes
or goes, or a test begins. The lamps go on during an audio pause.
"""

from micropython import const

from pump.core.alarms import NONE
from pump.core.bursts import LAMPS, BurstPlayer, burst_ms, lamp_levels, lamp_wait_ms
from pump.core.ticks import elapsed_ms, later

_IDLE_MS = const(1000)


class Annunciator:
    name = "annunciator"
    max_late_ms = 10  # shifts one edge by that: a spacing of 90 ms is then 80 to 100, its range 50 to 125

    def __init__(self, alarms, piezo, lamps):
        self._alarms = alarms
        self._piezo = piezo
        self._lamps = lamps
        self._player = BurstPlayer()
        self._test = NONE  # priority of an alarm test; test sets it, run ends it
        self._frequency_hz = 0  # as given to the piezo
        self._duty_u16 = 0
        self._light = NONE  # priority that the lamps show
        self._cycle_ms = 0  # when the lamps' cycle began
        self._levels = lamp_levels(NONE, 0)

    def test(self, priority, now_ms):
        """Plays one burst with its lamps. Returns how long it takes, 0 when refused: a real alarm of this
        priority or higher is never talked over, and a test is not begun within a test. A real alarm that
        comes meanwhile takes over in `run`."""
        owner = self._alarms.highest()
        if self._test or (owner is not None and owner.priority >= priority):
            return 0
        self._test = priority
        self._player.stop()  # an alarm's pause between bursts must not pass for the end of the test's burst
        return burst_ms(priority)

    def run(self, now_ms):
        alarms = self._alarms
        alarms.tick(now_ms)
        owner = alarms.highest()
        light = NONE if owner is None else owner.priority
        sound = NONE if alarms.silenced else light
        if self._test:
            player = self._player
            if light >= self._test or (player.resting and player.priority == self._test):
                self._test = NONE
            else:
                light = sound = self._test
        wait_ms = self._play(sound, now_ms)
        lamp_ms = self._shine(light, now_ms)
        if lamp_ms < wait_ms:
            wait_ms = lamp_ms
        if self._test and self._player.resting:
            return 1  # its burst is over, and the test with it
        if alarms.silenced:
            wait_ms = min(wait_ms, alarms.silenced_ms(now_ms) or 1)
        return wait_ms if wait_ms < _IDLE_MS else _IDLE_MS

    def _play(self, sound, now_ms):
        player = self._player
        if sound:
            player.start(sound, now_ms)
        else:
            player.stop()
        wait_ms = player.step(now_ms)
        frequency_hz = player.frequency_hz
        duty_u16 = player.duty_u16
        if player.priority == NONE:
            if self._frequency_hz:
                self._piezo.silent()
                self._frequency_hz = 0
        elif duty_u16 == 0:
            if self._duty_u16:
                self._piezo.mute()
        elif duty_u16 != self._duty_u16 or frequency_hz != self._frequency_hz:
            self._piezo.tone(frequency_hz, duty_u16)
            self._frequency_hz = frequency_hz  # stays while muted: says that the piezo is not yet released
        self._duty_u16 = duty_u16
        return wait_ms

    def _shine(self, light, now_ms):
        if light != self._light:
            self._light = light
            self._cycle_ms = now_ms
        t_ms = elapsed_ms(now_ms, self._cycle_ms)
        period_ms = LAMPS[light][1]
        if t_ms >= period_ms:
            t_ms %= period_ms
            self._cycle_ms = later(now_ms, -t_ms)  # on the grid, and near enough for a wrapped tick
        levels = lamp_levels(light, t_ms)
        if levels is not self._levels:
            self._levels = levels
            self._lamps.set(levels[0], levels[1])
        return lamp_wait_ms(light, t_ms)
