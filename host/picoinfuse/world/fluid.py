"""Syringe, line and patient: from the volume that the motor delivers to the pressure in the line and the patient.

    motor ──► syringe and line, compliance C ──► valve ──► resistance R ──► patient at `patient_pa`

    dP/dt = (Q - (P - patient_pa)/R) / C        valve closed: dP/dt = Q/C

Between events Q is constant and the solution is an exponential, so nothing is integrated numerically: the state is kept
at the last event, and reading the pressure does not change it. The patient's volume is the delivered volume less the
volume C·P in the line: volume is conserved by construction.

The motor stalls at `stall_pa`: there it delivers only what keeps the pressure. Drawing back is limited in the same way
at -80 kPa, near the pressure at which water boils at room temperature.

The class has no properties: in the MicroPython VM, one property makes access to every attribute of the instances slow.
`__getattr__` is called only for attributes that do not exist.
"""

import math

IMPULSE_NS = 10000000  # steps at longer intervals are impulses, steps at shorter ones a constant flow
_FLOOR_PA = -80000.0
_NEVER_NS = 1 << 61
_STATE = ("patient_pa", "closed", "t_ns", "base_ns", "base_pa", "base_nl", "flow", "flow_end_ns")


class FluidPath:
    """The fluid path, at rest and at atmospheric pressure at first.

    `config`: "compliance_nl_per_pa" (of syringe and line), "resistance_pa_s_per_nl" (of line and needle), "stall_pa"
    (pressure at which the motor stalls). Times are ns since power-on, in order; pressures are Pa above the atmosphere.

    Attributes, at the time of the last event or `advance`: `pressure_pa` in the line, `delivered_nl` out of the
    syringe, `patient_nl` into the patient.
    """

    def __init__(self, config: dict):
        self._c = config["compliance_nl_per_pa"]
        self._r = config["resistance_pa_s_per_nl"] * 1e9  # Pa·ns/nL
        self._tau_ns = self._c * self._r
        self._stall_pa = config["stall_pa"]
        self._patient_pa = 0.0
        self._closed = False
        self._t_ns = 0  # now
        self._base_ns = 0  # time of the last event; the state at that time
        self._base_pa = 0.0
        self._base_nl = 0.0
        self._flow = 0.0  # nL/ns, demanded by the motor until _flow_end_ns
        self._flow_end_ns = 0
        self._find_phase()

    # ---- events ----

    def impulse(self, t_ns: int, nl: float):
        """Delivers `nl` at once; a negative volume is drawn back."""
        if self._phase_end_ns == _NEVER_NS:  # no flow, as between slow steps: a shorter way to the same result
            pushed_pa = self._pressure(t_ns) + nl / self._c
            if _FLOOR_PA < pushed_pa < self._stall_pa:
                self._t_ns = self._base_ns = t_ns
                self._base_pa = pushed_pa
                self._base_nl += nl
                return
        self._stop_flow(t_ns)
        self._push(nl)
        self._find_phase()

    def pulses(self, t_ns: int, period_ns: int, count: int, nl_each: float):
        """Delivers `count` steps of `nl_each`, the first at `t_ns`."""
        if period_ns > IMPULSE_NS:
            for i in range(count):
                self.impulse(t_ns + i * period_ns, nl_each)
            return
        flow = nl_each / period_ns
        if t_ns != self._flow_end_ns or t_ns != self._phase_end_ns or flow != self._flow:
            self._stop_flow(t_ns)
            self._flow = flow  # otherwise the same flow continues
        self._flow_end_ns = t_ns + count * period_ns
        self._find_phase()

    def valve(self, t_ns: int, closed: bool):
        """Closes or opens the valve between the line and the patient."""
        self.advance(t_ns)
        self._rebase(t_ns)
        self._closed = bool(closed)
        self._find_phase()

    def back_pressure(self, t_ns: int, pressure_pa: float):
        """Sets the pressure on the patient's side: of a vein, or of a container above or below the pump."""
        self.advance(t_ns)
        self._rebase(t_ns)
        self._patient_pa = float(pressure_pa)
        self._find_phase()

    def advance(self, t_ns: int):
        """Sets the current time to `t_ns`."""
        while t_ns >= self._phase_end_ns:
            self._next_phase()
        self._t_ns = t_ns

    # ---- readings ----

    def pressure_at(self, t_ns: int) -> float:
        """Pressure in the line at `t_ns`, now or later, if no event comes before. Does not change the state."""
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

    def snapshot(self) -> dict:
        """State for `restore`."""
        state = {}
        for name in _STATE:
            state[name] = getattr(self, "_" + name)
        return state

    def restore(self, state: dict):
        """Sets the state that `snapshot` returned."""
        for name in _STATE:
            setattr(self, "_" + name, state[name])
        self._find_phase()

    # ---- phases: intervals with one closed-form solution ----

    def _pressure(self, t_ns):
        base_pa = self._base_pa
        if self._closed:
            return base_pa + self._given * (t_ns - self._base_ns) / self._c
        goal_pa = self._goal_pa
        if base_pa == goal_pa:
            return base_pa
        return goal_pa + (base_pa - goal_pa) * math.exp((self._base_ns - t_ns) / self._tau_ns)

    def _rebase(self, t_ns):
        """Moves the base to `t_ns`, inside the current phase."""
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
        """Works out the phase that begins at the base: delivered flow (`_given`), final pressure (`_goal_pa`), end."""
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
        if excess_pa > 0:  # beyond the bound by an outside event: no flow until the pressure is back
            self._give(0.0)
            crosses = not self._closed and (self._goal_pa - bound_pa) * sign < 0
        elif self._closed or (self._goal_pa - bound_pa) * sign > 0:
            if excess_pa < 0:
                crosses = True
            else:  # at the bound: only as much as flows off
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
        """ns until the pressure reaches the bound, which lies before `_goal_pa`."""
        if self._closed:
            return (bound_pa - self._base_pa) * self._c / self._given
        return -self._tau_ns * math.log((bound_pa - self._goal_pa) / (self._base_pa - self._goal_pa))

    def _stop_flow(self, t_ns):
        """Ends the flow at a new event: the rest of the last pulses is delivered at once."""
        self.advance(t_ns)
        self._rebase(t_ns)
        left_ns = self._flow_end_ns - t_ns
        self._flow_end_ns = t_ns
        if left_ns > 0:
            self._push(self._flow * left_ns)
        self._flow = 0.0

    def _push(self, nl):
        """Delivers a volume at once, up to the motor's limit."""
        room_nl = ((self._stall_pa if nl > 0 else _FLOOR_PA) - self._base_pa) * self._c
        if nl * room_nl <= 0:
            return
        if abs(nl) > abs(room_nl):
            nl = room_nl
        self._base_nl += nl
        self._base_pa += nl / self._c
