"""The alarms as the user sees them: table, texts, sounds."""
