"""`UserError`: what a person can mend. Commands print it as one line and exit with 2."""


class UserError(Exception):
    """Bad input, a missing device, a damaged file. `str()` says what is wrong and what to do about it."""

    exit_code = 2
