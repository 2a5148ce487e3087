"""The two sentences on a paper: each branch of the rules, over made-up records."""

import pytest

from benchmark.audit.papers import Paper
from benchmark.report.answer import answer

SOURCES = ("breastmnist", "brain-mri")


@pytest.fixture
def paper():
    return Paper.model_validate(
        {"name": "a_paper", "title": "A", "cite": "A (2026)", "proposed": "emanet", "margin": 0.02}
        | {"systems": {"CNN": "cnn", "ViT": "vit", "New": "emanet"}, "tables": {}}
    )


def gap(rival, value, verdict):
    return {"pair": ["emanet", rival], "gap": value, "low": value - 0.01, "high": value + 0.01, "verdict": verdict}


def on(task, verdict, *pairs, counted=True):
    shared = {"task": task, "source": task, "synthetic": task == "phantom", "counted": counted}
    return shared | {"verdict": verdict, "missing": [], "pairs": list(pairs)}


def order(rival, mean, verdict, *others, claimed=0.05):
    """A claim about one rival: the same gap on both sources and on their mean."""
    pair = gap(rival, mean, verdict)
    tasks = [on(task, verdict, pair) for task in SOURCES]
    return {
        "claim": f"a_paper/emanet-above-{rival}",
        "paper": "a_paper",
        "family": "headline",
        "kind": "order",
        "verdict": verdict,
        "claimed": {"gap": claimed},
        "numbers": {"tasks": [*tasks, *others], "mean": {"verdict": verdict, "pairs": [pair]}},
    }


def best(verdict, *by_source):
    pairs = (gap("cnn", 0.0, "inconclusive"), gap("vit", 0.0, "inconclusive"))
    tasks = [on(task, of_source, *pairs) for task, of_source in zip(SOURCES, by_source, strict=False)]
    shared = order("cnn", 0.0, verdict)
    return shared | {"claim": "a_paper/best", "kind": "best", "claimed": {}, "numbers": {"tasks": tasks}}


@pytest.fixture
def said(settings, paper):
    """Return a function that returns the answer in which models are called by their names."""
    named = {name: model.model_copy(update={"label": name}) for name, model in settings.models.items()}
    params = settings.model_copy(update={"models": named})
    return lambda *records: answer(params, paper, records)


@pytest.mark.parametrize(
    ("verdict", "by_source", "start"),
    [
        ("supported", ["supported", "supported"], "emanet is the most accurate of 3 models:"),
        ("contradicted", ["contradicted", "inconclusive"], "emanet is not the most accurate of 3 models:"),
        (
            "inconclusive",
            ["inconclusive"] * 2,
            "emanet is not shown to be the most accurate of 3 models on any of 2 sources",
        ),
        (
            "supported in part",
            ["supported", "inconclusive"],
            "emanet is shown to be the most accurate of 3 models on 1 of",
        ),
    ],
)
def test_the_first_sentence_begins_with_whether_it_is_the_best(said, verdict, by_source, start):
    assert said(best(verdict, *by_source), order("cnn", 0.0, "inconclusive"))[0].startswith(start)


def test_without_a_claim_to_be_the_best_it_says_how_far_it_is(said):
    assert said(order("cnn", 0.03, "supported"))[0].startswith("emanet: on average over 2 sources it is 3.0")


@pytest.mark.parametrize(
    ("value", "verdict", "text"),
    [
        (-0.042, "contradicted", "it is 4.2 points below cnn [−5.2, −3.2]; the paper claims 5.0 points above."),
        (0.031, "supported", "it is 3.1 points above cnn [+2.1, +4.1]; the paper claims 5.0 points above."),
        (-0.003, "inconclusive", "it is 0.3 points below cnn [−1.3, +0.7], which may be chance; the paper"),
        (0.001, "no difference", "it is 0.1 points above cnn [−0.9, +1.1], too little to count; the paper"),
    ],
)
def test_the_first_sentence_ends_with_the_distance_to_the_first_rival(said, value, verdict, text):
    assert text in said(order("cnn", value, verdict), order("vit", 0.2, "supported"))[0]


def test_a_rival_without_a_printed_number_has_no_claimed_gap(said):
    assert said(order("cnn", 0.1, "supported", claimed=None))[0].endswith("above cnn [+9.0, +11.0].")


