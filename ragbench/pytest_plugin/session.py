"""A run of the tests: where its evaluations are, and what its assertions decided."""

import shutil
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest

if TYPE_CHECKING:
    from ragbench.comparison.gate.result import Gate
    from ragbench.core.scored import ScoredRun

DECISION = ".decision.json"
"""End of the names of the files with a decision."""
AS_GATE: dict[str, Literal["neutral", "fail", "pass"]] = {
    "warn": "neutral", "xfail": "neutral", "fail": "fail", "pass": "pass",
}  # fmt: skip
"""What an inconclusive assertion does -> the option of the gate behind it."""


class Evaluated(NamedTuple):
    """A system with its scores.

    Attributes:
        run: its scores.
        reference: where its evaluation is, as ``FOLDER`` or ``FOLDER::ARM``; None if it was given as an object.
    """

    run: "ScoredRun"
    reference: str | None


class Session:
    """The state of the plugin in one process. All processes of a run share its folder."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.item: pytest.Item | None = None
        given = getattr(config, "workerinput", {}).get("ragbench_folder")
        self.worker = str(getattr(config, "workerinput", {}).get("workerid", "main"))
        self._owner = given is None
        self._folder = None if given is None else Path(given)
        self._known: dict[str, Evaluated] = {}
        self._objects: list[object] = []
        self._goldens: dict[Path, object] = {}
        self._decisions = 0

    @property
    def folder(self) -> Path:
        """The folder of the evaluations and decisions of this run."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="ragbench-pytest-"))
        return self._folder

    @property
    def used(self) -> bool:
        """Whether an assertion decided something, and this is the process that reports it."""
        return self._owner and self._folder is not None and any(self._folder.glob(f"*{DECISION}"))

    def close(self) -> None:
        """Remove the folder."""
        if self._owner and self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def option(self, name: str) -> str:
        """An option of the command line, else of the configuration; empty if it is not given."""
        return str(self.config.getoption(f"ragbench_{name}", None) or self.config.getini(f"ragbench_{name}") or "")

    def setting(self, name: str) -> Any:
        """The default of an argument: that of the marker of the test, then of the options; None if there is none."""
        for mark in [] if self.item is None else self.item.iter_markers("ragbench"):
            if mark.kwargs.get(name) is not None:
                return mark.kwargs[name]
        given = self.option(name)
        if name == "inconclusive" or not given:
            return given or None
        return (self.config.inipath.parent if self.config.inipath else self.config.rootpath) / given

    def default(self, name: str) -> Any:
        """The golden set or the corpus of the marker or of the configuration, usually a path.

        Raises:
            SettingError: none is named.
        """
        from ragbench.core.errors import SettingError

        found = self.setting(name)
        if found is None:
            raise SettingError(
                f"no {name} is given: pass {name}=..., mark the test with @pytest.mark.ragbench({name}=...), or set "
                f"ragbench_{name} in the configuration of pytest"
            )
        return Path(found) if isinstance(found, str) else found

    def golden(self) -> Any:
        """The golden set that the marker or the configuration names. It is read once."""
        found = self.default("golden")
        if not isinstance(found, Path):
            return found
        if found not in self._goldens:
            from ragbench.io.golden_files import read_golden

            self._goldens[found] = read_golden(found)
        return self._goldens[found]

    def scored(self, system: object, golden: object, corpus: object, name: str | None) -> Evaluated:
        """Return the scores of a system; it is evaluated by the first process that asks for it."""
        __tracebackhide__ = True
        from ragbench.comparison.references import Scorable, one_system
        from ragbench.core.errors import SettingError
        from ragbench.core.evaluations import Evaluation
        from ragbench.core.scored import ScoredRun

        if isinstance(system, Evaluation | ScoredRun | Scorable):
            return _ran(Evaluated(one_system(system), None))
        if is_folder(system):
            if golden is not None or corpus is not None:
                raise SettingError(f"{system} was evaluated already: leave out the golden set and the corpus")
            return _ran(Evaluated(one_system(str(system)), str(system)))
        golden = self.default("golden") if golden is None else golden
        corpus = self.default("corpus") if corpus is None else corpus
        key = self._key(system, golden, corpus, name)
        if key not in self._known:
            self._known[key] = self._evaluate(key, system, golden, corpus, name)
        return _ran(self._known[key])

    def _key(self, system: object, golden: object, corpus: object, name: str | None) -> str:
        from ragbench.core.fingerprint import fingerprint

        who = f"named {name}" if name else identity(system)
        if who is None:  # known in this process only
            at = next((at for at, one in enumerate(self._objects) if one is system), len(self._objects))
            self._objects += [system] if at == len(self._objects) else []
            who = f"object {at} of {self.worker}"
        return fingerprint([who, _identity_of_set(golden), _identity_of_set(corpus)])

    def _evaluate(self, key: str, system: Any, golden: Any, corpus: Any, name: str | None) -> Evaluated:
        from filelock import FileLock

        from ragbench.api.calls import evaluate
        from ragbench.comparison.references import one_system
        from ragbench.metrics.settings import DEFAULT_K, default_metrics

        place, done = self.folder / key, self.folder / f"{key}.done"
        more = self.option("metrics").split()
        with FileLock(self.folder / f"{key}.lock"):
            if not done.exists():
                metrics = list(dict.fromkeys([*default_metrics(DEFAULT_K), *more])) if more else []
                systems = {name: system} if name else [system]
                evaluate(corpus, golden, systems, out=place, force=True, metrics=metrics)
                done.touch()
        return Evaluated(one_system(str(place)), str(place))

    def decide(
        self,
        system: object,
        golden: object,
        corpus: object,
        name: str | None,
        baseline: object,
        given: Mapping[str, Any],
        inconclusive: str | None,
    ) -> "Gate":
        """Evaluate, decide by the rules, and let the test pass, fail or be inconclusive."""
        __tracebackhide__ = True
        from ragbench.api.calls import gate
        from ragbench.core.errors import SettingError
        from ragbench.pytest_plugin import InconclusiveWarning
        from ragbench.pytest_plugin.deciding import failure, metrics_of, with_metrics

        choice = inconclusive or self.setting("inconclusive") or "warn"
        if choice not in AS_GATE:
            raise SettingError(f"inconclusive is {choice!r}; it must be one of {', '.join(AS_GATE)}")
        metrics = metrics_of(given)
        candidate = self.scored(system, golden, corpus, name)
        before = None if baseline is None else self._baseline(baseline, golden, corpus)
        found = gate(
            with_metrics(candidate.run, metrics),
            None if before is None else with_metrics(before.run, metrics),
            inconclusive=AS_GATE[choice],
            **given,
        )
        self._record(found, [one for one in (before, candidate) if one is not None])
        if found.blocks:
            raise AssertionError(failure(found))
        if found.outcome == "inconclusive" and choice == "xfail":
            pytest.xfail(found.sentence)
        if found.outcome == "inconclusive" and choice == "warn":
            warnings.warn(InconclusiveWarning(found.sentence), stacklevel=3)
        return found

    def _baseline(self, given: object, golden: object, corpus: object) -> Evaluated:
        """A stored baseline, an evaluation, or another system, which is evaluated."""
        __tracebackhide__ = True
        from ragbench.io.baselines import STORE, read_baseline, stored_names
        from ragbench.plugins import RETRIEVERS, Spec, names

        if isinstance(given, str | Path):
            stored = str(given) in stored_names()
            if is_folder(given) and not stored:
                return self.scored(given, None, None, None)
            if stored or not isinstance(given, str) or Spec.parse(given).name not in names(RETRIEVERS):
                return _ran(Evaluated(read_baseline(str(given), STORE), str(STORE / given)))
        return self.scored(given, golden, corpus, None)

    def _record(self, found: "Gate", systems: list[Evaluated]) -> None:
        """Write a decision for the summary, which another process may make."""
        from ragbench.io.files import write_json
        from ragbench.render.gate import against, gate_json

        stem = f"{self.worker}-{self._decisions:06}"
        self._decisions += 1
        write_json(self.folder / f"{stem}.gate.json", gate_json(found))
        test = "" if self.item is None else self.item.nodeid
        runs = [str(Path(one.reference).resolve()) for one in systems if one.reference is not None]
        write_json(
            self.folder / f"{stem}{DECISION}",
            {
                "test": test,
                "outcome": found.outcome,
                "lines": [found.sentence, against(found)],
                "runs": runs,
                "gate": f"{stem}.gate.json",
            },
        )


