"""A bench of real wires: what a rig file says, and the slow stimuli that it drives through Blinka."""
