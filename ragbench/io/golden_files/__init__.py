"""Golden sets in files: ragbench's own format, BEIR, TREC, simple JSON Lines, SQuAD, Hugging Face, CSV."""

from ragbench.io.golden_files.formats import FORMATS, WRITABLE, check_writable, detect, read_golden, write_golden

__all__ = ["FORMATS", "WRITABLE", "check_writable", "detect", "read_golden", "write_golden"]
