"""Checks of this computer: what is installed, what is plugged in."""
