"use strict";
const find = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
let content;
const data = () => (content ??= JSON.parse(find("data").textContent));

function make(tag, text = "", attributes = {}) {
  const element = document.createElement(tag);
  element.append(text);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function table(caption, headings, rows) {
  const made = make("table"), head = make("tr"), body = make("tbody");
  if (caption) made.append(make("caption", caption));
  for (const heading of headings) head.append(make("th", heading, { scope: "col" }));
  head.hidden = !headings.some(Boolean);
  for (const row of rows) {
    const line = make("tr");
    row.forEach((cell, place) => line.append(make(place ? "td" : "th", cell, place ? {} : { scope: "row" })));
    body.append(line);
  }
  const top = make("thead");
  top.append(head);
  made.append(top, body);
  const region = make("div", made, { class: "scroll", tabindex: "0", role: "region", "aria-label": caption || "Table" });
  return region;
}

function command(text) {
  const line = make("div", make("code", text), { class: "command" }), button = make("button", "Copy", { type: "button" });
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(line.firstChild);
      button.textContent = "Selected";
    }
  });
  line.append(button);
  return line;
}

// What is behind a number

function runsOf(task, model) {
  const { measures, files, commits, tasks, labels } = data(), known = tasks[task]?.models[model];
  if (!known) return [make("p", `${labels[model] ?? model} has no run on ${task}.`)];
  const shown = measures.map(([, heading, unit]) => heading + (unit ? ` (${unit})` : ""));
  const rows = known.runs.map(([run, values, , commit, day]) => [
    `run ${run}`,
    ...values.map((value, place) => (value === null ? "" : (value * measures[place][3]).toFixed(measures[place][4]))),
    `${commits[commit].slice(0, 10)}${commits[commit].includes("+") ? "+changes" : ""}, ${day}`,
  ]);
  const parts = [table(`${labels[model]} on ${task}: its runs`, ["run", ...shown, "commit, day"], rows)];
  const list = make("ul");
  for (const [run, , present] of known.runs) {
    const item = make("li", `run ${run}: `);
    present.forEach((place, index) => {
      const path = `tasks/${task}/runs/${model}/run-${run}/${files[place]}`;
      item.append(index ? ", " : "", make("a", files[place], { href: path }));
    });
    list.append(item);
  }
  if (known.costs.length) {
    const item = make("li", "costs: ");
    known.costs.forEach((path, index) => item.append(index ? ", " : "", make("a", path, { href: path })));
    list.append(item);
  }
  return [...parts, list, command(`python -m pipelines.verify --task ${task} --model ${model}`)];
}

function show(title, ...parts) {
  find("behind-title").textContent = title;
  find("behind-body").replaceChildren(...parts);
  find("behind").showModal();
}

function showRow(row, cell) {
  const { task } = row.closest("table").dataset, { model } = row.dataset, name = row.cells[0].querySelector("a")?.textContent ?? row.cells[0].textContent;
  const heads = all("thead th", row.closest("table")).map((head) => head.textContent);
  const text = (one) => `${one.textContent.trim()} ${one.title}`.trim(), place = cell?.cellIndex ?? 0;
  const number = place ? [make("p", make("b", `${heads[place]}: ${text(cell)}`))] : [];
  const means = [...row.cells].slice(1).map((one) => [heads[one.cellIndex], text(one)]).filter(([, value]) => value);
  show(`${name} on ${task}`, ...number, ...runsOf(task, model), table("The whole row, means [95 % interval]", ["", ""], means));
}

for (const row of all(".results tr[data-model]")) {
  row.addEventListener("click", (event) => {
    if (event.target.closest(".note, .printed a") || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    showRow(row, event.target.closest("td"));
  });
}

for (const cell of all(".matrix a[data-task]")) {
  cell.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const row = cell.closest("tr"), { task } = cell.dataset;
    const claim = find(cell.hash.slice(1)), line = all("tbody tr", claim).find((one) => one.cells[0].textContent.split(",")[0] === task);
    const head = all("thead th", claim).map((one) => one.textContent);
    const numbers = line ? [table("", head, [[...line.cells].map((one) => one.textContent)])] : [];
    const link = make("p", make("a", "The whole claim", { href: cell.hash }));
    link.firstChild.addEventListener("click", () => find("behind").close());
    const models = row.dataset.models.split(" ").filter(Boolean);
    show(`${claim.querySelector(".says").textContent}, on ${task}`, ...numbers, link, ...models.flatMap((model) => runsOf(task, model)));
  });
}
find("behind-close").addEventListener("click", () => find("behind").close());
find("behind").addEventListener("click", (event) => event.target === find("behind") && find("behind").close());

