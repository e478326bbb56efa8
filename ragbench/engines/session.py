"""A session of Ray: the one place that starts it or connects to a cluster.

Ray reports no usage, starts no dashboard, and prints nothing: its log lines stay in its own files, and its progress
bars are off. This module words the errors that Ray raises.
"""

import logging
import os
import shutil
import socket
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbench.core.cores import usable_cores
from ragbench.core.errors import InputError, MissingExtra, RagbenchError, SettingError
from ragbench.core.spelling import named
from ragbench.engines.base import EngineSettings

OBJECT_STORE_BYTES = 512 * 2**20
"""Of a local session. Descriptions of parts and small tables go through it; what does not fit is spilled to disk."""
CONNECT_SECONDS = 5.0
START_TRIES = 3
MOST_SOCKET_PATH = 60
"""Ray puts sockets below its folder, and their paths may have some 100 characters."""
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_TQDM": "0",
}


@dataclass(frozen=True)
class Cluster:
    """A session that is open.

    Attributes:
        ray: the module.
        workers: how many workers a stage gets.
        cpus_per_worker: cores of each of them.
        local: whether it runs on this machine and ends with the session.
    """

    ray: Any
    workers: int
    cpus_per_worker: int
    local: bool


@contextmanager
def session(settings: EngineSettings, *, cores: bool = True) -> Iterator[Cluster]:
    """Start Ray on this machine or connect to a cluster, and end what was started.

    A session that the user has opened by ``ray.init()`` is used, and stays open.

    Args:
        settings: the address, and what the workers need.
        cores: whether each worker takes a core of the cluster. Workers that only wait for a service take none.

    Raises:
        MissingExtra: Ray is not installed.
        InputError: there is no cluster at the address, or it has another version of Ray or Python.
        SettingError: the cluster has no room for so many workers.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import ray
            import ray.data
    except ImportError as error:
        raise MissingExtra(f"{named('engine')} ray", "ray") from error
    address = settings.ray_address or os.environ.get("RAY_ADDRESS") or "local"
    with _quiet(), _folder() as folder:
        if ray.is_initialized():
            yield _cluster(ray, settings, local=False, cores=cores)
            return
        from ray._private import worker

        # Ray prints to the standard output that a worker ended, whatever its settings for logs say. Its debugger uses
        # the same switch.
        shown, worker._worker_logs_enabled = worker._worker_logs_enabled, False
        try:
            _start(ray, address, settings, folder)
            yield _cluster(ray, settings, local=address == "local", cores=cores)
        finally:
            ray.shutdown()
            worker._worker_logs_enabled = shown


def _start(ray: Any, address: str, settings: EngineSettings, folder: Path | None) -> None:
    common: dict[str, Any] = {"include_dashboard": False} if address == "local" else {}
    if address == "local":
        common |= {
            "num_cpus": max(usable_cores(), settings.workers or 1),
            "object_store_memory": OBJECT_STORE_BYTES,
            **({"_temp_dir": str(folder)} if folder else {}),
        }
    else:
        _reach(address)
    for left in reversed(range(START_TRIES)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ray.init(
                    address=address, namespace="ragbench", log_to_driver=False, configure_logging=True,
                    logging_level=logging.CRITICAL, **common,
                )  # fmt: skip
            return
        # Ray raises RuntimeError for another version, and ConnectionError, ValueError and its own errors for the rest.
        except Exception as error:
            # Ray waits for half a minute, which a busy machine may exceed.
            if not (left and address == "local" and "timed out" in str(error)):
                raise _start_error(address, error) from error
            ray.shutdown()
            _end_processes(folder)


def _reach(address: str) -> None:
    """Try the address first: Ray itself waits for half a minute, and may then end the process.

    Raises:
        InputError: nothing answers there.
    """
    if address == "auto":
        return
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and host and port.isdigit()):
        raise SettingError(f"is {address!r}; write HOST:PORT, as in 10.0.0.5:6379", option="ray_address")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS):
            pass
    except (OSError, OverflowError) as error:
        raise InputError(
            f"{named('ray_address')} {address}: no Ray cluster answers there ({error}); 'ray status' on its head "
            f"machine prints the address. Without {named('ray_address')}, Ray runs on this machine"
        ) from error


def _start_error(address: str, error: Exception) -> RagbenchError:
    said = " ".join(str(error).split())
    if "ersion mismatch" in said:
        return InputError(
            f"{named('ray_address')} {address}: the cluster has another version of Ray or Python; install it here "
            f"too, or start the cluster with this environment ({said})"
        )
    if address == "local":
        return InputError(f"Ray cannot start on this machine: {said}")
    return InputError(f"{named('ray_address')} {address}: Ray cannot connect to the cluster: {said}")


def _cluster(ray: Any, settings: EngineSettings, *, local: bool, cores: bool) -> Cluster:
    """Share out the cores and GPUs of the session among workers."""
    there = ray.cluster_resources()
    cpus, gpus, each = int(there.get("CPU", 1)), float(there.get("GPU", 0)), settings.gpus_per_worker
    if each and gpus < each:
        raise SettingError(f"is {each:g}, and the cluster has {gpus:g} GPUs; leave it out", option="gpus_per_worker")
    workers = settings.workers or max(1, int(gpus / each) if each else cpus)
    # Otherwise, Ray would wait forever for more machines.
    if each and workers * each > gpus:
        raise SettingError(
            f"is {workers}, and {gpus:g} GPUs are enough for {int(gpus / each)} workers with {each:g} each",
            option="workers",
        )
    if cores and workers > cpus:
        raise SettingError(f"is {workers}, and the cluster has {cpus} cores; each worker takes one", option="workers")
    return Cluster(ray, workers, max(1, cpus // workers) if local else 1, local)


@contextmanager
def _folder() -> Iterator[Path | None]:
    """A folder for the files of a local session, which is removed; None if its path is too long for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    try:
        yield folder if len(str(folder)) <= MOST_SOCKET_PATH else None
    finally:
        _end_processes(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _end_processes(folder: Path | None) -> None:
    """Kill what a session that did not come up left: Ray itself ends these processes when this one exits."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if folder is not None and any(str(folder) in word for word in child.cmdline()):
                child.kill()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the log lines and bars of Ray Data away from the terminal."""
    import ray.data

    context = ray.data.DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.enable_operator_progress_bars = False
    context.print_on_execution_start = False
    context.enable_auto_log_stats = False
    consoles = [one for one in logging.getLogger("ray.data").handlers if isinstance(one, logging.StreamHandler)]
    levels = [one.level for one in consoles]
    for one in consoles:
        one.setLevel(logging.CRITICAL + 1)
    try:
        with ray.data.DataContext.current(context):
            yield
    finally:
        with suppress(ValueError):
            for one, level in zip(consoles, levels, strict=True):
                one.setLevel(level)
