"""Checks of this computer and of the boards plugged into it."""