// Tables of results: sorting and choice of columns

function sortBy(body, place, descending) {
  const value = (row) => parseFloat(row.cells[place].textContent.replace(/,/g, "").replace("−", "-"));
  const text = (row) => row.cells[place].textContent;
  const rows = [...body.rows].sort((one, other) => {
    const [a, b] = [value(one), value(other)];
    if (place && (isNaN(a) || isNaN(b))) return isNaN(a) - isNaN(b);
    return (place ? a - b : text(one).localeCompare(text(other))) * (descending ? -1 : 1);
  });
  body.append(...rows);
}

for (const one of all(".results")) {
  const heads = all("thead th", one), chooser = make("details", make("summary", "Columns"), { class: "columns" });
  const boxes = heads.slice(1).map((head, place) => {
    const box = make("input", "", { type: "checkbox" });
    const apply = () => { for (const row of one.rows) row.cells[place + 1].hidden = !box.checked; };
    box.checked = !("hide" in head.dataset);
    box.addEventListener("change", apply);
    apply();
    return [box, head.textContent];
  });
  const fill = () => chooser.append(...boxes.map(([box, text]) => { const label = make("label", box); label.append(` ${text}`); return label; }));
  chooser.addEventListener("toggle", fill, { once: true });
  heads.forEach((head, place) => {
    const button = make("button", head.textContent, { type: "button" });
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") !== "descending" && place > 0 || head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      sortBy(one.tBodies[0], place, descending);
    });
  });
  one.parentElement.before(chooser);
}

// Two models, image by image

const bits = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const isRight = (bytes, image) => (bytes[image >> 3] >> (7 - (image & 7))) & 1;
const tenth = (value) => (value / 10).toFixed(1).replace("-", "−").replace("−0.0", "0.0");
const signed = (value) => (value > 0 ? "+" : "") + tenth(value);

function gapOf(task, first, second) {
  const count = task.order.length, [i, j] = [task.order.indexOf(first), task.order.indexOf(second)].sort((a, b) => a - b);
  const gap = task.gaps[i * count - (i * (i + 1)) / 2 + (j - i - 1)];
  if (!gap) return null;
  return task.order[i] === first ? gap : [-gap[0], -gap[2], -gap[1]];
}

function compare() {
  const name = find("compare-task").value, task = data().tasks[name], { labels } = data();
  const [a, b] = ["compare-a", "compare-b"].map((id) => find(id).value);
  if (a === b) return find("compared").replaceChildren(make("p", "Two different models can be compared."));
  const counts = [0, 0, 0, 0], only = [[], []], runs = new Map(task.models[b].runs.map((run) => [run[0], run[6]]));
  let tests = 0;
  for (const [run, , , , , , right] of task.models[a].runs) {
    if (!right || !runs.get(run)) continue;
    const { ids, labels: classes } = task.lists[task.images[run]], [one, other] = [bits(right), bits(runs.get(run))];
    tests += 1;
    ids.forEach((id, image) => {
      const place = 2 * !isRight(one, image) + !isRight(other, image);
      counts[place] += 1;
      if (place === 1 || place === 2) only[place - 1].push(`${id} (${task.classes[classes[image]] ?? classes[image]}, run ${run})`);
    });
  }
  const gap = gapOf(task, a, b), [first, second] = [labels[a], labels[b]];
  const said = gap ? `${first} − ${second}: ${signed(gap[0])} points of accuracy [${signed(gap[1])}, ${signed(gap[2])}], 95 %, unadjusted` : "No interval: fewer than two runs in common";
  const parts = [
    make("p", make("b", `${said}; ${tests} runs, ${counts.reduce((sum, count) => sum + count, 0)} answers.`)),
    table("Answers of both, all runs together", ["answers", `${second} right`, `${second} wrong`], [[`${first} right`, String(counts[0]), String(counts[1])], [`${first} wrong`, String(counts[2]), String(counts[3])]]),
  ];
  only.forEach((images, place) => {
    const list = make("ul", "", { class: "images" }), part = make("details", make("summary", `Answers that only ${place ? second : first} has right: ${images.length}`));
    part.addEventListener("toggle", () => list.children.length || list.append(...images.map((image) => make("li", image))), { once: true });
    part.append(list);
    parts.push(part);
  });
  find("compared").replaceChildren(...parts);
}

