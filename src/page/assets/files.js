// The table of all files: only the rows in view are in the document.

let showFiles = () => {};

function fileTable() {
  if (!F.n) return null;
  const phone = window.matchMedia("(max-width: 640px)");
  const columns = [
    { id: "path", title: "Path", value: (i) => i, text: null },
    isDiff && { id: "change", title: "Change", value: (i) => F.changes[i], text: (i) => changeName(F.changes[i]) },
    isDiff && { id: "before", title: "Before", num: true, value: (i) => F.before[i], text: (i) => (F.before[i] < 0 ? "\u2013" : bytes(F.before[i])) },
    { id: "size", title: isDiff ? "After" : "Size", num: true, value: (i) => F.sizes[i], text: (i) => (F.sizes[i] < 0 ? "\u2013" : bytes(F.sizes[i])) },
    isDiff && { id: "delta", title: "Difference", num: true, value: difference, text: (i) => (difference(i) ? delta(difference(i)) : "") },
    data.layers.length && { id: "layer", title: "Layer", num: true, value: layerOf, text: (i) => (F.layers[i] >= 0 && F.beforeLayers[i] >= 0 ? layerName(F.beforeLayers[i]) + " \u2192 " : "") + layerName(layerOf(i)) },
    data.kinds.length && { id: "kind", title: "Kind", value: ranking(F.kinds, kindName), text: (i) => (F.kinds[i] < 0 ? "" : kindName(F.kinds[i])) },
    data.packages.length && { id: "package", title: "Package", value: ranking(F.packages, packageName), text: (i) => (F.packages[i] < 0 ? "" : packageName(F.packages[i])) },
    data.verdicts.some((v) => v.risk) && { id: "risk", title: "Risk", value: (i) => Object.keys(RISKS).indexOf(riskOf(i)), text: (i) => show(riskOf(i)), tone: (i) => (RISKS[riskOf(i)] ? "risk-" + riskOf(i) : "") },
    data.verdicts.length && { id: "verdict", title: data.profile ? "With " + data.profile : "Verdict", value: ranking(F.verdicts, verdictName), text: (i) => verdictName(F.verdicts[i]), tone: (i) => (data.verdicts[F.verdicts[i]] ? "fate " + fateOf(i) : "") },
  ].filter(Boolean);
  const state = { sort: isDiff ? "delta" : "size", down: true, words: [], filters: {}, only: null, active: 0 };

  function difference(i) {
    return Math.max(0, F.sizes[i]) - Math.max(0, F.before[i]);
  }

  /** Sorts numbers that stand for names by those. */
  function ranking(column, name) {
    let ranks = null;
    return (i) => {
      if (!ranks) {
        const all = [...new Set(column)].sort((a, b) => (name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : 0));
        ranks = new Map(all.map((n, rank) => [n, rank]));
      }
      return ranks.get(column[i]);
    };
  }

  const search = el("input", { type: "search", id: "search", placeholder: "Search paths", autocomplete: "off", spellcheck: "false", "aria-label": "Search paths", "aria-describedby": "files-sum" });
  const status = el("p", { id: "files-sum", class: "sum", role: "status" });
  const chip = el("button", { type: "button", class: "toggle", hidden: true });
  const filter = (id, title, keys, name, column) => {
    if (keys.length < 2) return null;
    const select = el("select", { id: "filter-" + id }, el("option", { value: "" }, "all"), keys.map(({ key, n }) => el("option", { value: String(key) }, name(key) + " \u00b7 " + count(n))));
    select.addEventListener("change", () => {
      if (select.value === "") delete state.filters[id];
      else state.filters[id] = { column, value: select.value };
      update();
    });
    return el("label", {}, title + " ", select);
  };
  const distinct = (of) => {
    const out = new Map();
    for (let i = 0; i < F.n; i++) out.set(of(i), (out.get(of(i)) || 0) + 1);
    return [...out].map(([key, n]) => ({ key, n }));
  };
  const byName = (name) => (a, b) => (name(a.key).toLowerCase() < name(b.key).toLowerCase() ? -1 : 1);
  const byKey = (a, b) => a.key - b.key;
  const rule = (i) => data.verdicts[F.verdicts[i]]?.rule || "";
  const filters = [
    isDiff && filter("change", "Change", distinct((i) => F.changes[i]).sort(byKey), changeName, (i) => F.changes[i]),
    data.layers.length && filter("layer", "Layer", distinct(layerOf).sort(byKey), layerName, layerOf),
    data.kinds.length && filter("kind", "Kind", distinct((i) => F.kinds[i]).sort(byName(kindName)), kindName, (i) => F.kinds[i]),
    data.packages.length && filter("package", "Package", distinct(packageOf).sort(byName(packageName)), packageName, packageOf),
    data.verdicts.length && filter("fate", "Verdict", distinct(fateOf), (f) => FATES[f][0], fateOf),
    data.verdicts.length && filter("rule", "Rule", distinct(rule).sort(byName(String)), (r) => show(r) || "(no rule)", rule),
  ].filter(Boolean);
  const sorting = el("select", { id: "files-sort" }, columns.flatMap((c) => [
    el("option", { value: c.id + " down", selected: c.id === state.sort }, c.title + (c.num ? ", largest first" : ", Z to A")),
    el("option", { value: c.id + " up" }, c.title + (c.num ? ", smallest first" : ", A to Z"))]));
  sorting.addEventListener("change", () => {
    const [id, way] = sorting.value.split(" ");
    sortBy(id, way === "down");
  });
  const controls = el("div", { class: "controls" }, el("span", { class: "search" }, search), ...filters, el("label", { class: "phone-only" }, "Sort ", sorting), chip);

  const heads = columns.map((c, n) => {
    const button = el("button", { type: "button" }, c.title);
    const head = el("div", { role: "columnheader", "aria-colindex": n + 1, class: c.num ? "num" : null }, button);
    button.addEventListener("click", () => sortBy(c.id, state.sort === c.id ? !state.down : Boolean(c.num)));
    return head;
  });
  const space = el("div", { class: "grid-space", role: "presentation" });
  const body = el("div", { class: "grid-body", role: "rowgroup" }, space);
  const grid = el("div", { class: "grid", role: "grid", tabindex: "0", "aria-label": "Files", "aria-colcount": columns.length },
    el("div", { class: "grid-head", role: "rowgroup" }, el("div", { class: "grid-row", role: "row", "aria-rowindex": "1" }, heads)), body);
  const template = { path: "minmax(14rem, 1fr)", change: "4.6rem", before: "5rem", size: "5rem", delta: "6.4rem", layer: isDiff ? "5rem" : "3.6rem", kind: "8rem", package: isDiff ? "8rem" : "9.5rem", risk: "4rem", verdict: "11rem" };
  grid.style.setProperty("--columns", columns.map((c) => template[c.id]).join(" "));

  let order = [];
  let lower = null;
  const height = () => (phone.matches ? 80 : 32);

  function sortBy(id, down) {
    [state.sort, state.down] = [id, down];
    sorting.value = id + (down ? " down" : " up");
    update(true);
  }

  function chosen() {
    let list = state.only || Array.from({ length: F.n }, (_, i) => i);
    for (const { column, value } of Object.values(state.filters)) list = list.filter((i) => String(column(i)) === value);
    if (state.words.length) {
      lower ||= Array.from({ length: F.n }, (_, i) => ("/" + F.path(i)).toLowerCase());
      list = list.filter((i) => state.words.every((word) => lower[i].includes(word)));
    }
    return list;
  }

  function update(sorted) {
    const column = columns.find((c) => c.id === state.sort);
    const list = chosen();
    const keys = new Float64Array(F.n);
    for (const i of list) keys[i] = column.value(i);
    const sign = state.down ? -1 : 1;
    order = list.slice().sort((a, b) => sign * (keys[a] - keys[b]) || a - b);
    heads.forEach((head, n) => {
      if (columns[n].id === state.sort) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    let [size, before, saved] = [0, 0, 0];
    for (const i of order) {
      size += Math.max(0, F.sizes[i]);
      before += Math.max(0, F.before[i]);
      saved += F.saved[i];
    }
    const all = order.length === F.n ? files(F.n) : count(order.length) + " of " + files(F.n);
    status.textContent = all + ", " + bytes(size) + (isDiff ? " (" + delta(size - before) + ")" : "") +
      (data.verdicts.length && saved > 0 ? ", of which " + (data.profile ? data.profile : "slim") + " takes " + bytes(saved) : "");
    grid.setAttribute("aria-rowcount", String(order.length + 1));
    state.active = 0;
    body.scrollTop = 0;
    if (sorted) say("Sorted by " + column.title + ", " + (state.down ? "descending" : "ascending"));
    draw();
  }

  function row(at) {
    const i = order[at];
    const cells = columns.map((c, n) => {
      const cell = el("div", { role: "gridcell", "aria-colindex": n + 1, class: ["c-" + c.id, c.num ? "num" : "", c.tone?.(i) || "", c.id === "change" ? "change " + changeName(F.changes[i]) : ""].join(" ").trim() });
      if (c.text) cell.append(c.id === "verdict" || c.id === "change" ? el("span", {}, c.text(i)) : c.text(i));
      else {
        const dir = F.dirPaths[F.dirs[i]];
        cell.title = "/" + show(F.path(i));
        cell.append(el("bdi", { class: "dir" }, "/" + show(dir)), el("bdi", { class: "name" }, show(F.names[i])));
      }
      return cell;
    });
    const out = el("div", { class: "grid-row" + (at === state.active ? " active" : ""), role: "row", id: "row-" + at, "aria-rowindex": at + 2 }, cells);
    out.style.top = at * height() + "px";
    out.addEventListener("click", () => {
      state.active = at;
      draw();
      detail(i);
    });
    return out;
  }

  function draw() {
    const step = height();
    space.style.height = order.length * step + "px";
    grid.style.setProperty("--rows", Math.max(3, order.length) * step + "px");
    const first = Math.max(0, Math.floor(body.scrollTop / step) - 8);
    const last = Math.min(order.length, Math.ceil((body.scrollTop + body.clientHeight) / step) + 8);
    const rows = [];
    for (let at = first; at < last; at++) rows.push(row(at));
    space.replaceChildren(...rows);
    // The head is as wide as the rows beside the scroll bar.
    grid.style.setProperty("--scrollbar", body.offsetWidth - body.clientWidth + "px");
    if (!order.length) space.append(el("p", { class: "none" }, "No file matches."));
    if (state.active >= first && state.active < last) grid.setAttribute("aria-activedescendant", "row-" + state.active);
    else grid.removeAttribute("aria-activedescendant");
  }

  let asked = false;
  body.addEventListener("scroll", () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; draw(); });
  }, { passive: true });

  grid.addEventListener("keydown", (event) => {
    if (event.target !== grid || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(body.clientHeight / height()) - 1);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key === "Enter" && order.length) {
      event.preventDefault();
      detail(order[state.active]);
    } else if (event.key in moves) {
      event.preventDefault();
      state.active = Math.max(0, Math.min(order.length - 1, state.active + moves[event.key]));
      const top = state.active * height();
      if (top < body.scrollTop) body.scrollTop = top;
      else if (top + height() > body.scrollTop + body.clientHeight) body.scrollTop = top + height() - body.clientHeight;
      draw();
    }
  });

  let timer = 0;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      state.words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      update();
    }, 60);
  });
  chip.addEventListener("click", () => {
    state.only = null;
    chip.hidden = true;
    update();
    search.focus();
  });
  showFiles = (list, name) => {
    state.only = list;
    chip.hidden = false;
    chip.replaceChildren("only in ", el("bdi", {}, name), " \u2715");
    chip.setAttribute("aria-label", "Only in " + name + ". Show all files again");
    update();
    $("files").scrollIntoView({ block: "start" });
    grid.focus({ preventScroll: true });
  };
  phone.addEventListener("change", draw);
  new ResizeObserver(draw).observe(body);

  // On paper there is no scrolling: the first rows as they are sorted and filtered.
  const paper = el("div", { class: "print-only" });
  window.addEventListener("beforeprint", () => {
    const some = order.slice(0, 100);
    const values = some.map((i) => columns.map((c) => (c.text ? { text: c.text(i) } : { path: F.path(i) })));
    paper.replaceChildren(el("p", {}, "The first " + count(some.length) + " of " + count(order.length) + ", as sorted on the screen."), table(columns.map((c) => ({ title: c.title })), values, "Files"));
  });
  window.addEventListener("afterprint", () => paper.replaceChildren());

  const out = section("files", "Files", null, controls, status, grid, paper,
    el("p", { class: "muted hint" }, "Click a row, or press Enter on it, for all that is known of the file. Words are searched for in any order."));
  return { section: out, start: () => update() };
}
