"""The one exception for what a person can mend."""


class UserError(Exception):
    """Something outside the program is wrong: a setting, a file, the disk, the network.

    Its text is one clear line (two at most) which says what is wrong and what to do. Whoever
    reports it prints that text and no traceback.
    """


class Unfit(UserError):
    """A training cannot be done with these settings: it diverges, or does not fit into memory."""


class Stopped(Exception):
    """Training was asked to stop and did, after writing a checkpoint; its text says where."""


class Pruned(Exception):
    """A training of a sweep was ended, as most others were better at the same point."""