def is_folder(system: object) -> bool:
    """Whether a system is the path of an evaluation, with or without the name of a system in it."""
    from ragbench.io.scored_runs import ARM_AFTER

    return isinstance(system, str | Path) and Path(str(system).partition(ARM_AFTER)[0]).is_dir()


def identity(system: object) -> str | None:
    """What names a system in every process of a run; None for an object that only its own process knows."""
    from ragbench.core.fingerprint import fingerprint
    from ragbench.core.given import is_rankings, run_of
    from ragbench.retrievers.base import Retriever

    if isinstance(system, str):
        return f"retriever {system}"
    if isinstance(system, Retriever):
        return f"retriever {type(system).__qualname__} {system.key()}"
    if is_rankings(system):
        return f"rankings {run_of(system).fingerprint}"
    if isinstance(system, Mapping):
        written = repr(sorted(system.items()))
        return None if " at 0x" in written else f"retriever {fingerprint(written)}"
    where, what = getattr(system, "__module__", None), getattr(system, "__qualname__", "<")
    bound = getattr(system, "__self__", None) is not None
    return None if "<" in what or bound or where is None else f"function {where}:{what}"


def _identity_of_set(given: object) -> str:
    """A path, or the fingerprint of a golden set, a corpus or chunks."""
    found = getattr(given, "fingerprint", None)
    return str(Path(str(given)).resolve()) if found is None else str(found)


def _ran(found: Evaluated) -> Evaluated:
    __tracebackhide__ = True
    if found.run.error is not None:
        raise AssertionError(f"{found.run.name} did not run: {found.run.error}")
    return found
