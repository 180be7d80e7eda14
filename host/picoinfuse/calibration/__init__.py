"""The calibration factor of a pump, and how it is weighed."""
