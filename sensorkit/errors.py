"""The exception tree: what the caller did wrong, and what went wrong while running.

    SensorkitError
    +-- UsageError            wrong use; the command exits with 2
    |   +-- ProfileError      a profile that cannot be read or makes no sense
    |   +-- PlanError         a fault plan that cannot be read or cannot be placed
    |   +-- RecordingError    a folder that is no recording, is empty or is cut off
    |   +-- LinkError         a port or URL that cannot be opened
    |   +-- DetectorError     an unknown detector, a parameter or model it cannot take
    |   +-- DataError         a public data set that is unknown, not here, or not as published
    |   `-- NotebookError     an unknown notebook or notebook parameter
    `-- RunError              it ran and failed; the command exits with 1
        +-- LinkLost          the device or the far end went away
        +-- FetchError        a file of a data set could not be downloaded
        `-- VerifyError       a file differs from what the manifest or the card says

Bytes that a device sends are never an exception: a frame that cannot be read is a
`sensorkit.readings.Rejection`. A message names the thing, what it had, what is wanted and
what to do, in one sentence.
"""


class SensorkitError(Exception):
    """Everything sensorkit raises on purpose; the message is for the user."""

    exit_code = 1


class UsageError(SensorkitError):
    """The call or the input it names is wrong; nothing has been changed."""

    exit_code = 2


class ProfileError(UsageError):
    """A profile is missing, unreadable, or contradicts itself."""


class PlanError(UsageError):
    """A fault plan is missing, unreadable, or cannot be placed."""


class RecordingError(UsageError):
    """A folder is no recording, or one that cannot be used for this."""


class LinkError(UsageError):
    """A port or URL cannot be opened."""


class DetectorError(UsageError):
    """A detector, its parameter or its file is not one we know."""


class DataError(UsageError):
    """A public data set is not one we know, is not here, or is not as it was published."""


class NotebookError(UsageError):
    """A notebook or one of its parameters does not exist."""


class RunError(SensorkitError):
    """The work began and failed."""


class LinkLost(RunError):  # noqa: N818 - an event on the wire first, an error second
    """The far end of an open link went away."""


class FetchError(RunError):
    """A file of a public data set could not be downloaded."""


class VerifyError(RunError):
    """A recording differs from its manifest, or a data set from its card."""
