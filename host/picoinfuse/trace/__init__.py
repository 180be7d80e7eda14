"""Recorded signals of a run: the trace, its storage, VCD files."""
