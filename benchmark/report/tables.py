"""The tables of a task: those of the papers made anew from evidence, of all models, of masks, of costs."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmark import evidence
from benchmark.audit import papers
from benchmark.audit.answers import ClassRecall
from benchmark.audit.claims import number_of
from benchmark.audit.papers import QUALITY, Column, Paper, Table
from benchmark.cost.records import Costs, attention_records, machine, span
from benchmark.evidence import metrics
from benchmark.params import Params
from benchmark.report.names import label
from benchmark.report.notes import OVER_IMAGES, SYNTHETIC, notes
from benchmark.report.result_table import ResultColumn, ResultTable, Row, rounded
from benchmark.report.results import Results, sizes
from benchmark.statistics import Estimate, Ratio, resampled

SENTINEL, SENTINEL_ROW = "one_nn", "1-NN on pixels"
LARGEST_CLASS = "always the largest class"
NO_EVIDENCE, NOT_COUNTED = "no evidence", "not counted"
SYSTEM, MODEL, RUNS = ResultColumn("system", "System"), ResultColumn("model", "Model"), ResultColumn("runs", "Runs")
FIXED = (SYSTEM, MODEL, RUNS)  # the first columns of each table of a paper
LABEL = ResultColumn("label", "Model")
MASKS = {
    "kept_share": "Tokens kept",
    "on_lesion": "Of kept tokens, on the lesion",
    "chance": "By chance",
    "lesion_kept": "Of the lesion's tokens, kept",
}
COSTS = {
    column.field: column
    for column in (
        ResultColumn("params", "Parameters", "millions", 1e-6, 2),
        ResultColumn("macs", "MACs", "millions", 1e-6, 1),
        ResultColumn("kept_share", "Tokens kept", "%", 100, 0),
        ResultColumn("memory_mib", "Tensors", "MiB", 1, 1),
        ResultColumn("size_mib", "Size", "MiB", 1, 1),
        ResultColumn("latency_ms", "Time", "ms", 1, 2),
        ResultColumn("end_to_end_ms", "End to end", "ms", 1, 2),
        ResultColumn("throughput_per_s", "Images per second", "", 1, 0),
    )
}


def make(params: Params, results: Results) -> dict[str, ResultTable]:
    """Return name → table: of every paper, of all models, and of masks and costs where there are any.

    Numbers are rounded to the digits that evidence has.
    """
    tables = {
        name: paper_table(params, results, paper, table_here)
        for paper in papers.load_all()
        for name, table in paper.tables.items()
        if (table_here := table.on(results.task))
    }
    tables["models"] = models_table(params, results)
    if results.answers.labels:
        tables["classes"] = classes_table(params, results)
    if results.masks:
        tables["masks"] = masks_table(params, results)
    if results.answers.costs:
        tables["cost"] = cost_table(params, results)
    if results.answers.costs and not results.scores.keys().isdisjoint(_rows_and_sizes(params, results)):
        tables["pareto"] = pareto_table(params, results)
    return {name: rounded(_labelled(params, table)) for name, table in tables.items()}


def _labelled(params: Params, table: ResultTable) -> ResultTable:
    """Return a table of models with what people call them before their names in commands; others as they are."""
    if table.columns[0] != MODEL:
        return table
    labels = {name: model.label for name, model in params.models.items()}
    rows = [{"label": labels.get(row["model"], row["model"])} | row for row in table.rows]
    return replace(table, columns=[LABEL, replace(MODEL, heading="Name"), *table.columns[1:]], rows=rows)


def summary(results: Results) -> dict[str, dict[str, float]]:
    """Return model → what ``dvc metrics`` shows of it: its runs, means over them, and its multiply-accumulates.

    Times are left out: another measurement would differ, though nothing had changed.
    """
    shown = [name for name, measure in metrics.MEASURES.items() if "summary" in measure.shown_in]
    classes = results.manifest["classes"] if results.answers.labels else []
    summaries = {}
    for model, runs in results.scores.items():
        means = {name: float(np.mean([run[name] for run in runs])) for name in shown}
        means |= {f"recall_{name}": _recall(results, model, label).value for label, name in enumerate(classes)}
        macs = results.cost(model).get("macs")
        summaries[model] = {"runs": len(runs)} | {name: float(evidence.DIGITS % mean) for name, mean in means.items()}
        summaries[model] |= {} if macs is None else {"macs": macs}
    return summaries


def paper_table(params: Params, results: Results, paper: Paper, table: Table) -> ResultTable:
    """Return a paper's table: its rows in its order, then the leakage sentinel."""
    results = results.by_rows_of(paper)
    columns = paper_columns(table)
    printed: dict[str, tuple[str, Sequence[str | None]]] = {
        system: (paper.systems[system], values) for system, values in table.rows.items()
    }
    printed[SENTINEL_ROW] = (SENTINEL, [None] * len(table.columns))
    rows = []
    for system, (model, values) in printed.items():
        row: Row = {"system": system, "model": model, "runs": len(results.scores.get(model, []))}
        for place, (paper_column, column, value) in enumerate(
            zip(table.columns, columns[len(FIXED) :], values, strict=True)
        ):
            row |= _measured(results, model, paper_column.measure, column) | {column.printed: value}
            row[f"{column.field}_claimed"] = _claimed(table, system, place)
        rows.append(row)
    meaning = f"Each cell: mean over runs [{OVER_IMAGES}] (the paper's number)."
    models = {system: model for system, (model, _) in printed.items()}
    measures = [column.measure for column in table.columns]
    title = f"{paper.cite}, {table.place}, on `{results.task}`"
    return ResultTable(title, columns, rows, notes(params, results, models, meaning, measures))