function fillModels() {
  const task = data().tasks[find("compare-task").value];
  for (const [place, id] of ["compare-a", "compare-b"].entries()) {
    const select = find(id), chosen = select.value;
    select.replaceChildren(...task.order.map((model) => make("option", data().labels[model] ?? model, { value: model })));
    select.value = task.order.includes(chosen) ? chosen : task.order[place] ?? task.order[0];
  }
}

function openCompare(chosen = {}) {
  const names = Object.keys(data().tasks).filter((name) => data().tasks[name].order.length > 1);
  find("compare").hidden = !names.length;
  if (!names.length) return;
  if (!find("compare-task").options.length) find("compare-task").append(...names.map((name) => make("option", name)));
  if (names.includes(chosen.task)) find("compare-task").value = chosen.task;
  fillModels();
  if (chosen.a) find("compare-a").value = chosen.a;
  if (chosen.b) find("compare-b").value = chosen.b;
  compare();
}
for (const id of ["compare-task", "compare-a", "compare-b"]) {
  find(id).addEventListener("change", () => {
    if (id === "compare-task") fillModels();
    compare();
    keep("compare", { task: find("compare-task").value, a: find("compare-a").value, b: find("compare-b").value });
  });
}

// Claims: filters in the address

const claims = all(".claim"), list = find("claim-list");
const FILTERS = { q: "by-text", paper: "by-paper", kind: "by-kind", verdict: "by-verdict", sort: "by-order" };
const chosen = () => Object.fromEntries(Object.entries(FILTERS).map(([name, id]) => [name, find(id).value]));

function keep(part, values) {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value)).toString();
  history.replaceState(null, "", `#${part}${query ? `?${query}` : ""}`);
}

function matches(claim, { q, paper, kind, verdict }) {
  const { dataset } = claim, words = q.toLowerCase().split(/\s+/).filter(Boolean);
  if ((paper && paper !== dataset.paper) || (kind && kind !== dataset.kind) || (verdict && verdict !== dataset.verdict)) return false;
  const text = words.length ? `${claim.id} ${claim.textContent}`.toLowerCase() : "";
  return words.every((word) => text.includes(word));
}

const number = (claim) => { const value = parseFloat(claim.querySelector(".num").textContent.replace("−", "-")); return isNaN(value) ? Infinity : value; };
const verdicts = [...find("by-verdict").options].map((option) => option.value);
const ORDERS = {
  "": (one, other) => claims.indexOf(one) - claims.indexOf(other),
  verdict: (one, other) => verdicts.indexOf(one.dataset.verdict) - verdicts.indexOf(other.dataset.verdict),
  number: (one, other) => { const [a, b] = [number(one), number(other)]; return a === b ? 0 : a - b; },
  says: (one, other) => one.querySelector(".says").textContent.localeCompare(other.querySelector(".says").textContent),
};

function filter() {
  const values = chosen();
  for (const claim of claims) claim.hidden = !matches(claim, values);
  list.append(...[...claims].sort(ORDERS[values.sort] ?? ORDERS[""]));
  for (const name of ["paper", "kind", "verdict"])
    for (const option of find(FILTERS[name]).options)
      option.disabled = Boolean(option.value) && !claims.some((claim) => matches(claim, { ...values, [name]: option.value }));
  find("found").textContent = `${claims.filter((claim) => !claim.hidden).length} of ${claims.length} claims`;
}

function choose(values) {
  for (const [name, id] of Object.entries(FILTERS)) find(id).value = values[name] ?? "";
  filter();
}
for (const id of Object.values(FILTERS)) find(id).addEventListener("input", () => { filter(); keep("claims", chosen()); });
find("all").addEventListener("click", () => { choose({}); keep("claims", {}); });
find("filters").addEventListener("submit", (event) => event.preventDefault());

function followAddress() {
  const [part, query] = decodeURI(location.hash.slice(1)).split("?"), target = find(part);
  const values = Object.fromEntries(new URLSearchParams(query));
  if (part === "claims" && query !== undefined) {
    choose(values);
    find("claims").scrollIntoView();
  } else if (part === "compare" && query !== undefined) {
    openCompare(values);
    find("compare").scrollIntoView();
  } else if (target?.classList.contains("claim")) {
    if (target.hidden) choose({});
    target.open = true;
    target.scrollIntoView();
  }
}
find("filters").hidden = false;
filter();
openCompare();
followAddress();
addEventListener("hashchange", followAddress);
