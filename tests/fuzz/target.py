"""Declarations of what is fuzzed: a name, a function that reads bytes, and seeds."""

import importlib
import pkgutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SEEDS = Path(__file__).parent / "seeds"
Read = Callable[[bytes], object]


@dataclass(frozen=True)
class Target:
    """A reader of foreign bytes.

    Attributes:
        name: part and reader, such as ``corpus.markdown``. Its seeds are the files of ``seeds/NAME/``.
        read: reads an input. It may raise errors that ragbench defines, and no others.
        tokens: pieces of the format that mutations insert.
    """

    name: str
    read: Read
    tokens: tuple[bytes, ...] = ()

    @property
    def seeds(self) -> list[bytes]:
        """The seeds, in the order of their names."""
        return [path.read_bytes() for path in sorted((SEEDS / self.name).iterdir())]


_TARGETS: dict[str, Target] = {}


def target(name: str, *tokens: str | bytes) -> Callable[[Read], Read]:
    """Declare the decorated function as the target ``name``."""

    def declare(read: Read) -> Read:
        add(name, read, *tokens)
        return read

    return declare


def add(name: str, read: Read, *tokens: str | bytes) -> None:
    """Declare a target."""
    if name in _TARGETS:
        raise ValueError(f"two targets are called {name}")
    _TARGETS[name] = Target(name, read, tuple(t.encode() if isinstance(t, str) else t for t in tokens))


@cache
def targets() -> dict[str, Target]:
    """Every target by its name."""
    import tests.fuzz.targets as package

    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return dict(sorted(_TARGETS.items()))


def chosen(names: list[str]) -> list[Target]:
    """The targets of these names, or whose names begin with one of them and a dot; all for none."""
    known = targets()
    for name in names:
        if not any(one == name or one.startswith(f"{name}.") for one in known):
            raise SystemExit(f"no target {name!r}; there are {', '.join(known)}")
    return [
        one
        for one in known.values()
        if not names or any(one.name == name or one.name.startswith(f"{name}.") for name in names)
    ]


@cache
def desk() -> Path:
    """A folder for the files of this process, in memory where the system has such a folder."""
    memory = Path("/dev/shm")
    held = tempfile.TemporaryDirectory(prefix="ragbench-fuzz-", dir=memory if memory.is_dir() else None)
    _HELD.append(held)
    return Path(held.name)


_HELD: list[tempfile.TemporaryDirectory[str]] = []


def placed(name: str, content: bytes) -> Path:
    """A file of the desk with this content."""
    path = desk() / name
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def also(read: Callable[..., object], *given: object) -> None:
    """Read on another way; errors of ragbench are as good as an answer."""
    try:
        read(*given)
    except Exception as error:
        if not is_ours(error):
            raise


def is_ours(error: BaseException) -> bool:
    """Whether ragbench defines the error."""
    return type(error).__module__.partition(".")[0] == "ragbench"


def text_of(data: bytes) -> str:
    """The bytes as a text that may hold half a surrogate pair, as a command line may."""
    return data.decode("utf-8", "surrogateescape")