def _claimed(table: Table, system: str, place: int) -> float | None:
    """Return the number that a cell of a paper stands for, in the unit of the measured one; None without such."""
    column = table.columns[place]
    other_unit = column.measure == "macs" or (column.measure == "latency_ms" and not _in_ms(column))
    if system not in table.rows or column.words or other_unit:
        return None
    return number_of(table, system, place, column)


def paper_columns(table: Table) -> list[ResultColumn]:
    """Return the columns of a paper's table as it is made here: system, model, runs, then the paper's own."""
    columns: dict[str, ResultColumn] = {}
    for place, column in enumerate(table.columns):
        # One table may have a measure twice, once for a task that the paper names.
        field = f"{column.measure}_{place}" if column.measure in columns else column.measure
        columns[field] = _paper_column(column, field)
    return [*FIXED, *columns.values()]


def _in_ms(column: Column) -> bool:
    """Return whether a paper's column of times is in milliseconds: of costs its heading alone has the unit."""
    return bool(re.search(r"\bms\b|millisecond", column.heading, re.IGNORECASE))


def _paper_column(column: Column, field: str) -> ResultColumn:
    if column.measure in QUALITY:
        shown = replace(_quality_column(column.measure, field), unit="")  # the paper's heading has it
    elif column.measure == "macs":
        shown = replace(COSTS["macs"], field=field, unit="millions of MACs")
    else:
        shown = replace(COSTS[column.measure], field=field, unit="" if _in_ms(column) else "measured in ms")
    return replace(shown, heading=column.heading, better="", printed=f"{field}_printed")


def _quality_column(name: str, field: str) -> ResultColumn:
    """Return the column of a measure of quality, by the registry."""
    measure = metrics.measure(name)
    better = "higher" if measure.higher_is_better else "lower"
    low, high = f"{field}_low", f"{field}_high"
    return ResultColumn(field, measure.heading, measure.unit, measure.scale, measure.digits, better, low, high)


def models_table(params: Params, results: Results) -> ResultTable:
    """Return the table of every model that has evidence, in the order of params.yaml."""
    measures = [name for name, measure in metrics.MEASURES.items() if "models" in measure.shown_in]
    costs = [replace(COSTS["macs"], unit="millions of MACs"), COSTS["latency_ms"]]
    measured = [*(_quality_column(name, name) for name in measures), *(replace(one, better="lower") for one in costs)]
    ratio = _ratio_column(label(params, results.answers.costs[0].reference)) if results.answers.costs else None
    best_epochs = ResultColumn("best_epochs", "Best epoch of each run")
    columns = [MODEL, RUNS, COSTS["params"], *measured, *filter(None, [ratio]), best_epochs]
    models = [model for model in params.models if model in results.scores]
    rows = []
    for model in models:
        row: Row = {"model": model, "runs": len(results.scores[model]), "params": results.cost(model).get("params")}
        for column in measured:
            row |= _measured(results, model, column.field, column)
        if ratio:
            row |= _latency_ratio(results.cost(model))
        rows.append(row | {"best_epochs": ", ".join(map(str, results.best_epochs.get(model, [])))})
    meaning = (
        f"Each cell: mean over runs [{OVER_IMAGES}]. Best epoch: the one whose weights are tested, chosen on "
        "validation images; if it is near the last one, more epochs may have helped."
    )
    if over_runs := [metrics.measure(name).heading for name in measures if not metrics.measure(name).per_image]:
        meaning += f" The interval of {', '.join(over_runs)} is over runs alone."
    title = f"All models with evidence, on `{results.task}`"
    return ResultTable(
        title, columns, rows, notes(params, results, _alone(models), meaning, [*measures, "macs", "latency_ms"])
    )


