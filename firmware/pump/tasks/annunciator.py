"""The task that sounds and shows the alarms.

It asks the alarm manager which alarm owns sound and light, and passes changes on to the burst player and the lamps.
Both keep time by themselves: a late run delays the first sound of an alarm, and no edge after it. The task is woken
when an alarm comes or goes, or a test begins. The lamps stay on during an audio pause.
"""

from micropython import const

from pump.core.alarms.bursts import burst_ms
from pump.core.alarms.table import NONE
from pump.tasks.burst_player import BurstPlayer

_POLL_MS = const(1000)  # escalation and the end of an audio pause are at most that late


class Annunciator:
    name = "annunciator"
    max_late_ms = 100

    def __init__(self, alarms, piezo, lamps):
        self._alarms = alarms
        self._lamps = lamps
        self._player = BurstPlayer(piezo)
        self._test = NONE  # priority of an alarm test; test sets it, run ends it
        self._light = NONE  # priority that the lamps show

    def test(self, priority, now_ms):
        """Plays one burst with its lamps. Returns its length in ms; 0 when refused, because a real alarm of this
        priority or higher is active, or another test. A real alarm that comes meanwhile takes over in `run`.
        """
        if self._test or self._highest() >= priority:
            return 0
        self._player.run(NONE, now_ms)  # the rest after an alarm's burst must not count as the end of the test's burst
        self._test = priority
        return burst_ms(priority)

    def chirp(self, words):
        """Plays the self-test's tone. False while an alarm sounds, which tests as much."""
        return self._player.chirp(words)

    def is_dark(self):
        """No alarm and no alarm test uses the lamps."""
        return self._light == NONE

    def light(self, red, yellow):
        """Lights the lamps for the self-test, while `is_dark`; an alarm takes them over."""
        self._lamps.light(red, yellow)

    def run(self, now_ms):
        self._alarms.tick(now_ms)
        light = self._highest()
        sound = NONE if self._alarms.silenced else light
        if self._test:
            self._update_test(light, now_ms)
        if self._test:
            light = sound = self._test
        self._shine(light)
        return self._until_next(self._player.run(sound, now_ms), now_ms)

    def _highest(self):
        owner = self._alarms.highest()
        return NONE if owner is None else owner.priority

    def _until_next(self, wait_ms, now_ms):
        if self._alarms.silenced:
            wait_ms = min(wait_ms, self._alarms.silenced_ms(now_ms) or 1)
        return wait_ms if wait_ms < _POLL_MS else _POLL_MS

    def _update_test(self, light, now_ms):
        """Ends the test when its burst is over, or a real alarm has come."""
        player = self._player
        if light >= self._test or (player.priority == self._test and player.resting(now_ms)):
            self._test = NONE

    def _shine(self, light):
        if light != self._light:
            self._light = light
            self._lamps.show(light)
