"""A therapy runs a regimen (core/therapy/regimen.py): the rate now, and the steps until it changes.

The delivery task grants motion ahead, and the therapy's clock is that motion: `granted` says how many steps and how
many ticks of the grid it was. So a second of a regimen is a second of motor time, whatever the loop does; while the
pump is paused the regimen does not advance.

Between two changes of rate lies a *run*: basal rate and bolus rate added up, for so many ticks. The volume that is due
at its end is an exact sum since the start, in the grid's units, and a run has the steps of it that are due: at its last
tick all of them are made and none more. What is due beyond the last whole step counts in the next run. A run that the
motor could not follow (it ramps, or was drawn back from an occlusion) lasts until its steps are made.

A bolus adds to the basal rate, which goes on unchanged. Steps that the basal rate is behind are not made up for during
a bolus. The patient's bolus goes first; the clinician's waits and then goes on. A cancelled bolus
is over: the volume that it had not given, and any of it that is drawn back, is not made up for.

KVO: at the end of a regimen that asks for it, and while an alarm has it so; never above the basal rate.
"""

from micropython import const

from pump.core.motion.step_grid import MIN_TICKS, SLICE_TICKS, TICK_HZ, TICKS_PER_PL
from pump.core.therapy.segments import CHUNK, ENDLESS, SegmentRunner, nl_in, ticks_of
from pump.core.units import duration_s, nl_of, steps_of

UNLIMITED = const(0x3FFFFFFF)


class Bolus:
    """What is left of a bolus."""

    def __init__(self):
        self.volume_nl = 0
        self.rate_ul_h = 0
        self.left_ticks = 0  # 0: no bolus
        self.excess = 0  # volume that its ticks give too much, in the grid's units

    def left_nl(self):
        """nL left, rounded down."""
        return nl_in(self.left_ticks, self.rate_ul_h)