def classes_table(params: Params, results: Results) -> ResultTable:
    """Return the table of the recall of every class: one row per model, the last always takes the largest class."""
    accuracy = _quality_column("accuracy", "accuracy")
    classes = results.manifest["classes"]
    recalls = [
        ResultColumn(
            f"recall_{label}", f"Recall of {name}", "%", 100, 1, "higher", f"recall_{label}_low", f"recall_{label}_high"
        )
        for label, name in enumerate(classes)
    ]
    models = [model for model in params.models if model in results.scores]
    rows = []
    for model in models:
        row: Row = {"model": model, "runs": len(results.scores[model])}
        row |= _measured(results, model, "accuracy", accuracy)
        for index, column in enumerate(recalls):
            interval = _recall(results, model, index).of_share()
            row |= zip((column.field, column.low, column.high), interval, strict=True)
        rows.append(row)
    rows += _largest_class(results, recalls)
    of_two = f"; of {classes[1]} it is the sensitivity, of {classes[0]} the specificity" if len(classes) == 2 else ""
    meaning = (
        f"Each cell: mean over runs [{OVER_IMAGES}]. Recall of a class: the share of its test images that are "
        f"right{of_two}. Last row: what always answering the largest class gives, by its share of the test images."
    )
    title = f"Every class by itself, on `{results.task}`"
    return ResultTable(
        title, [MODEL, RUNS, accuracy, *recalls], rows, notes(params, results, _alone(models), meaning, [])
    )


def _recall(results: Results, model: str, label: int) -> Estimate:
    """Return the mean recall of a class over all runs of a model."""
    return results.answers.mean_over(model, ClassRecall(label), results.answers.runs(model))


def _largest_class(results: Results, recalls: list[ResultColumn]) -> list[Row]:
    """Return the row of a model that always answers the class with most test images."""
    shares = results.class_shares
    largest = int(shares.argmax())
    of_class = {column.field: float(label == largest) for label, column in enumerate(recalls)}
    return [
        {"model": LARGEST_CLASS, "runs": len(results.answers.labels), "accuracy": float(shares[largest])} | of_class
    ]


def _measured(results: Results, model: str, measure: str, column: ResultColumn) -> Row:
    """Return the fields of one cell: a mean over runs with its bounds, or a cost, or why there is none."""
    if measure in COSTS:
        return {column.field: _cost(results, model, measure)}
    estimate = results.mean(model, measure)
    if not estimate:
        return {column.field: NO_EVIDENCE, column.low: None, column.high: None}
    low, high = np.clip(estimate.interval(), *metrics.measure(measure).bounds)
    return {column.field: estimate.value, column.low: float(low), column.high: float(high)}


def _cost(results: Results, model: str, measure: str) -> float | str:
    """Return what a model costs, or why there is no number."""
    value = results.cost(model).get(measure)
    if value is not None:
        return value
    return NOT_COUNTED if measure in results.cost(model) else NO_EVIDENCE


def masks_table(params: Params, results: Results) -> ResultTable:
    """Return the table of what masks keep and, where lesions are known, how well they agree with them."""
    measures = [name for name in MASKS if any(name in runs[0] for runs in results.masks.values())]
    models = [model for model in params.models if model in results.masks]
    rows = []
    for model in models:
        runs = results.masks[model]
        row: Row = {"model": model, "runs": len(runs)}
        for name in measures:
            estimate = resampled([run[name] for run in runs], results.answers.test_to_train)
            row |= zip((name, f"{name}_low", f"{name}_high"), estimate.of_share(), strict=True)
        row["kept_share_min"] = min(run["kept_share_min"] for run in runs)
        row["kept_share_max"] = max(run["kept_share_max"] for run in runs)
        rows.append(row)
    columns = [MODEL, RUNS]
    columns += [ResultColumn(name, MASKS[name], "%", 100, 1, "", f"{name}_low", f"{name}_high") for name in measures]
    columns.append(ResultColumn("kept_share_min", "Kept of one image", "%", 100, 0, upto="kept_share_max"))
    meaning = "Each cell: mean over runs [95 % interval over runs]; last column: the range over images."
    if "on_lesion" in measures:
        meaning += " Lesion: over the images that have one; chance: the share of all their tokens that touch it."
    title = f"What the masks keep, on `{results.task}`"
    return ResultTable(title, columns, rows, notes(params, results, _alone(models), meaning, []))


