"""Forgeries by somebody who edits files, and by somebody who also makes digests anew and commits: what finds each."""

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark import evidence, params
from benchmark.cost import recount  # noqa: F401  (what forks need is imported before them)
from benchmark.evidence import metrics, provenance
from benchmark.report.figures import drawing  # noqa: F401
from benchmark.report.page import render  # noqa: F401
from pipelines import static_checks
from tests.faults.forks import forked
from tests.faults.rows import EVERY, leave_table
from tests.pipelines.repository import call, commit, edit_text, edit_yaml, stale

TASK = Path("results/tasks/phantom")
RUN, OTHER, ESTIMATOR = (TASK / f"runs/{name}/run-0" for name in ("cnn", "emanet", "knn"))
COST = Path("results/costs/tiny/cnn.json")
TRAINING = "training again alone"
STATUS = "`dvc status` alone"


def flip(run=RUN, scores=True):
    """Give an image that was wrong the right class."""
    ids, labels, probabilities = evidence.read_predictions(run / "predictions.csv")
    wrong = int((probabilities.argmax(1) != labels).argmax())
    best = probabilities[wrong].argmax()
    probabilities[wrong, [labels[wrong], best]] = probabilities[wrong, [best, labels[wrong]]]
    evidence.write_predictions(run / "predictions.csv", ids, labels, probabilities)
    if scores:
        evidence.write_json(run / "metrics.json", metrics.score(labels, probabilities))


def flip_to_the_end():
    """Flip an image, and make all that shows it anew."""
    flip(ESTIMATOR)
    seal()
    for stage in ("tables", "figures", "audit", "report", "docs"):
        task = ("--task", "phantom") if stage in ("tables", "figures") else ()
        call(Path.cwd(), sys.executable, "-m", f"pipelines.{stage}", *task)


def flip_what_was_stamped():
    """Flip an image of a run of which `verify --base` has said that later code leaves the same bytes."""
    head = call(Path.cwd(), "git", "rev-parse", "HEAD").stdout.strip()
    change(ESTIMATOR / evidence.PROVENANCE, same_bytes_as=head)
    flip_to_the_end()


def change(path, **values):
    evidence.write_json(path, json.loads(path.read_text(encoding="utf-8")) | values)


def change_rows(path, edit: Callable[[pd.DataFrame], object]):
    table = pd.read_csv(path, dtype={"sample_id": str, "part": str})
    table = edited if isinstance(edited := edit(table), pd.DataFrame) else table
    table.to_csv(path, index=False, float_format=evidence.DIGITS)


def robustness(column):
    def edit(table):
        bits = table.loc[3, "right"]
        if column != "accuracy":
            table.loc[3, "right"] = bits.replace("0", "1", 1)
        if column != "right":
            table.loc[3, "accuracy"] = round(table.loc[3, "accuracy"] + 1 / (len(bits) - 1), 9)
        if column == "both":
            _, labels, _ = evidence.read_predictions(RUN / "predictions.csv")
            right = np.array([*table.loc[3, "right"][1:]], int)
            table.loc[3, "balanced_accuracy"] = np.mean([right[labels == label].mean() for label in np.unique(labels)])

    change_rows(RUN / "robustness.csv", edit)


def copy_run(digits):
    facts = evidence.read_json(OTHER / evidence.PROVENANCE)
    for path in RUN.iterdir():
        shutil.copy(path, OTHER)
    change_rows(OTHER / "predictions.csv", lambda table: table.round(digits))
    _, labels, probabilities = evidence.read_predictions(OTHER / "predictions.csv")
    evidence.write_json(OTHER / "metrics.json", metrics.score(labels, probabilities))
    provenance.write(OTHER, facts)


def in_json(path, edit):
    content = json.loads(path.read_text(encoding="utf-8"))
    edit(content)
    evidence.write_json(path, content)


def in_explanation(edit):
    in_json(RUN / "explanations.json", lambda maps: edit(next(iter(maps.values()))))


def first_number(path, old="0.", new="0.9"):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def inputs(**values):
    in_json(RUN / evidence.PROVENANCE, lambda facts: facts["inputs"].update(values))


