"""For every test: where the examples of property tests come from.

`fixed`, the default, always tries the same ones: a command says the same about the same code. `random`, of
`make test-long`, tries new ones each time, and a failure prints what replays it. Neither has a deadline: a busy
machine is no failure.
"""

from hypothesis import settings

settings.register_profile("fixed", deadline=None, derandomize=True, database=None)
settings.register_profile("random", deadline=None, print_blob=True)
settings.load_profile("fixed")
