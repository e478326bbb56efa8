"""Text of anyone's as one line."""


def one_line(text: str, longest: int) -> str:
    """One line without control characters, of bounded length; what documents and systems say may hold anything."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
