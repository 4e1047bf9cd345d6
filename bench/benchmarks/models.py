"""Compiled forests beside scikit-learn, treelite and ONNX Runtime, one thread each, on the same rows."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from bench import machine
from bench.errors import BenchError
from bench.harness import Benchmark, Context, Result
from bench.subjects import OURS, PIP

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.float32]
    Score = Callable[[Rows], NDArray[Any]]

#: Rows of one call: an event, a small batch, a large one.
ROWS = (1, 256, 65_536)
#: The least scikit-learn's cost may be of ours, by rows of a call, for the random forest.
TARGETS = {1: 500.0, 256: 20.0, 65_536: 2.5}
FEATURES, TREES, DEPTH, TRAIN = 40, 100, 12, 20_000
#: Shares of a second that a measurement takes at least.
_LEAST_S = 0.05


class Scorer(ABC):
    """Something that scores rows."""

    name: ClassVar[str]
    does: ClassVar[str]
    distribution: ClassVar[str]

    @abstractmethod
    def ready(self, fitted: Any, one: Rows) -> Score:
        """What gives the probabilities of rows; `one` is a row of their form."""

    def version(self) -> str | None:
        """The version installed."""
        return machine.version(self.distribution)


class Ours(Scorer):
    """Flat arrays and one kernel."""

    name, distribution = OURS, "citywall"
    does = "forest compiled to flat arrays, one Numba kernel"

    def ready(self, fitted: Any, one: Rows) -> Score:  # noqa: ARG002
        """Compile the forest."""
        from models.trees.compiling import compile_forest

        return compile_forest(fitted).score


class ScikitLearn(Scorer):
    """The library that trained it."""

    name, distribution = "scikit-learn", "scikit-learn"
    does = "predict_proba, n_jobs=1"

    def ready(self, fitted: Any, one: Rows) -> Score:  # noqa: ARG002
        """As it is."""
        call: Score = fitted.predict_proba
        return call


class Treelite(Scorer):
    """Treelite's own interpreter of forests."""

    name, distribution = "treelite", "treelite"
    does = "general tree inference library, one thread"

    def ready(self, fitted: Any, one: Rows) -> Score:  # noqa: ARG002
        """Import the forest."""
        import numpy as np
        import treelite

        model = treelite.sklearn.import_model(fitted)
        return lambda some: np.asarray(treelite.gtil.predict(model, some, nthread=1))


class OnnxRuntime(Scorer):
    """The forest as an ONNX graph."""

    name, distribution = "onnxruntime", "onnxruntime"
    does = "converted by skl2onnx, CPU provider, one thread"

    def version(self) -> str | None:
        """The version installed, if the converter is there too."""
        return super().version() if machine.version("skl2onnx") else None

    def ready(self, fitted: Any, one: Rows) -> Score:
        """Convert the forest."""
        import onnxruntime
        from skl2onnx import to_onnx

        graph = to_onnx(fitted, one, options={type(fitted): {"zipmap": False}})
        told = onnxruntime.SessionOptions()
        told.intra_op_num_threads = told.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            graph.SerializeToString(), told, providers=["CPUExecutionProvider"]
        )
        asked = session.get_inputs()[0].name
        return lambda some: session.run(["probabilities"], {asked: some})[0]


class Models(Benchmark):
    """CPU seconds a row; the peer's cost over ours is the ratio. Ours must equal scikit-learn bit for bit."""

    name = "models"
    title = "compiled forests"
    named = True  # what it loads would be counted to those measured after it

    def run(self, context: Context) -> Result:
        """Measure."""
        import numpy as np

        facts = machine.facts()
        fitted, rows = _forest()
        scorers: list[Scorer] = [Ours(), ScikitLearn(), Treelite(), OnnxRuntime()]
        absent = {s.name: f"{PIP} has it" for s in scorers if s.version() is None}
        scorers = [s for s in scorers if s.name not in absent]
        calls = {s.name: s.ready(fitted, rows[:1]) for s in scorers}
        if not np.array_equal(calls[OURS](rows), calls["scikit-learn"](rows)):
            raise BenchError("the compiled forest does not say what scikit-learn's says")
        samples: dict[str, dict[str, list[tuple[float, float]]]] = {
            s.name: {str(n): [] for n in ROWS} for s in scorers
        }
        for n in ROWS:
            some = np.ascontiguousarray(rows[:n])
            for repeat in range(context.repeats):
                for scorer in scorers:
                    cost = _timed(calls[scorer.name], some)
                    samples[scorer.name][str(n)].append(cost)
                    context.say(
                        f"{self.name} {n} rows: {scorer.name} {repeat + 1}/{context.repeats}: "
                        f"{1 / cost[0]:,.0f} rows a CPU second"
                    )
        return _result(context, facts, scorers, samples, absent)


