"""Evidence: what a run of the suite measured, against which limits, for which requirement."""
