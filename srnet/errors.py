"""The two errors that a user can mend; every command prints them as one line.

`UsageError`: an argument or a flag is wrong (exit status 2).
`DataError`: a file or folder is not what it must be (exit status 1).
"""


class UsageError(ValueError):
    """An argument, flag or combination of them that cannot be used."""


class DataError(RuntimeError):
    """A file or folder that is missing, damaged or of another kind than needed."""


def printable(text: object) -> str:
    """Returns a text in one line without control characters, which could change what a terminal shows.

    Args:
      text: a message, or a name of a file.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in str(text)
    )


# What messages call the types of settings.
TYPE_NAMES = {
    int: "an integer",
    float: "a number",
    bool: "true or false",
    str: "a text",
    tuple: "a list",
    dict: "a JSON object",
}
