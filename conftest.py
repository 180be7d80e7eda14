"""For every test: a busy machine is no failure, and the seed of one is printed and replays."""

from hypothesis import settings

settings.register_profile("picoinfuse", deadline=None, print_blob=True)
settings.load_profile("picoinfuse")