def cost_table(params: Params, results: Results) -> ResultTable:
    """Return the table of what models cost: one row per model and condition."""
    costs = results.answers.costs
    rows = []
    for condition in costs:
        for model, measured in condition.models.items():
            row: Row = {"model": model, "condition": condition.condition, "input_px": condition.size}
            row |= {name: measured.get(name) for name in COSTS} | _latency_ratio(measured)
            row |= zip(("latency_q1", "latency_q3"), measured["latency_quartiles"], strict=True)
            row |= zip(
                ("end_to_end_q1", "end_to_end_q3"), measured.get("end_to_end_quartiles", (None, None)), strict=True
            )
            rows.append(row)
    columns = [
        MODEL,
        ResultColumn("input_px", "Input", "px"),
        *COSTS.values(),
        ResultColumn("latency_q1", "Quartiles of time", "ms", digits=2, upto="latency_q3"),
        ResultColumn("end_to_end_q1", "Quartiles of end to end", "ms", digits=2, upto="end_to_end_q3"),
        _ratio_column(label(params, costs[0].reference)),
    ]
    synthetic = [SYNTHETIC] if params.task(results.task).synthetic else []
    lines = [*synthetic, *_cost_notes(params, costs)]
    return ResultTable(f"What models cost, on `{results.task}`", columns, rows, lines)


def _ratio_column(reference: str) -> ResultColumn:
    """Return the column of ratios of latency to a reference."""
    heading = f"Time relative to {reference} [95 % interval]"
    return ResultColumn("latency_ratio", heading, digits=2, low="ratio_low", high="ratio_high")


def _latency_ratio(measured: dict[str, Any]) -> Row:
    """Return the ratio of a model's latency to the reference with its bounds; None where it was not measured."""
    low, high = measured.get("latency_ratio_interval", (None, None))
    return {"latency_ratio": measured.get("latency_ratio"), "ratio_low": low, "ratio_high": high}


def _cost_notes(params: Params, costs: list[Costs]) -> list[str]:
    reference = label(params, costs[0].reference)
    return [
        "Time: median of one image, preprocessing aside; end to end: from the uint8 image to the label. Tensors: the "
        "most memory that weights and maps take for one image. Size: that of the weights, or of a pickled estimator.",
        "A model that masks its tokens is measured at several shares of them; here is the one nearest to what it kept "
        "of test images once trained, or to a half if it was not trained. Estimators have no MACs or parameters that "
        "would compare.",
        f"Time relative to {reference}: each call beside one of {reference}, the median over blocks. Verdicts rest on "
        "it; the quotient of two times in the table differs, since the machine was not equally fast in all blocks. "
        "Images per second are of the first blocks alone, so they do not compare with the time to a tenth.",
        _end_to_end_note(costs),
        *(
            f"{condition.condition}: {condition.how}; {_precision(condition, params.timing.precise)}."
            for condition in costs
        ),
    ]


def _end_to_end_note(costs: list[Costs]) -> str:
    """Say why end to end can be below the time of the model alone, and how often it is, by more than they vary."""
    measured = [model for condition in costs for model in condition.models.values() if model.get("end_to_end_ms")]
    below = [model for model in measured if model["end_to_end_ms"] < model["latency_ms"]]
    apart = [model for model in below if model["end_to_end_quartiles"][1] < model["latency_quartiles"][0]]
    return (
        "Time and end to end are measured in turns, at other moments, so where preprocessing takes less than the "
        f"machine varies, end to end may come out below: in {len(below)} of {len(measured)} rows; the "
        f"quartiles overlap in {len(below) - len(apart)} of them."
    )