FORGERIES: dict[str, tuple[Callable[[], object], str, str]] = {  # what finds it if digests were left, and made anew
    "an image's answer": (lambda: flip(scores=False), "runs are whole", "metrics follow"),
    "an image's answer, and the metrics": (flip, "runs are whole", "tables and summaries follow"),
    "a number in metrics.json": (
        lambda: change(RUN / "metrics.json", accuracy=0.99),
        "runs are whole",
        "metrics follow",
    ),
    "an image's label": (
        lambda: change_rows(RUN / "predictions.csv", lambda t: t.assign(label=(t["label"] + (t.index == 0)) % 3)),
        "runs are whole",
        "runs fit the split",
    ),
    "an epoch less in history.csv": (
        lambda: change_rows(RUN / "history.csv", lambda table: table.iloc[:-1]),
        "runs are whole",
        "histories fit",
    ),
    "a loss in history.csv": (
        lambda: change_rows(RUN / "history.csv", lambda table: table.assign(validation_loss=0.01)),
        "runs are whole",
        TRAINING,
    ),
    "an accuracy under corruption": (lambda: robustness("accuracy"), "runs are whole", "robustness fits"),
    "an image's answer under corruption": (lambda: robustness("right"), "runs are whole", "robustness fits"),
    "that, and its accuracy": (lambda: robustness("both"), "runs are whole", "figures follow"),
    "the class that an explanation is of": (
        lambda: in_explanation(lambda image: image.update(predicted=(image["predicted"] + 1) % 3)),
        "runs are whole",
        "explanations and masks",
    ),
    "a point of a Grad-CAM map": (
        lambda: in_explanation(lambda image: image["grad_cam"][0].__setitem__(0, 1)),
        "runs are whole",
        TRAINING,
    ),
    "how many tokens a mask keeps": (
        lambda: change_rows(OTHER / "masks.csv", lambda table: table.assign(kept=1)),
        "runs are whole",
        "tables and summaries follow",
    ),
    "a run of another model": (lambda: copy_run(9), "no run is another's", "no run is another's"),
    "a run of another model, rounded": (lambda: copy_run(6), "no run is another's", "no run is another's"),
    "the commit of a run": (
        lambda: change(RUN / evidence.PROVENANCE, commit="f" * 40),
        "runs name a commit",
        "runs name a commit",
    ),
    "the digest of a run's code": (lambda: inputs(code="0" * 64), "runs were made from", "runs were made from"),
    "the split that a run was made on": (lambda: inputs(split="0" * 64), "runs were made from", "runs were made from"),
    "the processor of a run": (
        lambda: in_json(RUN / evidence.PROVENANCE, lambda facts: facts["machine"].update(kind="other")),
        STATUS,
        TRAINING,
    ),
    "a run deleted": (lambda: shutil.rmtree(RUN), "runs are those of", "runs are those of"),
    "a run added": (lambda: shutil.copytree(RUN, RUN.with_name("run-7")), "runs are those of", "runs are those of"),
    "a cell of a table": (lambda: first_number(TASK / "tables/models.csv"), "tables and sum", "tables and sum"),
    "a mean in a summary": (lambda: first_number(TASK / "summary/cnn.json"), "tables and sum", "tables and sum"),
    "a verdict of the audit": (
        lambda: in_json(Path("results/audit.json"), lambda records: records[0].update(verdict="supported")),
        "audit follows",
        "audit follows",
    ),
    "a number in the report": (
        lambda: first_number(Path("results/report.html"), "%", "9%"),
        "report fol",
        "report fol",
    ),
    "a figure": (lambda: first_number(TASK / "figures/svg/curves_emanet.svg"), "figures follow", "figures follow"),
    "parameters in a record of cost": (
        lambda: in_json(COST, lambda record: record["measures"][0].update(params=1)),
        "parameters and mul",
        "parameters and mul",
    ),
    "multiply-accumulates in a record of cost": (
        lambda: in_json(COST, lambda record: record["measures"][0].update(macs=1)),
        "parameters and mul",
        "parameters and mul",
    ),
    "a latency in a record of cost": (
        lambda: in_json(COST, lambda record: record["measures"][0].update(latency_ms=0.001)),
        "tables and sum",
        "tables and sum",
    ),
    "the count of images in a manifest": (
        lambda: change(TASK / "manifest.json", images=61),
        "manifests and samples",
        "manifests and samples",
    ),
    "an image's label in samples.csv": (
        lambda: change_rows(TASK / "samples.csv", lambda table: table.assign(label=table["label"].replace({2: 1}))),
        "manifests and samples",
        "manifests and samples",
    ),
    "the part of an image in split.csv": (
        lambda: change_rows(TASK / "split.csv", lambda table: table.assign(part=table["part"].replace({"3": "4"}))),
        "splits follow",
        "splits follow",
    ),
    "a number that a paper prints": (
        lambda: edit_text(Path("papers/emanet.yaml"), "90.2", "70.2"),
        "tables and sum",
        "tables and sum",
    ),
    "the learning rate of a recipe": (
        lambda: edit_yaml(Path("params.yaml"), lambda raw: raw["tasks"]["phantom"]["recipe"].update(learning_rate=0.5)),
        "runs were made from",
        "runs were made from",
    ),
    "the code of a model": (
        lambda: edit_text(Path("baselines/knn.py"), "neighbours: int = 5", "neighbours: int = 3"),
        "runs were made from",
        "runs were made from",
    ),
    "an image's answer, and all that shows it": (flip_to_the_end, STATUS, TRAINING),
    "that, of a run that `verify --base` stamped": (flip_what_was_stamped, "runs name a commit", "runs name a commit"),
}


