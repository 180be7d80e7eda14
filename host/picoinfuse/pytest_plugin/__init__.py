"""All that is pytest's: forked and lost boards, rig scheduling, evidence."""
