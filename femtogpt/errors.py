"""The one exception for what a person can mend."""


class UserError(Exception):
    """Something outside the program is wrong: a setting, a file, the disk, the network.

    Its text is one clear line (two at most) which says what is wrong and what to do. Whoever
    reports it prints that text and no traceback.
    """


class Stopped(Exception):
    """Training was asked to stop and did, after writing a checkpoint; its text says where."""