def seal():
    """Make the digests of all runs anew."""
    for path in TASK.glob(f"runs/*/*/{evidence.PROVENANCE}"):
        provenance.write(path.parent, json.loads(path.read_text(encoding="utf-8")))


def forge(folder, forgery, remakes):
    """Do a forgery in a copy of the repository, in a process of its own."""

    def work():
        forgery()
        if remakes:
            seal()
            call(Path.cwd(), "dvc", "commit", "--force", "--quiet")
            commit(Path.cwd())

    ended = forked(work, folder)
    assert ended.status == 0, ended.said


def found_by(folder, wanted):
    """Return what fails of the checks without training, (check, seconds): up to the ``wanted`` one, or of all."""

    def work():
        failing, loaded = [], params.load()
        for job in sorted(_jobs(loaded), key=lambda job: job[0] in SLOW):
            began = time.monotonic()
            for check in static_checks._do(*job):
                failing += [(check.about, time.monotonic() - began)] if check.failures else []
            if any(about.startswith(wanted) for about, _ in failing):
                break
        Path("scratch").mkdir(exist_ok=True)
        Path("scratch/failing.json").write_text(json.dumps(failing))

    ended = forked(work, folder)
    assert ended.status == 0, ended.said
    return json.loads((folder / "scratch/failing.json").read_text())


SLOW = (static_checks._figures, static_checks._counts)


def _jobs(loaded):
    """Return the jobs of ``verify --static``, with those of a task one by one."""
    for job in static_checks._jobs(loaded):
        if job[0] == static_checks._task:
            yield from (
                (part, *job[1:])
                for part in (static_checks._runs, static_checks._split_and_tables, static_checks._figures)
            )
        else:
            yield job


@pytest.mark.long
@pytest.mark.parametrize("remakes", [False, True], ids=["edits", "remakes"])
def test_forgeries(made, tmp_path, remakes):
    rows, faulty, honest = [], [], tmp_path / "honest"
    shutil.copytree(made, honest)
    call(honest, sys.executable, "-m", "pipelines.docs")
    commit(honest)
    for name in [*FORGERIES] if EVERY else [*FORGERIES][::9]:
        forgery, *expected = FORGERIES[name]
        folder = tmp_path / "copy"
        shutil.copytree(honest, folder)
        forge(folder, forgery, remakes)
        wanted = expected[remakes]
        failing = found_by(folder, wanted)
        named = next((failure for failure in failing if failure[0].startswith(wanted)), None)
        if named:
            rows.append([name, named[0], f"{named[1]:.1f} s"])
        else:
            rows.append([name, STATUS if not remakes and stale(folder) else TRAINING, ""])
            if failing or rows[-1][1] != wanted:
                faulty.append((name, wanted, failing))
        shutil.rmtree(folder)
    sort = "remakes" if remakes else "edits"
    leave_table(f"forgeries-{sort}", ["forged", "found by", "after"], rows)
    assert not faulty, (len(faulty), faulty)