class Therapy:
    """A regimen that is being delivered: rate and steps until the next change."""

    def __init__(self, regimen, step_pl_num, step_pl_den, kvo_ul_h=0):
        """`kvo_ul_h` is the profile's, 0 for none."""
        self.regimen = regimen
        self.vtbi_nl = regimen.get("vtbi_nl")
        self.patient = Bolus()
        self.square = Bolus()
        self.ended = False  # the regimen is delivered
        self.held = False  # an alarm keeps it at KVO
        self.given_steps = 0
        self.segments = SegmentRunner(regimen, step_pl_den)
        self._step_pl = (step_pl_num, step_pl_den)
        self._cost = step_pl_num * TICKS_PER_PL
        self._den = step_pl_den
        self._kvo_ul_h = kvo_ul_h
        self._total_steps = None if self.vtbi_nl is None else steps_of(self.vtbi_nl, self._step_pl)
        self._segments_over = False
        self._is_summed = False  # the total is what the segments gave
        self._due = 0  # since the start, at the beginning of the run
        self._behind = 0  # steps, when the bolus began
        self._cancelled = False
        self._forgivable = 0  # steps of a cancelled bolus: not made up for when drawn back
        self._forgiven = 0
        self.least_ul_h = self.most_ul_h = 0  # of the targets since `forget_targets`
        self._begin()
        self.forget_targets()

    # ---- for the delivery task ----

    def budget_steps(self):
        """The steps that may be asked for until the next change."""
        if not self.target_ul_h:
            return UNLIMITED if self.held and not self.ended else 0  # it may come from any rate, and slows down
        if self.end_steps is None:
            return UNLIMITED
        budget = self.end_steps - self.given_steps
        assert budget >= 0
        return budget

    def wait_ticks(self):
        """While there is no budget: for so long, a slice at most; 0 when all is over."""
        if self.ended and not self.target_ul_h:
            return 0
        return max(MIN_TICKS, min(self._ticks, SLICE_TICKS))

    def granted(self, steps, ticks):
        """Motion was granted: `steps`, negative when they were taken back or drawn back, in `ticks` of the grid."""
        self.given_steps += steps
        if steps < 0:
            self._take_back(-steps)
        self._ticks -= ticks
        if self._ticks < MIN_TICKS:
            if self._chunks:
                self._chunks -= 1
                self._ticks += CHUNK
            elif self.end_steps is None or self.given_steps >= self.end_steps:
                self._next()
        elif self._is_last and self.given_steps >= self.end_steps:
            self._next()

    def done(self):
        """The regimen is delivered, and the motor rests."""
        return not self.target_ul_h and self.all_made(self.given_steps)

    def all_made(self, steps):
        """Whether so many counted steps are all of the regimen's."""
        total = self._total_steps
        return self.ended and total is not None and steps >= total

    # ---- commands ----

    @property
    def kvo(self):
        """Whether it delivers at KVO, or has ended without."""
        return self.ended or self.held

    def is_plain(self):
        """One rate without end, and no bolus to ask for: what `set_rate` may change."""
        regimen = self.regimen
        return regimen["kind"] == "continuous" and len(regimen["segments"]) == 1 and self.segments.left_ticks >= ENDLESS

    def set_rate(self, rate_ul_h):
        """Of a regimen that is one endless rate."""
        self._close()
        self.regimen["segments"][0][:2] = [rate_ul_h, rate_ul_h]
        self.segments.set_rate(rate_ul_h)
        self._begin()

    def give(self, bolus, volume_nl, rate_ul_h):
        """Begins a bolus: `patient` or `square`, which is not under way."""
        self._close()
        bolus.volume_nl = volume_nl
        bolus.rate_ul_h = rate_ul_h
        bolus.left_ticks, bolus.excess = ticks_of(volume_nl, rate_ul_h, self._den)
        self._begin()

    def cancel_bolus(self):
        """Boluses end with the next `apply_pending`. Allocates nothing: an alarm may call it."""
        self._cancelled = True

    def apply_pending(self, ramp_steps=0):
        """Applies a cancelled bolus, and takes back an end whose last steps were not made. `ramp_steps`: steps that the
        motor still makes while it slows down; they count as the bolus's.
        """
        if self._cancelled:
            self._cancelled = False
            if self._bolus is not None:
                self._apply_cancel(ramp_steps)
        total = self._total_steps
        if self.ended and total is not None and self.given_steps < total:
            if not self.segments.rate_ul_h:
                self._total_steps = self.given_steps
            else:
                self._close()
                self.ended = False  # the last steps had been granted, and were taken back: it is not complete
                self._begin()

    def _apply_cancel(self, ramp_steps):
        bolus = self._bolus
        self._close()
        given = steps_of(bolus.volume_nl - bolus.left_nl(), self._step_pl)
        unmade = max(0, self._due // self._cost - self.given_steps - self._behind)
        self._due -= unmade * self._cost
        self._forgivable = max(0, given - unmade)
        self.patient.left_ticks = self.square.left_ticks = 0
        bolus.left_ticks = ramp_steps * self._cost // (bolus.rate_ul_h * self._den)
        bolus.excess = 0
        self._begin()

    def hold_at_kvo(self, held):
        """Delivers at KVO while an alarm demands it; the regimen does not advance."""
        if held != self.held:
            self._close()
            self.held = held
            self._begin()

    def on_motion_start(self):
        """The motor starts. A bolus does not survive a standstill; steps drawn back after it are the basal's."""
        self._cancelled = True
        self.apply_pending()
        self._forgivable = 0
        self.forget_targets()

    def forget_targets(self):
        """The least and the most start again from the present target."""
        self.least_ul_h = self.most_ul_h = self.target_ul_h

    # ---- status ----

    def left(self):
        """(seconds, nL) until the end of all, None where there is none."""
        if self.ended:
            return 0, 0
        seconds, volume_nl = (0, 0) if self._segments_over else self.segments.rest()
        ticks = self._part_left_ticks()
        if seconds is None or ticks >= ENDLESS:
            seconds = volume_nl = None
        else:
            seconds += ticks // TICK_HZ
            volume_nl += nl_in(ticks, self.segments.rate_ul_h)
        if self._total_steps is not None:
            total_nl = nl_of(max(0, self._total_steps - self.given_steps), self._step_pl)
            volume_nl = total_nl if volume_nl is None else min(volume_nl, total_nl)
            if seconds is None and self.target_ul_h and not self.kvo:
                seconds = duration_s(volume_nl, self.target_ul_h)
        return seconds, volume_nl

    def bolus_left_nl(self):
        """nL left of the boluses under way, waiting ones included."""
        left_nl = self.patient.left_nl() + self.square.left_nl()
        if self._bolus is not None:
            gone = self._run - max(0, self._chunks * CHUNK + self._ticks)
            left_nl -= nl_in(gone, self._bolus.rate_ul_h)
        return max(0, left_nl)

    def tail_ul_h(self):
        """µL/h after the end of the regimen: KVO, or 0."""
        return min(self._kvo_ul_h, self.regimen["segments"][-1][1]) if self.regimen.get("kvo") else 0

    def part_left_s(self):
        """Of the segment, or of the part of a ramp, None when it has no end."""
        ticks = self._part_left_ticks()
        return None if ticks >= ENDLESS else ticks // TICK_HZ

    def _part_left_ticks(self):
        if self.segments.left_ticks >= ENDLESS or self.kvo:
            return self.segments.left_ticks
        return max(0, self.segments.left_ticks - self._run + self._chunks * CHUNK + self._ticks)

    # ---- runs ----

    def _next(self):
        self._close()
        self._begin()

    def _close(self):
        """The run ends here: takes it off what it was made of, and adds it to what is due."""
        segments, bolus = self.segments, self._bolus
        gone = self._run - max(0, self._chunks * CHUNK + self._ticks)
        if self._chunks == 0 and self._ticks < MIN_TICKS:
            gone = self._run
        self._due += self.target_ul_h * self._den * gone - self._forgiven * self._cost
        self._forgiven = 0
        if self.kvo:
            return
        if bolus is not None:
            bolus.left_ticks -= gone
            assert bolus.left_ticks >= 0
            if not bolus.left_ticks:
                self._due -= bolus.excess
        if segments.left_ticks < ENDLESS:
            segments.left_ticks -= gone
            assert segments.left_ticks >= 0
            if not segments.left_ticks:
                self._due -= segments.excess
                self._segments_over = not segments.advance()

    def _begin(self):
        """A run up to the next change."""
        patient, square = self.patient, self.square
        self._bolus = bolus = patient if patient.left_ticks else square if square.left_ticks else None
        if self._segments_over and bolus is None and not self._is_summed:
            self._is_summed = True
            self._total_steps = self.given_steps
        if self._total_steps is not None and self.given_steps >= self._total_steps:
            self.ended = True
        if self.kvo:
            self._bolus = None
            patient.left_ticks = square.left_ticks = 0
            self.target_ul_h = self._end_ul_h() if self.ended else self._keep_open_ul_h()
            self._set_run(ENDLESS)
        else:
            self.target_ul_h = 0 if self._segments_over and bolus is not None else self.segments.rate_ul_h
            run = self.segments.left_ticks
            if bolus is not None:
                self.target_ul_h += bolus.rate_ul_h
                run = min(run, bolus.left_ticks)
            self._set_run(run)
        self.least_ul_h = min(self.least_ul_h, self.target_ul_h)
        self.most_ul_h = max(self.most_ul_h, self.target_ul_h)
        self._set_end()

    def _set_run(self, ticks):
        self._run = ticks
        self._chunks, self._ticks = divmod(ticks, CHUNK)
        if self._ticks < MIN_TICKS and self._chunks:
            self._chunks -= 1
            self._ticks += CHUNK

    def _set_end(self):
        """The steps that are due at the end of the run."""
        segments, bolus, run = self.segments, self._bolus, self._run
        now = self._due // self._cost
        behind = now - self.given_steps
        end = None
        if run < ENDLESS and self.target_ul_h:
            due = self._due + self.target_ul_h * self._den * run
            if run == segments.left_ticks:
                due -= segments.excess
            if bolus is not None and run == bolus.left_ticks:
                due -= bolus.excess
            end = self.given_steps + max(0, due // self._cost - now + (behind if bolus is None else 0))
        if bolus is None:
            self._behind = behind
        total = None if self.ended else self._total_steps
        self._is_last = total is not None and self.target_ul_h > 0 and (end is None or end >= total)
        self.end_steps = total if self._is_last else end
        self.next_ul_h = self._following_ul_h()

    def _following_ul_h(self):
        """The rate after this run: what the motor has to be down to at its end."""
        segments, bolus = self.segments, self._bolus
        if self._is_last:
            return self._end_ul_h()
        if self._run >= ENDLESS:
            return 0
        if self._run < segments.left_ticks:  # the bolus ends
            waits = self.square.rate_ul_h if bolus is self.patient and self.square.left_ticks else 0
            return waits + (self._end_ul_h() if self._segments_over else segments.rate_ul_h)
        goes_on = 0 if bolus is None or bolus.left_ticks == self._run else bolus.rate_ul_h
        next_ul_h = segments.next_ul_h()
        if next_ul_h is None:
            next_ul_h = 0 if goes_on else self._end_ul_h()
        return goes_on + next_ul_h

    def _keep_open_ul_h(self):
        return min(self._kvo_ul_h, self.segments.rate_ul_h)

    def _end_ul_h(self):
        return self._keep_open_ul_h() if self.regimen.get("kvo") else 0

    def _take_back(self, steps):
        forgiven = min(steps, self._forgivable)
        if forgiven:
            self._forgivable -= forgiven
            self._forgiven += forgiven
            if self.end_steps is not None and not self._is_last:
                self.end_steps -= forgiven
