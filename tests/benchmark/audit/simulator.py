"""Answers of models whose true accuracies are known, drawn as the design draws real ones.

A pool of images in clusters of near-duplicates, each cluster as hard for all models, and a little more or less so for
one; classes that some models are better at than others; runs that test on the parts of the pool that the design gives
them, or all on the same images; and in each run a model that came out a little better or worse.
"""

import numpy as np

from benchmark.audit.answers import Answers

SIZES = {
    "breastmnist": (780, 598, 6),
    "brain-mri": (3264, 1907, 3),
    "chestxray": (5856, 5000, 3),
}  # images, clusters, runs
SPREAD = {"difficulty": 1.5, "interaction": 0.8, "image": 0.8}  # sd, logits
RUNS_DIFFER = (0.05, 0.10, 0.20)  # sd of a run, logits: 0.6 to 2.3 points; models differ in it
ONE_CLASS = (1.0,)


def class_effect(index, label, classes, strength):
    """By how much a model, the ``index``-th, is better at a class than on the whole (logits)."""
    return strength * np.cos(2 * np.pi * (index * 0.3 + np.asarray(label) / classes))


def answers(
    rng,
    skills,
    size="brain-mri",
    official=False,
    runs_differ=RUNS_DIFFER,
    spread=SPREAD,
    twins=(),
    estimators=(),
    shares=ONE_CLASS,
    classes_differ=0.0,
):
    """Return the answers of models, whose ``skills`` are logits; ``twins`` answer as others do.

    Runs of ``estimators`` differ by nothing but their images; the other models are networks. ``shares`` are those of
    the classes, which splits are stratified by; ``classes_differ`` is by how much a model may be better at one, in
    logits.
    """
    images, clusters, runs = SIZES[size]
    cluster = np.sort(np.concatenate([np.arange(clusters), rng.integers(0, clusters, images - clusters)]))
    difficulty = rng.normal(0, spread["difficulty"], clusters)[cluster] + rng.normal(0, spread["image"], images)
    own = {model: rng.normal(0, spread["interaction"], clusters)[cluster] for model in skills}
    label = np.searchsorted(np.cumsum(shares)[:-1], (np.arange(clusters) + 0.5) / clusters, side="right")
    part = np.concatenate([rng.permutation(np.arange(count) % 20) for count in np.bincount(label)])[cluster]
    label = label[cluster]
    tested = {run: np.flatnonzero((part - 3 * run * (not official)) % 20 < 3) for run in range(runs)}
    values = {}
    for index, (model, skill) in enumerate(skills.items()):
        of_runs = {}
        for run, rows in tested.items():
            shift = rng.normal(0, 0 if model in estimators else runs_differ[index % len(runs_differ)])
            effect = class_effect(index, label[rows], len(shares), classes_differ)
            logit = skill + shift + effect - difficulty[rows] - own[model][rows]
            of_runs[run] = (rng.random(len(rows)) < 1 / (1 + np.exp(-logit))).astype(float)
        values[model] = {"accuracy": of_runs}
    for twin, model in twins:
        values[twin] = values[model]
    found = {run: cluster[rows] for run, rows in tested.items()}
    return Answers(
        "simulated",
        "simulated",
        "Simulated answers",
        False,
        0.0 if official else 3 / 14,
        found,
        values,
        rows=list(skills),
        kinds=dict.fromkeys(skills, "network") | dict.fromkeys(estimators, "estimator"),
        labels={run: label[rows] for run, rows in tested.items()} if len(shares) > 1 else {},
    )
