"""A made-up paper, its table and a run, for the tests of the report; their words are markup."""

from dataclasses import replace

from benchmark.report.result_table import ResultColumn, ResultTable
from benchmark.report.tables import COSTS, MODEL, RUNS, SYSTEM

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
PROVENANCE = {
    "run": 0,
    "images": {"train": 10, "test": 5},
    "device": "cpu",
    "machine": {"processor": "a processor", "system": "Linux"},
    "versions": {"python": "3.11.0"},
    "commit": "0123456789abcdef",
    "started": "2026-01-02T03:04:05+00:00",
    "seconds": 12.3,
}
ACCURACY = ResultColumn(
    "accuracy", "Accuracy (%)", "", 100, 1, "", "accuracy_low", "accuracy_high", printed="accuracy_printed"
)
TIME = replace(COSTS["latency_ms"], heading="Time (ms)", unit="", printed="latency_ms_printed")
NET = {"system": "Net | x", "model": "cnn", "runs": 1, "accuracy": 0.812, "accuracy_low": 0.701}
NET |= {"accuracy_high": 0.923, "accuracy_printed": "90.2", "latency_ms": 4.05, "latency_ms_printed": "42"}
NEAREST = {"system": "1-NN on pixels", "model": "one_nn", "runs": 0, "accuracy": "no evidence", "accuracy_low": None}
NEAREST |= {"accuracy_high": None, "accuracy_printed": None, "latency_ms": None, "latency_ms_printed": None}
TABLE = ResultTable(
    "A paper, Table 1, on `phantom`", [SYSTEM, MODEL, RUNS, ACCURACY, TIME], [NET, NEAREST], ["A note."]
)
RECALLS = [
    ResultColumn(
        f"recall_{label}", f"Recall of {name}", "%", 100, 1, "higher", f"recall_{label}_low", f"recall_{label}_high"
    )
    for label, name in enumerate(["ill", HOSTILE])
]
SCORES = [
    ResultColumn("accuracy", "Accuracy", "%", 100, 1, "higher", "accuracy_low", "accuracy_high"),
    ResultColumn("f1_macro", "F1", "%", 100, 1, "higher", "f1_macro_low", "f1_macro_high"),
]
MODELS = ResultTable(
    "All models", [MODEL, RUNS, *SCORES], [NET | {"f1_macro": 0.5, "f1_macro_low": 0.4, "f1_macro_high": 0.6}], []
)
OF_NET = {"model": "cnn", "runs": 1, "recall_0": 0.75, "recall_1": 0.25}
LARGEST = {"model": "always the largest class", "runs": 1, "accuracy": 0.6, "recall_0": 1.0, "recall_1": 0.0}
CLASSES = ResultTable("Every class", [MODEL, RUNS, SCORES[0], *RECALLS], [OF_NET, LARGEST], [])
