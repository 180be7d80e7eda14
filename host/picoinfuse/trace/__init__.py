"""What happened on the wires: the trace, its store, VCD files."""
