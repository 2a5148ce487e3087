"""The report as a command, and as a page in a real browser."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from benchmark import evidence
from benchmark.audit.papers import load
from benchmark.audit.points import points
from benchmark.report import result_table
from benchmark.report.answer import answer
from benchmark.report.tables import LARGEST_CLASS
from tests.conftest import ROOT

PAGE = ROOT / "results/report.html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def test_the_report_is_made_from_what_there_is(small, command, workplace):
    status, told, _ = command("report")
    assert status == 0
    assert "results/report.html" in told
    assert "There is no audit yet" in (workplace / "results/report.html").read_text(encoding="utf-8")


def test_a_broken_audit_is_named(small, command, workplace):
    (workplace / "results").mkdir(exist_ok=True)
    (workplace / "results/audit.json").write_text("[1,", encoding="utf-8")
    status, _, told = command("report")
    assert status == 2
    assert told.startswith("error: results/audit.json: line 1:")
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "needless"),
    [
        ("tables", ("torch", "sklearn", "matplotlib", "jinja2")),
        ("docs", ("torch", "sklearn", "matplotlib", "jinja2")),
        ("report", ("torch", "sklearn")),
    ],
)
def test_a_command_imports_what_it_needs_alone(command, needless, workplace, small):
    code = (
        f"import runpy, sys\nsys.argv[1:] = {['--task', 'phantom'] if command == 'tables' else []}\n"
        f"try:\n    runpy.run_module('pipelines.{command}', run_name='__main__')\nfinally:\n"
        f"    print(*(name for name in {needless} if name in sys.modules), 'end', file=sys.stderr)"
    )
    shutil.copytree(ROOT / "docs", workplace / "docs")
    shutil.copy(ROOT / "README.md", workplace)
    evidence.replace_text(workplace / "results/audit.json", "[]\n")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run([sys.executable, "-c", code], env=environment, check=False, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "end\n")


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert path, f"no browser here; one of {', '.join(BROWSERS)} must be installed"
    with sync_playwright() as playwright:
        root = os.geteuid() == 0  # whom Chromium's sandbox does not serve
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if root else [])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser):
    """Return a function that opens the committed page; nothing may be asked for or complained of until the end."""
    complaints, asked = [], []

    def load(address="", **how):
        page = browser.new_page(**how)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(PAGE.as_uri() + address)
        return page

    yield load
    assert complaints == []
    assert {url.partition("#")[0] for url in asked if not url.startswith("data:")} == {PAGE.as_uri()}


SIZES = {"desk": (1440, 900), "tablet": (820, 1180), "phone": (390, 844)}
MOST_BYTES, MOST_ELEMENTS, MOST_PAGES = 2_500_000, 15_000, 15
EVERY_CLAIM = "all => all.map(one => [one.id, one.querySelector('summary').getBoundingClientRect().height])"


def sized(name):
    width, height = SIZES[name]
    return {"viewport": {"width": width, "height": height}}


def all_papers():
    """Return the committed papers, whatever the folder that tests run in."""
    return [load(path) for path in sorted((ROOT / "papers").glob("*.yaml"))]


def audit():
    return pd.read_csv(ROOT / "results/audit.csv").fillna({"verdict": "described", "family": ""})


def pages(pdf):
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


@pytest.mark.browser
@pytest.mark.parametrize("size", ["desk", "phone"])
def test_the_first_screen_answers_for_each_paper_with_a_number(opened, settings, size):
    page = opened(**sized(size))
    records = evidence.read_json(ROOT / "results/audit.json", list)
    proposing = [paper for paper in all_papers() if paper.proposed]
    assert page.locator(".answer").count() == len(proposing) >= 2
    assert page.locator("h1").inner_text().endswith("?")
    for paper in proposing:
        for sentence in answer(settings, paper, records):
            shown = page.get_by_text(sentence, exact=True)
            assert shown.bounding_box()["y"] + shown.bounding_box()["height"] <= SIZES[size][1]
            assert re.search(r"\d", sentence)


@pytest.mark.browser
def test_the_matrix_begins_on_the_first_screen(opened):
    page = opened(**sized("desk"))
    cell = page.locator(".matrix").first.locator("tbody tr").first
    assert cell.bounding_box()["y"] + cell.bounding_box()["height"] < SIZES["desk"][1]


@pytest.mark.browser
def test_a_cell_of_the_matrix_opens_its_numbers_runs_and_command(opened):
    page = opened()
    cell = page.locator(".matrix a[data-task='brain-mri-official']").first
    gap = cell.locator("b").inner_text()
    cell.click()
    behind = page.locator("#behind")
    assert gap in behind.inner_text()
    assert behind.get_by_role("link", name="predictions.csv").count() >= 6
    assert "python -m pipelines.verify --task brain-mri-official --model" in behind.inner_text()
    page.keyboard.press("Escape")
    assert not behind.is_visible()
    cell.focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="The whole claim").click()
    assert page.locator(".claim:target[open]").is_visible()


@pytest.mark.browser
@pytest.mark.parametrize("task", ["phantom", "breastmnist"])
def test_the_numbers_are_those_of_the_tables(opened, task):
    rows = result_table.read(ROOT / f"results/tasks/{task}/tables/models.json").rows
    made = pd.DataFrame(rows).set_index("model")
    table = opened().locator(f"table[data-task='{task}']")
    shown = table.locator("tr[data-model]").evaluate_all(
        "all => all.map(one => [one.dataset.model, one.cells[2].innerText.split('\\n')[0].trim()])"
    )
    assert {model for model, _ in shown} == {*made.index, LARGEST_CLASS}
    for model, text in shown:
        if model in made.index:
            mean, low, high = (100 * made.loc[model, f"accuracy{end}"] for end in ("", "_low", "_high"))
            assert text == f"{mean:.1f} [{low:.1f}, {high:.1f}]"
    assert table.locator("tfoot tr").evaluate_all("all => all.map(one => one.dataset.model)") == [
        "one_nn",
        LARGEST_CLASS,
    ]


@pytest.mark.browser
def test_a_click_or_a_key_shows_how_a_number_was_made(opened):
    page = opened()
    row = page.locator("table[data-task=phantom] tr[data-model=cnn]")
    recall = row.locator("td").nth(2)
    number = recall.inner_text()
    recall.click()
    behind = page.locator("#behind")
    assert re.search(rf"Recall of .*: {number} \[[\d.]+, [\d.]+\]", behind.inner_text())
    files = behind.get_by_role("link").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert "tasks/phantom/runs/cnn/run-0/predictions.csv" in files
    assert not any("masks.csv" in file for file in files)
    assert all((ROOT / "results" / file).exists() for file in files)
    page.keyboard.press("Escape")
    assert not behind.is_visible()
    row.get_by_role("link", name="CNN").focus()
    page.keyboard.press("Enter")
    assert "python -m pipelines.verify --task phantom --model cnn" in behind.inner_text()


@pytest.mark.browser
def test_a_table_is_sorted_and_its_columns_are_chosen(opened):
    page = opened()
    table = page.locator("table[data-task=breastmnist]")
    head = table.locator("th[data-field=accuracy]")
    values = "all => all.map(one => parseFloat(one.cells[2].innerText))"
    head.get_by_role("button").click()
    descending = table.locator("tbody tr").evaluate_all(values)
    assert descending == sorted(descending, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    head.get_by_role("button").click()
    ascending = table.locator("tbody tr").evaluate_all(values)
    assert ascending == sorted(ascending) == descending[::-1]
    best_epochs = table.locator("th[data-field=best_epochs]")
    assert not best_epochs.is_visible()
    chooser = page.locator(".columns", has=page.locator("summary")).first
    chooser.locator("summary").click()
    chooser.get_by_label("Best epoch of each run").check()
    assert best_epochs.is_visible()


@pytest.mark.browser
def test_two_models_are_compared_image_by_image(opened):
    folder = ROOT / "results/tasks/brain-mri-official/runs"
    right = {}
    for model in ("adaptive", "cnn"):
        of_runs = [pd.read_csv(path) for path in sorted((folder / model).glob("run-*/predictions.csv"))]
        right[model] = [run[[f"p{c}" for c in range(4)]].to_numpy().argmax(1) == run["label"] for run in of_runs]
    pairs = [zip(one, other, strict=True) for one, other in zip(right["adaptive"], right["cnn"], strict=True)]
    counts = Counter(pair for run in pairs for pair in run)
    page = opened("#compare?task=brain-mri-official&a=adaptive&b=cnn")
    compared = page.locator("#compared")
    cells = compared.locator("tbody td").all_inner_texts()
    assert cells == [str(counts[pair]) for pair in ((True, True), (True, False), (False, True), (False, False))]
    records = evidence.read_json(ROOT / "results/audit.json", list)
    claim = next(one for one in records if one["claim"].endswith("accuracy/adaptive-above-cnn"))
    task = next(one for one in claim["numbers"]["tasks"] if one["task"] == "brain-mri-official")
    gap, low, high = (points(task["pairs"][0][key]) for key in ("gap", "low", "high"))
    assert f"Adaptive hybrid − CNN: {gap} points of accuracy [{low}, {high}]" in compared.inner_text()
    only = compared.locator("details").first
    only.locator("summary").click()
    assert only.locator("li").count() == counts[True, False] > 0
    page.select_option("#compare-a", "cnn")
    page.select_option("#compare-b", "adaptive")
    assert f"{points(-task['pairs'][0]['gap'])} points" in compared.inner_text()
    assert page.url.endswith("#compare?task=brain-mri-official&a=cnn&b=adaptive")


@pytest.mark.browser
def test_claims_are_filtered_searched_and_sorted_and_the_address_keeps_it(opened):
    page, claims = opened(), audit()
    shown, found = page.locator(".claim:not([hidden])"), page.locator("#found")
    assert shown.count() == len(claims)
    page.select_option("#by-paper", "emanet")
    page.select_option("#by-verdict", "contradicted")
    both = (claims["paper"] == "emanet") & (claims["verdict"] == "contradicted")
    assert found.inner_text() == f"{both.sum()} of {len(claims)} claims"
    page.select_option("#by-order", "number")
    page.fill("#by-text", "accuracy")
    numbers = shown.locator(".num").all_inner_texts()
    values = [float(text.split()[0].replace("−", "-")) for text in numbers]
    assert values == sorted(values)
    address = page.url
    assert address.endswith("#claims?q=accuracy&paper=emanet&verdict=contradicted&sort=number")
    sent = opened(address[address.index("#") :])
    assert sent.locator(".claim:not([hidden]) .num").all_inner_texts() == numbers
    page.click("#all")
    assert shown.count() == len(claims)


@pytest.mark.browser
def test_no_choice_of_a_filter_is_empty(opened):
    page = opened("#claims?paper=adaptive")
    for select in ("#by-verdict", "#by-kind"):
        options = page.locator(f"{select} option:not([disabled])").evaluate_all("all => all.map(one => one.value)")
        assert len(options) > 2
        for option in options:
            page.select_option(select, option)
            assert page.locator(".claim:not([hidden])").count() > 0, option
        page.select_option(select, "")


@pytest.mark.browser
def test_a_link_to_a_claim_that_a_filter_hides_opens_it(opened):
    page = opened("#claims?paper=adaptive")
    claim = page.locator("#claim-emanet-best-accuracy")
    assert not claim.is_visible()
    page.evaluate("location.hash = '#claim-emanet-best-accuracy'")
    claim.locator("table").wait_for()
    top = claim.bounding_box()["y"]
    assert page.locator("nav").bounding_box()["height"] <= top < 200  # below the bar, not under it
    assert page.locator("#found").inner_text() == f"{len(audit())} of {len(audit())} claims"


@pytest.mark.browser
@pytest.mark.parametrize("everything", [False, True])
def test_every_claim_is_on_paper(opened, everything):
    page = opened("#claims?paper=emanet&verdict=contradicted")
    page.locator("#print-all").set_checked(everything)
    page.emulate_media(media="print")
    lines = page.locator(".claim").evaluate_all(EVERY_CLAIM)
    assert len(lines) == len(audit())
    assert all(height > 5 for _, height in lines)
    assert page.locator("#results").is_visible() == everything
    assert page.locator("#claim-emanet-best-accuracy table").is_visible() == everything
    assert not page.locator("nav").is_visible()
    assert not page.locator("#filters").is_visible()
    assert (pages(page.pdf(prefer_css_page_size=True)) <= MOST_PAGES) == (not everything)


@pytest.mark.browser
def test_the_page_is_small(opened):
    page = opened()
    assert PAGE.stat().st_size <= MOST_BYTES
    assert page.evaluate("document.querySelectorAll('*').length") <= MOST_ELEMENTS


@pytest.mark.browser
def test_every_link_to_a_file_leads_to_one(opened):
    links = opened().locator("a[href]").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    files = {link for link in links if not link.startswith("#")}
    assert len(files) > 300
    assert [file for file in files if not (PAGE.parent / file).is_file()] == []


@pytest.mark.browser
@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_screen(opened, size):
    page = opened(**sized(size))
    page.locator("summary").evaluate_all("all => all.forEach(one => one.parentElement.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]


@pytest.mark.browser
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opened, size, scheme):
    page = opened(color_scheme=scheme, **sized(size))
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") == (scheme == "dark")
    page.locator(".claim").evaluate_all("all => all.slice(0, 20).forEach(one => one.open = true)")
    page.locator(".matrix a[data-task]").first.click()
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found] == []


@pytest.mark.browser
def test_no_two_elements_have_one_id(opened):
    ids = opened().locator("[id]").evaluate_all("all => all.map(one => one.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.browser
def test_figures_have_pictures_and_words_of_their_own(opened):
    figures = opened().locator("img").evaluate_all("all => all.map(one => [one.complete && one.naturalWidth, one.alt])")
    assert len(figures) > 10
    words = [alt for _, alt in figures]
    assert all(len(alt) > 20 for alt in words)
    assert len(words) == len(set(words))


@pytest.mark.browser
def test_without_scripts_everything_can_be_read_and_nothing_pretends_to_work(browser):
    page = browser.new_page(java_script_enabled=False)
    page.goto(PAGE.as_uri())
    assert page.locator(".claim").count() == len(audit())
    assert page.locator("#filters").is_hidden()
    assert page.locator("#compare").is_hidden()
    assert page.locator("button:visible").count() == 0
    claim = page.locator("#claim-emanet-best-accuracy")
    claim.locator("summary").click()
    assert claim.locator("table").is_visible()
    assert page.locator("table[data-task=phantom] th").first.inner_text() == "Model"
