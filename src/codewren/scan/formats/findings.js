"use strict";
(() => {
  const list = document.getElementById("findings");
  const form = document.getElementById("filters");
  if (!list || !form) return;
  const items = Array.from(list.children, (item, number) => {
    const details = item.firstElementChild;
    return {
      item, details, number,
      text: details.textContent.toLowerCase(),
      paths: Array.from(details.querySelectorAll(".path"), (path) => path.textContent),
      kind: details.dataset.kind,
      saved: Number(details.dataset.saved),
      probability: Number(details.dataset.probability),
    };
  });
  const cells = Array.from(document.querySelectorAll(".cell"));
  let folder = "";

  const orders = {
    saved: (a, b) => a.number - b.number,
    probability: (a, b) => b.probability - a.probability || a.number - b.number,
    path: (a, b) => (a.paths[0] < b.paths[0] ? -1 : a.paths[0] > b.paths[0] ? 1 : 0),
  };

  function inside(text) {
    const path = text.replaceAll("\\", "/");
    if (!folder.endsWith("*")) return path.startsWith(folder);
    return path.startsWith(folder.slice(0, -1)) && !path.slice(folder.length - 1).includes("/");
  }

  function show() {
    const data = new FormData(form);
    const text = String(data.get("text") || "").toLowerCase();
    const kinds = new Set(data.getAll("kind"));
    const least = Number(data.get("least") || 0);
    let shown = 0;
    for (const one of items) {
      const fits = (!one.kind || kinds.has(one.kind)) && one.saved >= least
        && (!text || one.text.includes(text)) && (!folder || one.paths.some(inside));
      one.item.hidden = !fits;
      shown += fits;
    }
    document.getElementById("shown").textContent =
      `${shown} of ${items.length} shown${folder ? ` in ${folder}` : ""}`;
  }

  function sort() {
    const order = orders[form.elements.order.value];
    for (const one of [...items].sort(order)) list.append(one.item);
  }

  function choose(cell) {
    const pressed = cell && cell.getAttribute("aria-pressed") !== "true";
    for (const other of cells) other.setAttribute("aria-pressed", String(other === cell && pressed));
    folder = pressed ? cell.dataset.folder : "";
    show();
  }

  for (const cell of cells) {
    cell.addEventListener("click", () => choose(cell));
    cell.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(cell); }
    });
  }
  form.addEventListener("input", show);
  form.elements.order.addEventListener("change", sort);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { choose(null); sort(); }));

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select")) return;
    if (event.key === "/") { event.preventDefault(); form.elements.text.focus(); return; }
    if (event.key !== "j" && event.key !== "k") return;
    const summaries = Array.from(list.querySelectorAll("li:not([hidden]) > details > summary"));
    const now = summaries.indexOf(document.activeElement);
    const next = summaries[event.key === "j" ? now + 1 : Math.max(0, now - 1)];
    if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
  });

  const folded = new Set();
  addEventListener("beforeprint", () => {
    for (const one of items) if (!one.details.open) { folded.add(one.details); one.details.open = true; }
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
    folded.clear();
  });

  form.hidden = false;
  show();
})();
