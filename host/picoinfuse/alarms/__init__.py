"""The alarms as a person meets them: the table, the texts, the sounds."""
