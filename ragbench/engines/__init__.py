"""Engines: a stage is mapped over the parts of a data set, in this process or on the workers of a Ray cluster.

`base.py` has the contracts. `open_engine` gives the engine that the user chose:

    with open_engine(options.engine_settings) as engine:
        for table in engine.map(stage, parts, what="scoring", progress=context.progress):
            ...
"""

from collections.abc import Iterator
from contextlib import contextmanager

from ragbench.engines.base import Engine, EngineSettings

__all__ = ["open_engine"]


@contextmanager
def open_engine(settings: EngineSettings) -> Iterator[Engine]:
    """The chosen engine. A Ray session that starts here ends with the block, also after an error or Ctrl-C.

    Raises:
        MissingExtra: Ray is chosen and not installed.
        InputError: there is no cluster at the address, or it cannot be used.
    """
    if settings.name == "local":
        from ragbench.engines.local import LocalEngine

        yield LocalEngine(settings)
        return
    from ragbench.engines.ray import RayEngine
    from ragbench.engines.session import session

    with session(settings) as cluster:
        yield RayEngine(settings, cluster)
