// The page: texts in, functions with their probabilities out. Built into one file with the package and two bundles.
const SLOW_TYPING_MS = 250;
const MOST_ROWS = 200;
const element = (id) => document.getElementById(id);

async function unpacked(base64, compressed) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  if (!compressed) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Functions of a text; a text without braces is taken as one.
function functionsOf(text) {
  const functions = cutBraces(text);
  if (functions.length || !text.trim()) return functions;
  return [{ name: "(the whole text)", text, startLine: 1, endLine: text.split("\n").length }];
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;

function made(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function functionButton(row, threshold, choose) {
  const button = made(
    "button",
    { type: "button", className: row.share > threshold ? "alarm" : "" },
    made("span", { className: "name", textContent: row.name }),
    made(
      "span",
      { className: "facts" },
      made("span", { textContent: `lines ${row.startLine}–${row.endLine}` }),
      made("span", { className: "share", textContent: percent(row.share) })
    ),
    made("meter", { min: 0, max: 1, value: row.share, ariaLabel: percent(row.share) })
  );
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => choose(button, row));
  return button;
}

function showLines(model, row) {
  const weights = lineWeights(model, row.text);
  const largest = Math.max(...weights.map(Math.abs), 1e-9);
  element("shown").textContent = `${row.name}: ${model.positive} ${percent(row.share)}`;
  const spans = row.text.split("\n").map((line, index) => {
    const span = made("span", { textContent: line, title: `${(100 * weights[index]).toFixed(1)} points` });
    const strength = Math.abs(weights[index]) / largest;
    const color = weights[index] > 0 ? "--mark" : "--relief";
    if (strength > 0.08) span.style.background = `rgba(var(${color}), ${(0.5 * strength).toFixed(3)})`;
    return span;
  });
  element("lines").replaceChildren(...spans);
  for (const id of ["shown", "lines", "legend"]) element(id).hidden = false;
}

function judge(model) {
  const started = performance.now();
  const functions = functionsOf(element("source").value);
  const column = model.labels.indexOf(model.positive);
  const rows = model.probabilities(functions.map(({ text }) => text)).map((row, index) => ({
    ...functions[index],
    share: row[column],
  }));
  rows.sort((a, b) => b.share - a.share);
  const spent = performance.now() - started;
  const choose = (button, row) => {
    for (const other of element("functions").querySelectorAll("button")) other.setAttribute("aria-pressed", other === button);
    showLines(model, row);
  };
  const buttons = rows.slice(0, MOST_ROWS).map((row) => functionButton(row, model.alertThreshold, choose));
  element("functions").replaceChildren(...buttons.map((button) => made("li", {}, button)));
  for (const id of ["shown", "lines", "legend"]) element(id).hidden = true;
  const alarms = rows.filter(({ share }) => share > model.alertThreshold).length;
  element("judge-status").textContent = rows.length
    ? `${rows.length} functions in ${spent.toFixed(1)} ms; ${alarms} above ${percent(model.alertThreshold)}.`
    : "No functions here yet.";
  buttons[0]?.click();
}

function compare(model) {
  const [left, right] = ["left", "right"].map((id) => functionsOf(element(id).value));
  const rows = [];
  if (left.length && right.length) {
    const [vectors, others] = [left, right].map((functions) => model.encode(functions.map(({ text }) => text)));
    for (const { first, second, probability } of model.neighbours(vectors, others, 3))
      if (probability > model.alertThreshold) rows.push([left[first], right[second], probability]);
  }
  rows.sort((a, b) => b[2] - a[2]);
  element("pairs").tBodies[0].replaceChildren(
    ...rows.slice(0, MOST_ROWS).map(([one, other, share]) =>
      made(
        "tr",
        {},
        ...[one, other].map(({ name, startLine, endLine }) =>
          made("td", { textContent: `${name}, lines ${startLine}–${endLine}` })
        ),
        made("td", { textContent: percent(share) })
      )
    )
  );
  element("pairs").hidden = !rows.length;
  element("clones-status").textContent = `${left.length} and ${right.length} functions, ${rows.length} pairs of clones.`;
}

// Calls `work` a moment after the last change of some text areas, which take dropped files too.
function watch(ids, work) {
  let timer;
  for (const id of ids) {
    const area = element(id);
    area.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(work, SLOW_TYPING_MS);
    });
    area.addEventListener("dragover", (event) => {
      event.preventDefault();
      area.classList.add("over");
    });
    area.addEventListener("dragleave", () => area.classList.remove("over"));
    area.addEventListener("drop", async (event) => {
      area.classList.remove("over");
      const file = event.dataTransfer.files[0];
      if (!file) return;
      event.preventDefault();
      area.value = await file.text();
      work();
    });
  }
  work();
}

function chooseTab(chosen) {
  for (const tab of document.querySelectorAll("[role=tab]")) {
    tab.setAttribute("aria-selected", tab === chosen);
    tab.tabIndex = tab === chosen ? 0 : -1;
    element(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
  }
  chosen.focus();
}

function watchTabs() {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  for (const tab of tabs) {
    tab.addEventListener("click", () => chooseTab(tab));
    tab.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (step) chooseTab(tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length]);
    });
  }
}

async function start() {
  watchTabs();
  const wasm = unpacked(hasSimd() ? ASSETS.simd : ASSETS.plain, true);
  element("source").value ||= EXAMPLES.source;
  element("left").value ||= EXAMPLES.left;
  element("right").value ||= EXAMPLES.right;
  const [students, encoders] = await Promise.all([
    load(await unpacked(ASSETS.judge), { wasm }),
    load(await unpacked(ASSETS.clones), { wasm }),
  ]);
  watch(["source"], () => judge(students));
  watch(["left", "right"], () => compare(encoders));
  document.documentElement.dataset.ready = "yes";
}

start().catch((error) => {
  for (const id of ["judge-status", "clones-status"]) element(id).textContent = `This browser cannot run it: ${error.message}`;
});
