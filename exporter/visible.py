"""Text from outside, with all that would be obeyed rather than shown (control, zero-width, direction) made visible."""


def visible(text: str) -> str:
    r"""*text* on one line: blanks for what separates lines and columns, and an escape for whatever is not printed.

    `\x1b[2J` shows as such and clears no screen; a mark that turns the direction of writing shows as `\u202e`.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    return " " if character in "\t\n\r\v\f" else character.encode("unicode_escape").decode("ascii")
