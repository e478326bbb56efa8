"""How text that others wrote is shown: names of files and systems, ids, documents, replies of servers.

Such text may hold what a terminal obeys (colours, links, the clipboard), what reverses the direction of reading, and
what nobody sees. Every surface passes it through these functions: nothing is removed, and nothing stays invisible.
"""

import re

from ragbench.core.urls import with_urls

_BREAKS = "\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029"
_UNSEEN = (
    "\x00-\x1f\x7f-\x9f"  # controls, ESC and CSI among them
    "\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # zero width, direction
    "\u115f\u1160\u3164\uffa0"  # blank letters
    "\u2028\u2029\ud800-\udfff\U000e0000-\U000e00ff"  # line ends, half pairs, tags
)
_JOINERS = "\u200c\u200d"
_SEEN_BREAK = re.compile(f"[{_BREAKS}]")
_UNSEEN_ONE = re.compile(f"[{_UNSEEN}]")
_UNSEEN_IN_LINES = re.compile(f"(?![\n\t])[{_UNSEEN}]")


def one_line(text: str) -> str:
    r"""A text on one line. Line ends and tabs become blanks; what cannot be seen is written as an escape.

    Example:
        >>> one_line("a\tb\x1b]52;c;aGk=\x07"), one_line("invoice\u202efdp.exe")
        ('a b\\x1b]52;c;aGk=\\x07', 'invoice\\u202efdp.exe')
    """
    return _visible(_SEEN_BREAK.sub(" ", with_urls(text)), _UNSEEN_ONE)


def excerpt(text: str, longest: int) -> str:
    """The beginning of a text on one line, with single blanks."""
    line = " ".join(one_line(text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def in_lines(text: str) -> str:
    r"""A text of several lines. Line ends and tabs stay; what cannot be seen is written as an escape."""
    return _visible(with_urls(text), _UNSEEN_IN_LINES)


def in_json(written: str) -> str:
    r"""JSON with the same values, in which what cannot be seen is written as ``\u`` and four digits.

    Example:
        >>> in_json('"\u202e"')
        '"\\u202e"'
    """
    return _UNSEEN_IN_LINES.sub(lambda found: _utf16(found[0]), with_urls(written))


def in_markdown(text: str) -> str:
    r"""A text that stays text in Markdown: one line, no markup, no HTML, no mention, no reference to an issue.

    Example:
        >>> in_markdown("@team see #12 <b>"), in_markdown("nDCG@10")
        ('&#64;team see &#35;12 \\<b\\>', 'nDCG@10')
    """
    text = " ".join(one_line(text).replace("\\", "\\\\").split()).replace("&", "&amp;")
    for sign in "|<>`*_~":
        text = text.replace(sign, "\\" + sign)
    # Intervals stay readable: of square brackets, only the middle of a link, and the end of its definition, are taken
    # apart. An @ after a letter, as in nDCG@10, mentions nobody.
    text = text.replace("](", "]\\(").replace("]:", "]\\:")
    return re.sub(r"(?<!\w)@", "&#64;", re.sub(r"(?<!\w)#(?=\d)", "&#35;", text))


def in_code(text: str) -> str:
    r"""A text as code in Markdown, on one line. Code has no escapes, so the fence is longer than any run of backticks.

    Example:
        >>> in_code("openai:my_model"), in_code("a`b")
        ('`openai:my_model`', '`` a`b ``')
    """
    line = " ".join(one_line(text).split()).replace("|", "\\|")  # the one escape that code in a table has
    longest = max(map(len, re.findall("`+", line)), default=0)
    return f"{'`' * (longest + 1)} {line} {'`' * (longest + 1)}" if longest else f"`{line}`"


def without_surrogates(text: str) -> str:
    """Join the halves of surrogate pairs, and replace a half alone by U+FFFD.

    Example:
        >>> without_surrogates("a\\ud83d\\ude00b\\ud800c") == "a\\U0001f600b\\ufffdc"
        True
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _visible(text: str, unseen: re.Pattern[str]) -> str:
    if text.isascii() and text.isprintable():
        return text
    return unseen.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    sign, text, at = found[0], found.string, found.start()
    # Joiners are part of words in Persian and Hindi, and of emoji.
    if sign in _JOINERS and 0 < at < len(text) - 1 and not (text[at - 1].isascii() or text[at + 1].isascii()):
        return sign
    number = ord(sign)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _utf16(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