@pytest.mark.parametrize(
    ("verdicts", "text"),
    [
        (("supported", "supported"), "It is shown to be more accurate than 2 of 2 rivals (cnn and vit)."),
        (("inconclusive", "supported"), "It is shown to be more accurate than 1 of 2 rivals (vit)."),
        (("inconclusive", "no difference"), "It is shown to be more accurate than none of 2 rivals."),
    ],
)
def test_the_second_sentence_says_what_holds(said, verdicts, text):
    assert said(order("cnn", 0.1, verdicts[0]), order("vit", 0.1, verdicts[1]))[1] == text


def test_the_biggest_but_is_where_it_falls_most_behind_on_what_is_not_counted(said):
    own = on("brain-mri-official", "contradicted", gap("cnn", -0.1, "contradicted"), counted=False)
    worse = on("brain-mri-official", "contradicted", gap("vit", -0.2, "contradicted"), counted=False)
    sentence = said(order("cnn", 0.0, "inconclusive", own), order("vit", 0.1, "supported", worse))[1]
    assert sentence.endswith(
        ", but on brain-mri-official, the source's own split, it is 20.0 points below vit [−21.0, −19.0]."
    )


def test_a_task_of_another_size_is_called_not_counted(said):
    other = on("brain-mri-224", "contradicted", gap("cnn", -0.1, "contradicted"), counted=False)
    assert "on brain-mri-224, which is not counted, it is" in said(order("cnn", 0.0, "inconclusive", other))[1]


def test_else_it_is_one_source_by_itself(said):
    alone = on("chestxray", "contradicted", gap("cnn", -0.03, "contradicted"))
    assert "but on chestxray, by itself, it is 3.0 points below" in said(order("cnn", 0.0, "inconclusive", alone))[1]


def test_a_source_that_only_agrees_with_the_verdict_is_no_but(said):
    assert "but" not in said(order("cnn", -0.04, "contradicted"))[1]


def test_the_reading_that_changes_most_verdicts_is_named(said):
    entry = {"reading": "emanet_literal", "verdict": "contradicted", "chosen": "supported", "sources": ["brain-mri"]}
    sentence = said(order("cnn", 0.1, "supported") | {"readings": [entry]})[1]
    assert sentence.endswith(
        "; another reading of the paper (emanet_literal), judged on brain-mri alone, gives 1 of 1 claims about "
        "accuracy another verdict there."
    )


def test_synthetic_images_say_nothing(said):
    record = order("cnn", 0.1, "supported")
    record["numbers"] = {"tasks": [on("phantom", "supported", gap("cnn", 0.1, "supported"), counted=False)]}
    assert said(record) == ["emanet: no evidence on real images yet."]


def test_one_source_alone_is_named(said):
    record = order("cnn", 0.1, "supported")
    record["numbers"] = {"tasks": [on("brain-mri", "supported", gap("cnn", 0.1, "supported"))]}
    sentences = said(record)
    assert sentences[0].startswith("emanet: on brain-mri it is 10.0 points above cnn")
    assert sentences[1] == "It is shown to be more accurate than its one rival (cnn)."


def test_the_best_on_one_source_alone_counts_no_sources(said):
    record = best("inconclusive", "inconclusive")
    assert " on the one source of images: " in said(record, order("cnn", 0.0, "inconclusive"))[0]


def test_claims_about_one_rival_on_single_tasks_are_all_heard(said):
    claims = []
    for task, value, verdict in (("breastmnist", 0.01, "inconclusive"), ("brain-mri", -0.1, "contradicted")):
        numbers = {"tasks": [on(task, verdict, gap("cnn", value, verdict))]}
        claims.append(order("cnn", value, verdict) | {"claim": f"a_paper/{task}/above-cnn", "numbers": numbers})
    sentences = said(*claims)
    assert "it is 1.0 points above cnn" in sentences[0]
    assert "but on brain-mri, by itself, it is 10.0 points below cnn" in sentences[1]


def test_without_records_or_without_a_proposed_model_nothing_is_said(said, settings, paper):
    assert said() == []
    assert answer(settings, paper.model_copy(update={"proposed": None}), []) == []
