"""The two ways in which a request of the user ends without a result, and a warning.

Everything else that goes wrong is a fault of the program and keeps its traceback.
"""

__all__ = ["Doubtful", "InputError", "Refused"]


class InputError(Exception):
    """The user's input cannot be used: exit status 2.

    The message is one line that says what is wrong, where, which value it has and what would be allowed.
    """


class Refused(Exception):
    """The input is fine and the answer is no (a mismatch, timing not met): exit status 1."""


class Doubtful(UserWarning):
    """What is allowed and hardly ever meant; one line, as of an :class:`InputError`."""
