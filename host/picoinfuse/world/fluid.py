"""Syringe, line and patient: what volume goes in, what pressure that makes, what comes out.

    motor ──► syringe and line, compliance C ──► valve ──► resistance R ──► patient at `patient_pa`

    dP/dt = (Q - (P - patient_pa)/R) / C        valve closed: dP/dt = Q/C

Between events Q is constant and the solution is an exponential, so nothing is integrated in steps: the state
is kept at the last event, and asking for the pressure changes nothing. The patient's volume is what was
delivered less what the line holds, C·P: volume is conserved by construction.

No properties: one in a class makes every attribute of its instances slow in the VM. `__getattr__` is asked
only for names that are not there.

The motor stalls: at `stall_pa` it delivers only what keeps the pressure there. Drawing back does the same at
-80 kPa, where water would soon boil.
"""

import math

IMPULSE_NS = 10000000  # steps further apart than this are impulses, closer ones a constant flow
_FLOOR_PA = -80000.0
_NEVER_NS = 1 << 61
_STATE = ("patient_pa", "closed", "t_ns", "base_ns", "base_pa", "base_nl", "flow", "flow_end_ns")


class FluidPath:
    """Times are ns since power-on, never earlier than the last one given; pressures are above the atmosphere's.

    At the time of the last event or `advance`: `pressure_pa` in the line, `delivered_nl` out of the syringe,
    `patient_nl` into the patient.
    """

    def __init__(self, config):
        self._c = config["compliance_nl_per_pa"]
        self._r = config["resistance_pa_s_per_nl"] * 1e9  # Pa·ns/nL
        self._tau_ns = self._c * self._r
        self._stall_pa = config["stall_pa"]
        self._patient_pa = 0.0
        self._closed = False
        self._t_ns = 0  # now
        self._base_ns = 0  # the last event, and the state then
        self._base_pa = 0.0
        self._base_nl = 0.0
        self._flow = 0.0  # nL/ns, what the motor would give until _flow_end_ns
        self._flow_end_ns = 0
        self._find_phase()

    # ---- events ----

    def impulse(self, t_ns, nl):
        """One step; negative draws back."""
        if self._phase_end_ns == _NEVER_NS:  # no flow from the motor, as between slow steps: the same, but quicker
            pushed_pa = self._pressure(t_ns) + nl / self._c
            if _FLOOR_PA < pushed_pa < self._stall_pa:
                self._t_ns = self._base_ns = t_ns
                self._base_pa = pushed_pa
                self._base_nl += nl
                return
        self._stop_flow(t_ns)
        self._push(nl)
        self._find_phase()

    def pulses(self, t_ns, period_ns, count, nl_each):
        """`count` steps from `t_ns` on."""
        if period_ns > IMPULSE_NS:
            for i in range(count):
                self.impulse(t_ns + i * period_ns, nl_each)
            return
        flow = nl_each / period_ns
        if t_ns != self._flow_end_ns or t_ns != self._phase_end_ns or flow != self._flow:
            self._stop_flow(t_ns)
            self._flow = flow  # otherwise the same flow goes on
        self._flow_end_ns = t_ns + count * period_ns
        self._find_phase()

    def valve(self, t_ns, closed):
        self.advance(t_ns)
        self._rebase(t_ns)
        self._closed = bool(closed)
        self._find_phase()

    def back_pressure(self, t_ns, pressure_pa):
        """The patient's side: a vein, a bag hung higher or lower."""
        self.advance(t_ns)
        self._rebase(t_ns)
        self._patient_pa = float(pressure_pa)
        self._find_phase()

    def advance(self, t_ns):
        """Now is `t_ns`."""
        while t_ns >= self._phase_end_ns:
            self._next_phase()
        self._t_ns = t_ns

    # ---- what a probe would show ----

    def pressure_at(self, t_ns):
        """Pressure at `t_ns`, which is now or later, if nothing happens until then. Changes nothing."""
        if t_ns < self._phase_end_ns:
            return self._pressure(t_ns)
        kept = self.snapshot()
        self.advance(t_ns)
        pressure_pa = self._pressure(t_ns)
        self.restore(kept)
        return pressure_pa

    def __getattr__(self, name):
        if name == "pressure_pa":
            return self._pressure(self._t_ns)
        if name == "delivered_nl":
            return self._base_nl + self._given * (self._t_ns - self._base_ns)
        if name == "patient_nl":
            return self.delivered_nl - self._c * self.pressure_pa
        raise AttributeError(name)

    def snapshot(self):
        state = {}
        for name in _STATE:
            state[name] = getattr(self, "_" + name)
        return state

    def restore(self, state):
        for name in _STATE:
            setattr(self, "_" + name, state[name])
        self._find_phase()

    # ---- phases: stretches with one closed form ----

    def _pressure(self, t_ns):
        base_pa = self._base_pa
        if self._closed:
            return base_pa + self._given * (t_ns - self._base_ns) / self._c
        goal_pa = self._goal_pa
        if base_pa == goal_pa:
            return base_pa
        return goal_pa + (base_pa - goal_pa) * math.exp((self._base_ns - t_ns) / self._tau_ns)

    def _rebase(self, t_ns):
        """Moves the base to `t_ns`, inside the present phase."""
        pressure_pa = self._pressure(t_ns)
        self._base_nl += self._given * (t_ns - self._base_ns)
        self._base_pa = pressure_pa
        self._base_ns = t_ns

    def _next_phase(self):
        self._rebase(self._phase_end_ns)
        if self._phase_end_pa is not None:
            self._base_pa = self._phase_end_pa
        self._find_phase()

    def _find_phase(self):
        """What the motor really gives from the base on (`_given`), where that leads (`_goal_pa`), when it ends."""
        self._phase_end_pa = None
        if self._base_ns >= self._flow_end_ns or not self._flow:
            self._give(0.0)
            self._phase_end_ns = _NEVER_NS
            return
        flow = self._flow
        sign = 1.0 if flow > 0 else -1.0
        bound_pa = self._stall_pa if flow > 0 else _FLOOR_PA
        self._give(flow)
        excess_pa = (self._base_pa - bound_pa) * sign
        crosses = False
        if excess_pa > 0:  # pushed beyond from outside: the motor gives nothing until it is back
            self._give(0.0)
            crosses = not self._closed and (self._goal_pa - bound_pa) * sign < 0
        elif self._closed or (self._goal_pa - bound_pa) * sign > 0:
            if excess_pa < 0:
                crosses = True
            else:  # at the bound: only what flows off
                held = 0.0 if self._closed else (bound_pa - self._patient_pa) / self._r
                self._give(held if held * sign > 0 else 0.0)
        self._phase_end_ns = self._flow_end_ns
        if crosses:
            crossing_ns = self._base_ns + self._time_to(bound_pa)
            if crossing_ns < self._flow_end_ns:
                self._phase_end_ns = crossing_ns
                self._phase_end_pa = bound_pa

    def _give(self, flow):
        self._given = flow
        self._goal_pa = self._patient_pa + flow * self._r

    def _time_to(self, bound_pa):
        """ns until the pressure is at the bound, which lies on its way."""
        if self._closed:
            return (bound_pa - self._base_pa) * self._c / self._given
        return -self._tau_ns * math.log((bound_pa - self._goal_pa) / (self._base_pa - self._goal_pa))

    def _stop_flow(self, t_ns):
        """A new event: what is left of the last train is given at once."""
        self.advance(t_ns)
        self._rebase(t_ns)
        left_ns = self._flow_end_ns - t_ns
        self._flow_end_ns = t_ns
        if left_ns > 0:
            self._push(self._flow * left_ns)
        self._flow = 0.0

    def _push(self, nl):
        """A volume at once, as far as the motor can push it."""
        room_nl = ((self._stall_pa if nl > 0 else _FLOOR_PA) - self._base_pa) * self._c
        if nl * room_nl <= 0:
            return
        if abs(nl) > abs(room_nl):
            nl = room_nl
        self._base_nl += nl
        self._base_pa += nl / self._c
