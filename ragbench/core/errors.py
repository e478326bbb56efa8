"""The errors that ragbench raises on purpose.

    RagbenchError
    ├── InputError        a file, line, key or id that the user gave is wrong
    ├── SettingError      an unknown plugin, or a setting it does not have or cannot take
    ├── MissingExtra      an optional library is not installed; the message has the pip command
    └── ArmError          a retriever did not really run: a score for it would be a lie

Every message names the thing that is wrong and says what to do next. The
command line turns each of them into one line and exit code 2.
"""

import difflib
from collections.abc import Iterable

from ragbench.core.spelling import named


class RagbenchError(Exception):
    """Base of every error that ragbench raises on purpose.

    Examples:
        >>> try:
        ...     golden = rb.load_golden("no-such-folder")
        ... except rb.RagbenchError as error:
        ...     print(f"skipped: {error}")
        skipped: no-such-folder: no such file or folder
    """


class InputError(RagbenchError):
    """Something the user gave (a file, a line, a key, an id) cannot be used.

    Examples:
        >>> rb.GoldenSet(())
        Traceback (most recent call last):
        ragbench.core.errors.InputError: golden set 'golden' has no query
    """


class SettingError(RagbenchError):
    """An option, or a setting of a plugin, is unknown, missing or cannot take its value.

    Args:
        message: what is wrong and what to do next. With ``option`` it continues after the option's name.
        option: the option with the fault. The message begins with it, as the user would write it:
            ``SettingError("is -1; it must be 0 or more", option="seed")`` reads "--seed is -1; ..." on the command
            line and "seed= is -1; ..." in Python.

    Examples:
        >>> rb.plan(sd=0.3, queries=1)
        Traceback (most recent call last):
        ragbench.core.errors.SettingError: queries= is 1; it must be at least 2: one query has no spread
    """

    def __init__(self, message: str, *, option: str = "") -> None:
        super().__init__(f"{named(option)} {message}" if option else message)
        self.option = option


class MissingExtra(RagbenchError):
    """An optional library is needed and not installed.

    Args:
        what: what needs it, for example ``"dense with model 'st:...'"``.
        extra: the extra of ragbench that installs it, for example ``"st"``.
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional library: pip install 'ragbench[{extra}]'")
        self.what, self.extra = what, extra


class ArmError(RagbenchError):
    """An arm (one retriever under evaluation) did not really run."""


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """The known words that are similar, the nearest first, then those that begin as the word does.

    Example:
        >>> nearest("metrics", ["metric", "ties"]), nearest("corpus", ["top", "rpm"])
        (['metric'], [])
    """
    words = list(known)
    near = difflib.get_close_matches(word, words, n=3, cutoff=0.65)
    begins = [one for one in words if min(len(one), len(word)) > 1 and (one.startswith(word) or word.startswith(one))]
    return near + [one for one in begins if one not in near]


def nearest_of(given: str, ids: Iterable[str]) -> str:
    """``"; did you mean 'P003'?"`` for the nearest of many ids, or the first few of them."""
    known = list(ids)
    near = nearest(given, known)
    return f"; did you mean {near[0]!r}?" if near else f" (ids are like {', '.join(known[:3])})"


def did_you_mean(given: str, allowed: Iterable[str]) -> str:
    """``"; did you mean 'bm25'?"`` for the nearest allowed word, or a list of what is allowed."""
    words = sorted(allowed)
    near = nearest(given, words)
    if near:
        return f"; did you mean {near[0]!r}? (allowed: {', '.join(words)})"
    return f" (allowed: {', '.join(words)})" if words else ""
