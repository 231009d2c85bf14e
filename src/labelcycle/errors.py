"""Every deliberate error of labelcycle.

LabelcycleError            exit code 1: one line that says what, wanted, got, what to do
├── SettingsError          params.yaml or an option is not as it must be; also a ValueError
├── DataError              images, labels, features or a file are not as they must be; also one
├── PoolExhausted          fewer samples are left than the budget asks for; also one
├── StateError             the campaign is in a state in which this step is not legal
├── ServiceDown            a service does not answer; trying again later may help
├── ServiceRefused         a service answers, but not with what is needed (token, project, schema)
├── ToolFailed             git, DVC or another program ended with an error
├── Busy                   exit code 75: somebody else is at work in this campaign
└── Interrupted            exit code 130: a person ended it; what is finished is kept
"""

EXIT_CODES = {
    0: "done",
    1: "an error that is explained in one line",
    2: "wrong usage: an unknown command, option or value",
    75: "another process works on this campaign",
    130: "interrupted, as by Ctrl+C; what is finished is kept",
}
"""The exit codes of the command `labelcycle`, and what they mean."""


class LabelcycleError(Exception):
    """A deliberate error; its text is one line that a user can act on."""

    exit_code = 1


class SettingsError(LabelcycleError, ValueError):
    """A setting or argument is unknown or out of range."""


class DataError(LabelcycleError, ValueError):
    """Images, labels, features or a file of the campaign are not as they must be."""


class StateError(LabelcycleError):
    """The step asked for is not legal in the campaign's present state."""


class PoolExhausted(LabelcycleError, ValueError):
    """The budget is above the number of samples that can still be selected."""


class ServiceDown(LabelcycleError):
    """A service could not be reached, or broke off; trying again may help."""


class ServiceRefused(LabelcycleError):
    """A service answered, but not with what was needed; trying again will not help."""


class ToolFailed(LabelcycleError):
    """An external program ended with an error."""


class Busy(LabelcycleError):
    """Another process works on this campaign."""

    exit_code = 75


class Interrupted(LabelcycleError):
    """A person ended long work, of which something is kept."""

    exit_code = 130