def _precision(costs: Costs, precise: float) -> str:
    """Say how well ratios are known: the widest interval's half width, and how many are ``precise`` or better."""
    halves = {
        model: Ratio(measured["latency_ratio"], *measured["latency_ratio_interval"]).half_width
        for model, measured in costs.models.items()
        if model != costs.reference
    }
    if not halves:
        return "one model alone"
    widest = max(halves, key=halves.__getitem__)
    within = sum(half <= precise for half in halves.values())
    return (
        f"{within} of {len(halves)} ratios are known to ±{100 * precise:.0f} %, the widest, that of {widest}, to "
        f"±{100 * halves[widest]:.0f} %"
    )


def pareto_table(params: Params, results: Results) -> ResultTable:
    """Return the table of accuracy against cost: the papers' rows, and other sizes of them, fastest first."""
    shown = _rows_and_sizes(params, results)
    means = {
        model: estimate for model in params.models if model in shown and (estimate := results.mean(model, "accuracy"))
    }
    fronts = {
        measure: on_front({model: (mean.value, results.cost(model).get(measure)) for model, mean in means.items()})
        for measure in papers.COST
    }
    rows = []
    for model in sorted(means, key=lambda model: results.cost(model).get("latency_ms") or np.inf):
        row: Row = {"model": model, **_measured(results, model, "accuracy", _quality_column("accuracy", "accuracy"))}
        for measure, front in fronts.items():
            row |= {measure: _cost(results, model, measure), f"front_{measure}": model in front}
        rows.append(row)
    columns = [MODEL, replace(_quality_column("accuracy", "accuracy"), better="")]
    for measure in fronts:
        columns += [COSTS[measure], ResultColumn(f"front_{measure}", "On the front")]
    meaning = (
        f"Accuracy: mean over runs [{OVER_IMAGES}]. On the Pareto front: no other model is at least as accurate for "
        "less. This compares the means alone, so neighbours may change places."
    )
    title = f"Accuracy against cost, on `{results.task}`"
    return ResultTable(title, columns, rows, notes(params, results, _alone(means), meaning, ["macs"]))


def _rows_and_sizes(params: Params, results: Results) -> set[str]:
    """Return the rows of the papers' tables, and other sizes of them."""
    return {*results.answers.rows, *sizes(params, results.answers.rows)}


def on_front(points: dict[str, tuple[float, float | None]]) -> set[str]:
    """Return the models that no other one dominates: more accurate for the same, or as accurate for less."""
    costed = {model: (value, cost) for model, (value, cost) in points.items() if cost is not None}

    def dominated(model: str) -> bool:
        value, cost = costed[model]
        return any(one >= value and other <= cost and (one, other) != (value, cost) for one, other in costed.values())

    return {model for model in costed if not dominated(model)}


def _alone(models: Iterable[str]) -> dict[str, str]:
    """Return models as rows that are named as they are."""
    return {model: model for model in models}


def attention_table(params: Params) -> ResultTable | None:
    """Return the table of what EMANet's mask saves in its attention part; None if it was not measured.

    One row per form of masking and kept share, for each input shape and batch.
    """
    records = attention_records(params)
    if not records:
        return None
    rows: list[Row] = []
    for record in records:
        where = f"{record['size']} px, {machine(record)}"
        for batch in record["batches"]:
            for form in batch["forms"]:
                row: Row = {"input": where, "batch": batch["batch"]}
                row |= {name: form[name] for name in ("form", "kept_share", "macs", "ms", "times_as_fast")}
                row |= zip(("low", "high"), form["interval"], strict=True)
                rows.append(row | {"macs": NOT_COUNTED if form["macs"] is None else form["macs"]})
    columns = [
        *(ResultColumn(name, name.capitalize()) for name in ("input", "batch", "form")),
        COSTS["kept_share"],
        COSTS["macs"],
        ResultColumn("ms", "Time", "ms", digits=3),
        ResultColumn("times_as_fast", "Times as fast as without a mask [95 %]", digits=2, low="low", high="high"),
    ]
    blocks = span([batch["blocks"] for record in records for batch in record["batches"]])
    note = (
        "The part that the mask acts on: the mask itself, patch embedding and attention, without extractor, fusion and "
        "classifier. MACs: the mean of an image. First weights, images of noise, "
        f"{records[0]['precision']}, {records[0]['layout']}, torch {records[0]['versions']['torch']}; forms in turn, "
        f"in random order, in {blocks} blocks with copies of their own."
    )
    return ResultTable("What EMANet's mask saves in the attention part", columns, rows, [note])
