"""What this firmware is: its version, the one source of it for the host tool too, and what it was made from."""

VERSION = "0.1.0"
COMMIT = "unknown"  # `deploy` and `image` write the real one
FROZEN = False  # True in a production image
