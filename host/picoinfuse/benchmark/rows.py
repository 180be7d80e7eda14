"""The registry: every row of the bench table. A module that has something to measure adds its row here."""

from picoinfuse.benchmark.deploying import everything, one_file_changed, unchanged
from picoinfuse.benchmark.occlusion import DELAYS, FALSE_ALARMS, SEEDS
from picoinfuse.benchmark.reading import Row, at_least, at_most
from picoinfuse.benchmark.stub_speed import heap_free, quiet_speed, round_trip, telemetry_speed
from picoinfuse.benchmark.suite import suite

ROWS = (
    Row("steady infusion, 5 mL/h, no telemetry", "virtual s / wall s", at_least(1000), quiet_speed),
    Row("steady infusion, 5 mL/h, telemetry at 1 Hz", "virtual s / wall s", at_least(1000), telemetry_speed),
    Row("request and reply on the stub", "ms", None, round_trip),
    Row("deploy, nothing changed", "s", None, unchanged),
    Row("deploy, one file changed", "s", None, one_file_changed),
    Row("deploy, everything", "s", None, everything),
    Row("heap free while infusing", "KB", at_least(100), heap_free),
)

# 15 and 2 minutes are aims at two of the rates; where there is none, the delay of the threshold beside it says enough.
_DELAY_AIMS_MIN = {500: at_most(15), 5_000: at_most(2)}

OCCLUSION = (
    *(
        Row(f"occlusion at {rate / 1000:g} mL/h, until the early alarm", "min", _DELAY_AIMS_MIN.get(rate), measure)
        for rate, measure in DELAYS.items()
    ),
    *(
        Row(f"open line at {rate / 1000:g} mL/h, {SEEDS} x 72 h", "false alarms", at_most(0), measure)
        for rate, measure in FALSE_ALARMS.items()
    ),
)

SUITE = Row("HIL suite on the stub", "s", at_most(90), suite)  # takes long: only when asked for
