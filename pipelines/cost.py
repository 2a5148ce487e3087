"""Measure what the models of a task cost; nothing else should run meanwhile."""

from importlib import metadata

from benchmark import cost, evidence, params, runs
from benchmark.errors import BadInput
from pipelines import Parser, module_of, run


def main() -> None:
    """Write ``cost.json`` of a task, for all models that are listed for it or have evidence."""
    parser = Parser("cost", __doc__)
    parser.add_argument("--task", required=True, help="a task of params.yaml")
    name = parser.parse_args().task
    settings = params.load()
    settings.task(name)
    listed = settings.cells(name)
    priced = [
        runs.Run(name, model, 0, module_of(settings, model))
        for model in settings.models
        if model in listed or evidence.runs_of(name, model)
    ]
    if not priced:
        raise BadInput(f"params.yaml: stages list no model for {name}, and none has evidence; list some")
    dataset = runs.dataset_of(settings, priced[0])
    models, calls = {}, {}
    for one in priced:
        models[one.model], calls[one.model] = cost.price(settings, one, dataset)
    for model, latency in cost.latencies(calls).items():
        models[model]["latency_ms"] = round(latency, 4)
    measured = {
        "input": [dataset.images.pixels.shape[3], dataset.task.input_size, dataset.task.input_size],
        "batch": 1,
        "precision": "float32",
        "threads": 1,
        "device": "cpu",
        "warm_up": cost.WARM_UP,
        "rounds": cost.ROUNDS,
        "latency": "median over rounds, models interleaved in random order; preprocessing aside, features included",
        "macs": "of convolutions, linear layers and matrix products, counted by fvcore",
        "machine": runs.machine(),
        "versions": {package: metadata.version(package) for package in ("torch", "scikit-learn", "fvcore")},
    }
    evidence.write_json(evidence.TASKS / name / "cost.json", {"measured": measured, "models": models})
    for model, found in models.items():
        print(f"{name} {model}: " + ", ".join(f"{key} {value}" for key, value in found.items()))


if __name__ == "__main__":
    run(main)
