"""No property test is timed: a machine under load is slow, not wrong."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # all else as it is, on a developer's machine or in CI
settings.load_profile("untimed")
