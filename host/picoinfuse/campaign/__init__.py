"""Evidence of safety under faults: every fault in every state, and random scenarios checked against invariants."""