def _forest() -> tuple[Any, Rows]:
    import numpy as np
    from sklearn.datasets import make_classification
    from sklearn.ensemble import RandomForestClassifier

    made, label = make_classification(
        TRAIN, FEATURES, n_informative=20, n_classes=4, n_clusters_per_class=4, random_state=0
    )
    table = made.astype(np.float32)
    fitted = RandomForestClassifier(TREES, max_depth=DEPTH, random_state=0, n_jobs=1)
    fitted.fit(table[: TRAIN // 2], label[: TRAIN // 2])
    copies = -(-ROWS[-1] // TRAIN)
    return fitted, np.ascontiguousarray(np.tile(table, (copies, 1))[: ROWS[-1]])


def _timed(call: Callable[[Rows], NDArray[Any]], rows: Rows) -> tuple[float, float]:
    """CPU and wall seconds a row."""
    call(rows)
    calls, cpu, wall = 0, time.process_time(), time.perf_counter()
    while calls < 1 or time.process_time() - cpu < _LEAST_S:
        call(rows)
        calls += 1
    each = calls * len(rows)
    return (time.process_time() - cpu) / each, (time.perf_counter() - wall) / each


def _result(
    context: Context,
    facts: dict[str, Any],
    scorers: Sequence[Scorer],
    samples: dict[str, dict[str, list[tuple[float, float]]]],
    absent: dict[str, str],
) -> Result:
    names = [s.name for s in scorers]

    def each(value: Callable[[list[tuple[float, float]]], Any]) -> dict[str, Any]:
        told = {name: {case: value(costs) for case, costs in samples[name].items()} for name in names}
        return {"ours": told[OURS], "peers": {name: told[name] for name in names if name != OURS}}

    cpu = each(lambda costs: _digits(min(c for c, _ in costs)))
    ratios = {
        peer: {case: _digits(cost / cpu["ours"][case]) for case, cost in cases.items()}
        for peer, cases in cpu["peers"].items()
    }
    missed = [
        f"{n} rows: {ratios['scikit-learn'][str(n)]:.3g}x scikit-learn, not {target:g}x"
        for n, target in TARGETS.items()
        if ratios["scikit-learn"][str(n)] < target
    ]
    return {
        "name": Models.name, "unit": "CPU seconds per row", **cpu, "ratios": ratios,
        "wall": each(lambda costs: _digits(min(w for _, w in costs))),
        "startup": each(lambda _: {"wall": 0.0, "cpu": 0.0}),
        "packets": {"ours": {str(n): n for n in ROWS},
                    "peers": {name: {str(n): n for n in ROWS} for name in names if name != OURS}},
        "spread": each(lambda costs: {"cpu": _spread([c for c, _ in costs]),
                                      "wall": _spread([w for _, w in costs])}),
        "rate": each(lambda costs: round(1 / min(c for c, _ in costs))),
        "repeats": context.repeats, "machine": facts,
        "versions": {s.name: s.version() for s in scorers},
        "does": {s.name: s.does for s in scorers},
        "absent": absent, "captures": {}, "units": {},
        "targets": {str(n): target for n, target in TARGETS.items()}, "missed": missed,
        "notes": [f"{TREES} trees, {FEATURES} features, bit for bit scikit-learn's", *missed],
    }  # fmt: skip


def _spread(samples: Sequence[float]) -> dict[str, float]:
    least, most = min(samples), max(samples)
    return {"least": _digits(least), "most": _digits(most), "relative": _digits((most - least) / least)}


def _digits(value: float) -> float:
    return float(f"{value:.5g}")
