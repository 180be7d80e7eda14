"""What each alarm says to a person, and what to do about it.

The pump does not carry these texts: on the Pico they would take 3 KB of heap, and the pump has no display. A test keeps
the names in step with the table in firmware/pump/core/alarms/table.py.
"""

from types import MappingProxyType

# name: (what a person reads, what to do)
TEXTS = MappingProxyType(
    {
        "occlusion": (
            "Line blocked: pressure above the limit, delivery stopped",
            "Find the kink, clamp or blocked catheter. Relieve the pressure away from the patient. Clear, start.",
        ),
        "occlusion_early": (
            "Line blocked: pressure rises with every step, delivery stopped",
            "Find the kink, clamp or blocked catheter. Clear, start.",
        ),
        "pressure_not_following": (
            "Pressure does not follow the plunger, delivery stopped",
            "Clamp the line to the patient. Check line and sensor. If it returns, use another pump.",
        ),
        "repeated_alarm": (
            "The same alarm stopped delivery three times in 10 minutes",
            "Find what the alarm told of. Reset the pump, or use another one.",
        ),
        "sensor_open": (
            "Pressure sensor not connected, delivery stopped",
            "Check the sensor's plug and cable, clear the alarm, start again.",
        ),
        "sensor_short": (
            "Pressure sensor shorted, delivery stopped",
            "Check the sensor's plug and cable, clear the alarm, start again.",
        ),
        "sensor_frozen": (
            "Pressure reading does not move, delivery stopped",
            "Replace the sensor. Use another pump meanwhile.",
        ),
        "sensor_jump": (
            "Pressure reading jumped as no pressure can, delivery stopped",
            "Check the sensor's plug and cable, clear the alarm, start again. If it returns, use another pump.",
        ),
        "adc_stuck": (
            "Pump's converter does not convert, delivery stopped",
            "Use another pump. Send this one to service.",
        ),
        "reference_fault": (
            "Pump's voltage reference is wrong, delivery stopped",
            "Use another pump. Send this one to service.",
        ),
        "upstream_occlusion": (
            "Supply blocked: suction before the pump, delivery stopped",
            "Open the clamp, look for an empty bag or a kink before the pump. Clear, start.",
        ),
        "upstream_sensor_fault": (
            "Sensor before the pump cannot be believed, delivery stopped",
            "Check the sensor's plug and cable, clear the alarm, start again.",
        ),
        "air_in_line": (
            "Air in the line, delivery stopped",
            "Clamp the line to the patient, take the air out, clear, start.",
        ),
        "sensor_stale": (
            "Pressure was not read in time, delivery stopped",
            "Clear the alarm and start again. If it returns, use another pump.",
        ),
        "motor_fault": (
            "Motor does not follow, delivery stopped",
            "Compare the volume in the syringe with the volume shown. Use another pump.",
        ),
        "over_infusion": (
            "Delivered more than 110 % of the rate for 15 min, delivery stopped",
            "Look at the patient and the volume delivered. Use another pump.",
        ),
        "under_infusion": (
            "Delivered less than 90 % of the rate for 15 min",
            "Look at the patient and the volume delivered. Clear the alarm; if it returns, use another pump.",
        ),
        "delivery_late": (
            "Delivery is behind its schedule",
            "Clear the alarm, watch the volume delivered. If it returns, use another pump.",
        ),
        "system_fault": (
            "Pump fault, delivery stopped",
            "Use another pump. Reset this one to test it; send it to service if the fault returns.",
        ),
        "piezo_fault": (
            "Piezo not heard in the self-test: this pump cannot sound an alarm",
            "Use another pump. Send this one to service.",
        ),
        "lamp_fault": (
            "A lamp was not seen in the self-test: this pump cannot show which alarm it has",
            "Use another pump. Send this one to service.",
        ),
        "profile_fault": (
            "No valid wiring and mechanics profile, no delivery possible",
            "Deploy the profile of this pump again.",
        ),
        "calibration_fault": (
            "Calibration damaged or not for this profile, no delivery possible",
            "Use another pump. Set the calibration of this one anew (picoinfuse calibrate --factor).",
        ),
        "interrupted": (
            "Power was lost or the pump restarted during an infusion, delivery stopped",
            "See `picoinfuse status` for what was given. Clear the alarm, start the rest, or change the pump.",
        ),
        "dose_limit": (
            "Dose limit of the hour or of four hours reached, only what keeps the vein open flows",
            "Look at the patient. It ends when the limit leaves room again; a new order ends it sooner.",
        ),
        "infusion_complete": (
            "Infusion complete",
            "Clear the alarm. Change the syringe or disconnect the line.",
        ),
        "task_overrun": (
            "Pump's software was late",
            "Clear the alarm. If it returns, use another pump.",
        ),
        "battery_low": (
            "Battery lasts less than 15 minutes",
            "Connect the charger.",
        ),
        "battery_depleted": (
            "Battery empty, delivery stopped",
            "Connect the charger. Clear the alarm, start the rest.",
        ),
        "battery_fault": (
            "Battery cannot be measured: nobody knows how long it lasts",
            "Connect the charger. Send this pump to service.",
        ),
        "button_stuck": (
            "A button is stuck: it asks for nothing any more",
            "Let go of the button. If nobody holds it, use another pump.",
        ),
        "storage_fault": (
            "Journal cannot be written, or something that was stored is lost",
            "Write down what is given. Send the pump to service.",
        ),
        "record_restored": (
            "A stored record was damaged and taken from its second copy",
            "Clear. If it returns, send the pump to service: its flash is wearing out.",
        ),
        "reservoir_near_empty": (
            "The reservoir will be empty soon",
            "Have a full one ready. `picoinfuse status` shows the time that is left.",
        ),
        "reservoir_urgent": (
            "The reservoir is nearly empty, and a stop of this therapy would harm",
            "Change it now: pause, refill, resume.",
        ),
        "reservoir_low": (
            "Little is left in the reservoir",
            "Change it: pause, refill, resume.",
        ),
        "reservoir_empty": (
            "Reservoir empty, infusion stopped",
            "Refill, clear the alarm, start the rest.",
        ),
        "library_fault": (
            "The drug library is damaged or missing: no therapy by dose",
            "Send the library again (picoinfuse library send). What runs goes on.",
        ),
        "restarted": (
            "The pump failed and started again; no infusion was under way",
            "Clear, and look at `picoinfuse log --alarms`. If it returns, do not use the pump: send it to service.",
        ),
        "suspended_reminder": (
            "Infusion is paused",
            "Resume or stop the infusion.",
        ),
    }
)
