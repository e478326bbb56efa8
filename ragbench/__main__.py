"""The start of the command. Ctrl-C while its modules are imported ends it with a line, not a traceback."""

import os
import signal
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130


def main() -> NoReturn:
    """Import the commands and run one."""
    interrupt = signal.getsignal(signal.SIGINT)
    # A job in the background of a shell ignores interrupts, and goes on to ignore them.
    if interrupt is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    from ragbench.cli import main as run

    signal.signal(signal.SIGINT, interrupt)
    run()


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
