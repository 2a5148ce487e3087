"""The report as a command, and as a page in a real browser."""

import os
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from playwright.sync_api import sync_playwright

from tests.conftest import ROOT

PAGE = ROOT / "results/report.html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TABLES = ("emanet_table1", "adaptive_table1", "adaptive_figure8")


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

    def load(**how):
        page = browser.new_page(**how)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(PAGE.as_uri())
        return page

    yield load
    assert complaints == []
    assert {url for url in asked if not url.startswith("data:")} == {PAGE.as_uri()}


@pytest.mark.browser
@pytest.mark.parametrize("task", ["phantom", "breastmnist"])
@pytest.mark.parametrize("name", TABLES)
def test_the_numbers_are_those_of_the_tables(opened, name, task):
    table = pd.read_csv(ROOT / f"results/tasks/{task}/tables/{name}.csv")
    paper, place = ("Ramasubbu", "Table 1") if name.startswith("emanet") else ("Falih", "Figure 8")
    place = "Table 1" if name.endswith("table1") else place
    caption = opened().locator("caption").filter(has_text=re.compile(rf"^{paper}.*{place}.*, on {task}$"))
    rows = caption.locator("xpath=..").locator("tbody tr").all()
    assert [row.locator("th").inner_text() for row in rows] == list(table["system"])
    for row, (_, numbers) in zip(rows, table.iterrows(), strict=True):
        shown = row.locator("td").nth(2).inner_text().split("\n")[0]
        if pd.isna(numbers["accuracy"]):
            assert shown == "no evidence"
        else:
            mean, low, high = (100 * numbers[f"accuracy{end}"] for end in ("", "_low", "_high"))
            assert shown == f"{mean:.1f} [{low:.1f}, {high:.1f}]"


@pytest.mark.browser
def test_a_click_or_a_key_shows_how_a_number_was_made(opened):
    page = opened()
    number = page.locator("button[popovertarget=made-phantom-cnn]").first
    made = page.locator("#made-phantom-cnn")
    assert not made.is_visible()
    number.click()
    assert made.is_visible()
    assert "run-0/predictions.csv" in made.inner_text()
    page.keyboard.press("Escape")
    assert not made.is_visible()
    number.focus()
    page.keyboard.press("Enter")
    assert "python -m pipelines.verify --task phantom --model cnn" in made.inner_text()


@pytest.mark.browser
def test_claims_are_filtered_by_paper_and_verdict(opened):
    page = opened()
    audit = pd.read_csv(ROOT / "results/audit.csv").fillna({"verdict": "described"})
    shown = page.locator("#audit article:not([hidden])")
    assert shown.count() == len(audit)
    page.select_option("#by-paper", "emanet")
    assert shown.count() == (audit["paper"] == "emanet").sum()
    page.select_option("#by-verdict", "contradicted")
    both = (audit["paper"] == "emanet") & (audit["verdict"] == "contradicted")
    assert shown.count() == both.sum() > 0
    assert page.locator("#found").inner_text() == f"{both.sum()} of {len(audit)} claims"
    assert all(claim.is_visible() for claim in shown.all())
    page.locator('a[data-paper="adaptive"][data-verdict="inconsistent"]').click()
    assert shown.count() == ((audit["paper"] == "adaptive") & (audit["verdict"] == "inconsistent")).sum()


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(opened, width):
    page = opened(viewport={"width": width, "height": 800})
    page.locator("summary").evaluate_all("all => all.forEach(one => one.parentElement.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
def test_the_page_is_dark_where_the_reader_wants_it(opened):
    light, dark = (
        opened(color_scheme=scheme).evaluate(
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        )
        for scheme in ("light", "dark")
    )
    assert min(light) > 200
    assert max(dark) < 60


@pytest.mark.browser
def test_all_figures_have_pictures_and_words(opened):
    figures = opened().locator("figure img").evaluate_all("all => all.map(one => [one.naturalWidth, one.alt])")
    assert len(figures) > 20
    assert all(width > 0 and words for width, words in figures)


@pytest.mark.browser
def test_on_paper_the_page_has_its_tables_and_claims_and_nothing_to_click(opened):
    page = opened()
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert not page.locator("#by-paper").is_visible()
    assert page.locator("#audit article").first.is_visible()
    assert page.pdf()[:4] == b"%PDF"
