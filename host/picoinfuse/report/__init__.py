"""Reports that a person reads: one self-contained HTML page for each run."""
