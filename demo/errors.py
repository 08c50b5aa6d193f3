"""Every way a run can fail, by name. Each message says what was got, what was expected, what to do.

They are `ValueError`s, so that a script can catch one type; `code` is the exit status of the
command line (`python -m demo`).
"""


class SwapError(ValueError):
    """The parent of every named failure."""

    code = 1


class NoFaceError(SwapError):
    """The source picture shows no face."""

    code = 3


class SmallFaceError(SwapError):
    """The source's face has too few pixels to learn a likeness from."""

    code = 4


class UnreadableError(SwapError):
    """The file is no picture (or identity) that can be read."""

    code = 5


class TooLargeError(SwapError):
    """The file is larger than the limit."""

    code = 6


class PackError(SwapError):
    """A model file is missing, truncated or altered, or does not fit the others."""

    code = 7


class CheckpointError(PackError):
    """A published checkpoint is not what was published: nothing of it was run or written."""


class CallOrderError(SwapError):
    """A method was called before the one that it stands on."""

    code = 8


class FullError(SwapError):
    """Every place in front of a camera is taken."""

    code = 10


class CancelledError(SwapError):
    """Someone asked the work to stop; nothing of it is left."""

    code = 9


class ClusterError(SwapError):
    """Ray is not there, or its cluster does not answer or loses workers; what is done stays."""

    code = 11
