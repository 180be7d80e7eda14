"""What a Trace says about the pump: rate, alarm timing, occlusion. Pure functions, no bench, no clock."""
