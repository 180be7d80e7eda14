"""The pump's journal on the host: fetched, checked, kept, shown."""
