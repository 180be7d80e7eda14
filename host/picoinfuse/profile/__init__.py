"""Profiles: how a bench is wired and what mechanics it drives, out of boards/NAME.toml, and what the pump reads of it.

profile = load_profile("syringe-50ml")
"""

from picoinfuse.profile.load import Profile, load_profile, profile_names

__all__ = ["Profile", "load_profile", "profile_names"]
