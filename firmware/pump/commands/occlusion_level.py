"""The occlusion level: which of the profile's three pressure limits is in force."""


class OcclusionLevel:
    def __init__(self, occlusion, detector):
        """`occlusion`: the section of the profile. The detector's limit is that of its default level."""
        self._occlusion = occlusion
        self._detector = detector
        self._level = occlusion["default"]

    def change(self, level):
        """Prepares the change to `level`, "low", "medium" or "high" (flow_changes.py)."""
        detector = self._detector
        limit_pa = self._occlusion[level + "_pa"]

        def act():
            self._level = level
            detector.limit_pa = limit_pa
            return {"level": level, "limit_pa": limit_pa}

        return {"level": [self._level, level], "limit_pa": [detector.limit_pa, limit_pa]}, act, ()

    def add_status(self, status):
        """Adds its part of the reply to `status`."""
        status["occlusion_level"] = self._level
        status["limit_pa"] = self._detector.limit_pa
