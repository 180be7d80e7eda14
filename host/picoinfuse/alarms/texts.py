"""The message of each alarm, and what to do about it.

The pump does not carry these texts: on the Pico they would take 3 KB of heap, and the pump has no display. A test
compares the names with the table in firmware/pump/core/alarms/table.py.
"""

from types import MappingProxyType

# name: (message, what to do)
TEXTS = MappingProxyType(
    {
        "occlusion": (
            "Occlusion: pressure above the limit, delivery stopped",
            "Find the kink, clamp or blocked catheter. Relieve pressure away from the patient. Clear, start again.",
        ),
        "occlusion_early": (
            "Occlusion: pressure rises with the delivered volume, delivery stopped",
            "Find the kink, clamp or blocked catheter. Clear the alarm and start again.",
        ),
        "pressure_not_following": (
            "Pressure did not fall when the plunger was drawn back, delivery stopped",
            "Clamp the line to the patient. Check line and sensor. If it returns, use another pump.",
        ),
        "repeated_alarm": (
            "The same alarm stopped delivery three times in 10 minutes",
            "Find the cause of that alarm. Reset the pump, or use another one.",
        ),
        "sensor_open": (
            "Pressure sensor not connected, delivery stopped",
            "Check the sensor's plug and cable. Clear the alarm and start again.",
        ),
        "sensor_short": (
            "Pressure sensor shorted, delivery stopped",
            "Check the sensor's plug and cable. Clear the alarm and start again.",
        ),
        "sensor_frozen": (
            "Pressure reading does not change, delivery stopped",
            "Use another pump. Have this pump's sensor replaced.",
        ),
        "sensor_jump": (
            "Pressure reading jumped implausibly, delivery stopped",
            "Check the sensor's plug and cable. Clear the alarm and start again. If it returns, use another pump.",
        ),
        "adc_stuck": (
            "Analogue converter does not convert, delivery stopped",
            "Use another pump. Send this one to service.",
        ),
        "reference_fault": (
            "Voltage reference out of range, delivery stopped",
            "Use another pump. Send this one to service.",
        ),
        "upstream_occlusion": (
            "Upstream occlusion: suction between reservoir and pump, delivery stopped",
            "Open the clamp. Look for an empty bag or a kink before the pump. Clear the alarm and start again.",
        ),
        "upstream_sensor_fault": (
            "Upstream pressure sensor failed, delivery stopped",
            "Check the sensor's plug and cable. Clear the alarm and start again.",
        ),
        "air_in_line": (
            "Air in line, delivery stopped",
            "Clamp the line to the patient. Remove the air. Clear the alarm and start again.",
        ),
        "sensor_stale": (
            "Pressure was not read in time, delivery stopped",
            "Clear the alarm and start again. If it returns, use another pump.",
        ),
        "motor_fault": (
            "Steps at the motor do not match the command, delivery stopped",
            "Compare the volume in the syringe with the volume shown. Use another pump.",
        ),
        "over_infusion": (
            "Delivered more than 110 % of the rate for 15 min, delivery stopped",
            "Check the patient and the volume delivered. Use another pump.",
        ),
        "under_infusion": (
            "Delivered less than 90 % of the rate for 15 min",
            "Check the patient and the volume delivered. Clear the alarm. If it returns, use another pump.",
        ),
        "delivery_late": (
            "Delivery is behind schedule",
            "Clear the alarm, watch the volume delivered. If it returns, use another pump.",
        ),
        "system_fault": (
            "Pump fault, delivery stopped",
            "Use another pump. Reset this one to test it. If the fault returns, send it to service.",
        ),
        "piezo_fault": (
            "Piezo failed the self-test: the pump cannot sound an alarm",
            "Use another pump. Send this one to service.",
        ),
        "lamp_fault": (
            "Lamp failed the self-test: the pump cannot show the priority of an alarm",
            "Use another pump. Send this one to service.",
        ),
        "profile_fault": (
            "No valid pump profile, delivery not possible",
            "Deploy the profile of this pump again (picoinfuse deploy --profile NAME).",
        ),
        "calibration_fault": (
            "Calibration damaged or made for another profile, delivery not possible",
            "Use another pump. Set the calibration of this one again (picoinfuse calibrate --factor).",
        ),
        "interrupted": (
            "Power was lost or the pump restarted during a therapy, delivery stopped",
            "See `picoinfuse status` for the volume delivered. Clear the alarm and start the rest, or change the pump.",
        ),
        "dose_limit": (
            "Dose limit of one hour or of four hours reached, delivery reduced to KVO",
            "Check the patient. The alarm ends when the limit leaves room again; a new order ends it sooner.",
        ),
        "infusion_complete": (
            "Infusion complete",
            "Clear the alarm. Change the syringe or disconnect the line.",
        ),
        "task_overrun": (
            "Firmware task missed its deadline",
            "Clear the alarm. If it returns, use another pump.",
        ),
        "battery_low": (
            "Battery lasts less than 15 minutes",
            "Connect the charger.",
        ),
        "battery_depleted": (
            "Battery depleted, delivery stopped",
            "Connect the charger. Clear the alarm, start the rest.",
        ),
        "battery_fault": (
            "Battery voltage cannot be measured: time left is unknown",
            "Connect the charger. Send this pump to service.",
        ),
        "button_stuck": (
            "Button stuck: its presses are ignored",
            "Release the button. If it is not pressed, use another pump.",
        ),
        "storage_fault": (
            "Journal cannot be written, or stored data was lost",
            "Write down the volume delivered. Send the pump to service.",
        ),
        "record_restored": (
            "A stored record was damaged and restored from its second copy",
            "Clear the alarm. If it returns, send the pump to service: its flash is wearing out.",
        ),
        "reservoir_near_empty": (
            "Reservoir will soon be empty",
            "Prepare a full one. `picoinfuse status` shows the time left.",
        ),
        "reservoir_urgent": (
            "Reservoir nearly empty, and stopping this therapy would harm",
            "Change it now: pause, refill, resume.",
        ),
        "reservoir_low": (
            "Reservoir volume low",
            "Change it: pause, refill, resume.",
        ),
        "reservoir_empty": (
            "Reservoir empty, delivery stopped",
            "Refill, clear the alarm, start the rest.",
        ),
        "library_fault": (
            "Drug library damaged or missing: therapies by dose are not possible",
            "Send the library again (picoinfuse library send). A running therapy continues.",
        ),
        "restarted": (
            "The pump failed and restarted; no therapy was running",
            "See `picoinfuse log --alarms`. Clear the alarm. If it returns, send the pump to service.",
        ),
        "suspended_reminder": (
            "Infusion is paused",
            "Resume or stop the infusion.",
        ),
    }
)
