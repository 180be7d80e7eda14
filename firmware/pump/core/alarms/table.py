"""Every alarm there is: how urgent, what it does to delivery, how it ends. The manager is in manager.py, what an
alarm says to a person in host/picoinfuse/alarms/texts.py, and docs/alarms.md is made from both.

An alarm is *present* while its condition is, *active* while it is shown. One that passes is active while
present. One that latches stays active until a person clears it: whatever stopped delivery must not fall
silent on its own beside a pump that stands still.

Priorities follow IEC 60601-1-8's question, how bad and how soon, as secondary sources tell it.
"""

from micropython import const

NONE = const(0)
LOW = const(1)
MEDIUM = const(2)
HIGH = const(3)
PRIORITIES = ("none", "low", "medium", "high")

GO_ON = const(0)
KEEPS_VEIN_OPEN = const(1)  # no more than keeps the vein open, until it ends (core/therapy/therapy.py)
STOPS_DELIVERY = const(2)
EFFECTS = ("go_on", "kvo", "stop")

PASSES = const(0)  # ends with its condition
LATCHES = const(1)  # ends when its condition is gone and a person clears it
UNTIL_RESET = const(2)  # ends with the next reset
LATCHINGS = ("passes", "latches", "until_reset")

# name, priority, effect, latching. What a person reads and does about it: host/picoinfuse/alarms/texts.py
ALARMS = (
    # HIGH against Open PCA's MEDIUM. IEC 60601-2-24's accepted means is a HIGH alarm at the threshold, and
    # flow is stopped: of a short-lived drug the patient gets none from now on, and a bolus is in the line.
    ("occlusion", HIGH, STOPS_DELIVERY, LATCHES),
    # The same stop long before the limit, at rates where the limit takes hours. Its own name, because a person looks
    # for the same thing but finds no high pressure. HIGH, and a stop without a warning first: a rise that lasts for
    # minutes is no patient's movement, and every minute of waiting adds to the bolus in the line.
    ("occlusion_early", HIGH, STOPS_DELIVERY, LATCHES),
    # Drawn back, a closed line must follow the plunger. The sensor lies, or the line is open and something else
    # holds the pressure: either way the flow is unknown.
    ("pressure_not_following", HIGH, STOPS_DELIVERY, LATCHES),
    # Open PCA: the same alarm-stop-start three times in 10 min. The cause has not been found.
    ("repeated_alarm", HIGH, STOPS_DELIVERY, UNTIL_RESET),
    # A sensor that cannot be believed is a missing protection: stop. Several names, because the repair differs.
    ("sensor_open", HIGH, STOPS_DELIVERY, LATCHES),
    ("sensor_short", HIGH, STOPS_DELIVERY, LATCHES),
    ("sensor_frozen", HIGH, STOPS_DELIVERY, LATCHES),
    ("sensor_jump", HIGH, STOPS_DELIVERY, LATCHES),
    ("sensor_stale", HIGH, STOPS_DELIVERY, LATCHES),
    ("adc_stuck", HIGH, STOPS_DELIVERY, LATCHES),
    ("reference_fault", HIGH, STOPS_DELIVERY, LATCHES),
    # Where the bench has the sensors. HIGH: an empty or clamped supply is no delivery, and air is worse than none.
    ("upstream_occlusion", HIGH, STOPS_DELIVERY, LATCHES),
    ("upstream_sensor_fault", HIGH, STOPS_DELIVERY, LATCHES),
    ("air_in_line", HIGH, STOPS_DELIVERY, LATCHES),
    ("motor_fault", HIGH, STOPS_DELIVERY, LATCHES),
    # GIP 1.2: above 110 % for 15 min. Too much cannot be taken back: HIGH and stop, whatever the drug.
    ("over_infusion", HIGH, STOPS_DELIVERY, LATCHES),
    # GIP 1.2: below 90 % for 15 min. A stop would turn too little into nothing, and there is time to act: MEDIUM,
    # go on. A motor that stands, or makes less than half, is a motor_fault at once.
    ("under_infusion", MEDIUM, GO_ON, LATCHES),
    # The step queue starved: steps come late, none is lost. GIP calls it under-infusion only below 90 % for
    # 15 min. A stop would turn a small delay into no delivery at all: MEDIUM, go on. Like an overrun it is
    # over when it is noticed: without its latch it would not be heard.
    ("delivery_late", MEDIUM, GO_ON, LATCHES),
    ("system_fault", HIGH, STOPS_DELIVERY, UNTIL_RESET),
    # A pump that cannot be heard does not begin an infusion. Its lamps and the link tell of it.
    ("piezo_fault", HIGH, STOPS_DELIVERY, UNTIL_RESET),
    # Nor does one that cannot be seen: where several pumps sound, the lamp says which.
    ("lamp_fault", HIGH, STOPS_DELIVERY, UNTIL_RESET),
    ("profile_fault", HIGH, STOPS_DELIVERY, UNTIL_RESET),
    # As for the profile: to go on with factor 1 would silently change the dose.
    ("calibration_fault", HIGH, STOPS_DELIVERY, UNTIL_RESET),
    # HIGH, as for an occlusion: the stop was not requested, and the patient gets nothing. The stop bars a start
    # until a person has seen it.
    ("interrupted", HIGH, STOPS_DELIVERY, LATCHES),
    # Open PCA: above the maximum it falls to KVO with a warning. It passes when the hour, or the four, leave room for a
    # bolus again: the limit holds in every hour whether or not a person reacted.
    ("dose_limit", MEDIUM, KEEPS_VEIN_OPEN, PASSES),
    # MEDIUM. Pumps that fall to KVO at the end (Alaris, B. Braun) can afford to inform; this one may stop (a regimen
    # says), and a continuous drug needs its next syringe within minutes. Not HIGH: the end is the one that was ordered.
    ("infusion_complete", MEDIUM, GO_ON, LATCHES),
    # MEDIUM: delivery goes on from its queue; a pump that is late for good is stopped by its watchdog.
    ("task_overrun", MEDIUM, GO_ON, LATCHES),
    # GIP 5: below 15 min and below 5. The second is HIGH and stops, while there is power for an alarm that is heard.
    ("battery_low", MEDIUM, GO_ON, PASSES),
    ("battery_depleted", HIGH, STOPS_DELIVERY, LATCHES),
    # Its voltage cannot be read. MEDIUM, go on: it may well be full, and a stop harms for sure. Escalation makes it
    # HIGH when no person reacts.
    ("battery_fault", MEDIUM, GO_ON, PASSES),
    # GIP 2: a stuck key alarms at 1 min. What it was to ask for no longer comes; what flows is not touched.
    ("button_stuck", MEDIUM, GO_ON, PASSES),
    # MEDIUM: what is given is given as ordered, but it cannot be read later. It ends when the flash takes
    # what waits; a lost journal is reported once.
    ("storage_fault", MEDIUM, GO_ON, LATCHES),
    # LOW: the pump has what was stored, from the other copy. But a flash that forgets once will again.
    ("record_restored", LOW, GO_ON, LATCHES),
    # By time, so that there is time to fetch a new one: it informs, nothing is lost yet. LOW.
    ("reservoir_near_empty", LOW, GO_ON, PASSES),
    # The same time before empty, where the regimen says that a stop would harm: it was raised in good time (an alarm
    # above), and no person reacted. MEDIUM, and HIGH when no person reacts.
    ("reservoir_urgent", MEDIUM, GO_ON, PASSES),
    # Open PCA: below 1 mL. At common rates minutes are left: MEDIUM. It goes on: a stop is what is to be avoided.
    ("reservoir_low", MEDIUM, GO_ON, PASSES),
    # Open PCA: below 0.5 mL. HIGH, and a stop: of a short-lived drug the patient gets none from now on, and pushing on
    # sends air, or a plunger against the end of its barrel.
    ("reservoir_empty", HIGH, STOPS_DELIVERY, LATCHES),
    # LOW: nothing that runs needs it any more, and what needs it is refused. It has to be sent again before the
    # next therapy. It passes when that is done.
    ("library_fault", LOW, GO_ON, PASSES),
    # The watchdog bit, or an exception reached the top, while no therapy was under way. Nothing flowed, so there is
    # nothing to stop; but a pump that failed once must not look like one that did not. MEDIUM: whoever is to use it
    # next has to know. It stays until a person clears it.
    ("restarted", MEDIUM, GO_ON, LATCHES),
    # GIP: a reminder every 15 min while suspended (tasks/reminder.py). It passes with whatever a person does.
    ("suspended_reminder", MEDIUM, GO_ON, PASSES),
)  # fmt: skip
