"""Answers to what a policy's text may leave open: yes, no, or None for what cannot be told from here."""

from collections.abc import Iterable

Answer = bool | None


def every(answers: Iterable[Answer]) -> Answer:
    """Yes where all are yes, no where one is no."""
    known = list(answers)
    if False in known:
        return False
    return None if None in known else True


def some(answers: Iterable[Answer]) -> Answer:
    """Yes where one is yes, no where all are no."""
    known = list(answers)
    if True in known:
        return True
    return None if None in known else False


def no(answer: Answer) -> Answer:
    """The opposite."""
    return None if answer is None else not answer
