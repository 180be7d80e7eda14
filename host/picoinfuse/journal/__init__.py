"""The pump's journal on the host: fetch it, check it, keep a history of it, export it."""
