"""The demonstration: an infusion, an occlusion, a report."""
