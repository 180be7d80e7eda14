"""What this firmware was made from. Deployment writes the real commit in here."""

COMMIT = "unknown"
FROZEN = False  # True in a production image
