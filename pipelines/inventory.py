"""Say which models of a task have evidence, and what share of tokens their masks keep: what their costs rest on."""

import pandas as pd

from benchmark import evidence, params
from benchmark.evidence import metrics
from pipelines import Parser, run


def main() -> None:
    """Write ``inventory.json`` of a task."""
    parser = Parser("inventory", __doc__)
    parser.add_argument("--task", required=True, help="a task of params.yaml")
    name = parser.parse_args().task
    settings = params.load()
    settings.task(name)
    found = {}
    for model in settings.models:
        tables = [evidence.run_folder(name, model, number) / "masks.csv" for number in evidence.runs_of(name, model)]
        shares = [metrics.mask_scores(pd.read_csv(table))["kept_share"] for table in tables if table.exists()]
        if tables:
            found[model] = {"kept_share": round(sum(shares) / len(shares), 2) if shares else None}
    evidence.write_json(evidence.TASKS / name / "inventory.json", found)
    print(f"{name}: {len(found)} models have evidence")


if __name__ == "__main__":
    run(main)
