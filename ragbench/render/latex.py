"""Foreign text in LaTeX."""

from ragbench.core.foreign import one_line

_SIGNS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    # Behind the end of a row, these two would be read as its options.
    "[": "{[}",
    "*": "{*}",
}


def in_latex(text: str) -> str:
    r"""A text that stays text in LaTeX: one line, no command, no mathematics.

    Letters outside of ASCII are kept: pdflatex reads those of European languages, xelatex and lualatex read all.

    Example:
        >>> in_latex("bm25:k1=1_2"), in_latex(r"\input{secret} 5%")
        ('bm25:k1=1\\_2', '\\textbackslash{}input\\{secret\\} 5\\%')
    """
    return "".join(_SIGNS.get(sign, sign) for sign in one_line(text))
