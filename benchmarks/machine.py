"""Which machine and which versions a figure was measured with."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = (
    "ragbench", "numpy", "bm25s", "faiss-cpu", "faiss-gpu", "onnxruntime", "tokenizers", "pyarrow", "torch",
    "pytrec-eval-terrier", "ranx",
)  # fmt: skip


def machine() -> dict[str, str]:
    """Processor, cores, memory, graphics card if any, system, Python."""
    found = {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{_memory_gib():.0f} GiB",
        "system": _system(),
        "python": platform.python_version(),
    }
    card = _graphics_card()
    return found | ({"gpu": card} if card else {})


def versions() -> dict[str, str]:
    """Version by library, those that are installed."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]} ({platform.machine()})" if names else platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _graphics_card() -> str:
    # The driver's own listing: asking PyTorch or FAISS would start the card.
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("Model:"):
                return line.partition(":")[2].strip()
    return ""
