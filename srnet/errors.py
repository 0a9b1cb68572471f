"""The two errors that a user can fix; every command prints them as one line.

`UsageError`: an argument or a flag is wrong (exit status 2).
`DataError`: a file or folder is missing, damaged or of the wrong kind (exit status 1).
"""


class UsageError(ValueError):
    """An invalid argument, flag or combination of them."""


class DataError(RuntimeError):
    """A file or folder that is missing, damaged or of the wrong kind."""


def printable(text: object) -> str:
    """Returns a text as one line, escaping control characters, which could change what a terminal shows.

    Args:
      text: a message or a file name.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in str(text)
    )


# Names of the types of settings in messages.
TYPE_NAMES = {
    int: "an integer",
    float: "a number",
    bool: "true or false",
    str: "a string",
    dict: "a JSON object",
}
