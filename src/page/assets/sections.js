// The figures, layers, waste, profiles, findings, and bars and tables of any kind.

function facts() {
  if (!data.facts.length) return null;
  return el("dl", { class: "facts" }, data.facts.map((fact) => {
    const [now, was] = [typed(fact.value), fact.was ? typed(fact.was) : null];
    const change = was?.numeric && now.numeric && now.key !== was.key && fact.value.bytes != null
      ? el("span", { class: now.key > was.key ? "more" : "less" }, delta(now.key - was.key)) : null;
    return el("div", {},
      el("dt", {}, fact.label),
      el("dd", {}, el("span", { class: "figure" }, valueNode(now)), change,
        was ? el("span", { class: "note-line" }, "was " + was.text) : null,
        fact.note ? el("span", { class: "note-line" }, fact.note) : null));
  }));
}

/** A list of wasted paths. */
function wastedList(list) {
  return el("ul", { class: "rows" }, list.map((w) =>
    el("li", {}, el("span", { class: "grow" }, pathNode(w.path), w.how ? el("span", { class: "muted" }, " " + show(w.how)) : null),
      el("span", { class: "num" }, bytes(w.bytes)))));
}

function layers() {
  if (!data.layers.length) return null;
  const largest = Math.max(...data.layers.map((l) => l.bytes));
  const row = (layer) => el("li", {},
    el("div", { class: "layer-head" },
      el("span", { class: "badge" }, String(layer.number)),
      layer.instruction
        ? el("code", { class: "instruction", title: show(layer.instruction) }, show(layer.instruction))
        : el("span", { class: "instruction muted" }, "The history does not say how it was made"),
      el("span", { class: "figures" },
        layer.wastedBytes > 0 ? el("span", { class: "wasted" }, bytes(layer.wastedBytes) + " wasted (" + share(layer.wastedBytes, layer.bytes) + ")") : null,
        el("span", { class: "muted" }, files(layer.files)),
        layer.blobBytes && layer.blobBytes !== layer.bytes ? el("span", { class: "muted" }, bytes(layer.blobBytes) + " stored") : null,
        el("b", {}, bytes(layer.bytes)))),
    meter(layer.bytes - layer.wastedBytes, largest, "layer", layer.wastedBytes),
    layer.wasted.length ? el("details", {}, el("summary", {}, "What is wasted most"), wastedList(layer.wasted)) : null);
  const list = (of) => el("ol", { class: "layers" }, of.map(row));
  const [before, after] = ["before", "after"].map((side) => data.layers.filter((l) => l.side === side));
  const parts = before.length
    ? [el("div", { class: "sides" }, el("div", {}, el("h3", {}, "A, before"), list(before)), el("div", {}, el("h3", {}, "B, after"), list(after)))]
    : [list(after)];
  return section("layers", "Layers", "Each layer with the instruction that made it. A file that a later layer deletes or replaces is still stored and pulled.", ...parts,
    el("p", { class: "legend" }, el("span", { class: "key" }, el("i", { class: "swatch size" }), "in use"), el("span", { class: "key" }, el("i", { class: "swatch waste" }), "wasted")));
}

function waste() {
  if (!data.waste.length) return null;
  const largest = data.waste[0].bytes;
  return section("waste", "Waste", "Bytes that are in the image and that no container sees, by the step that made it so.",
    el("ol", { class: "waste" }, data.waste.map((w) => el("li", {},
      el("div", { class: "figures" }, el("b", {}, bytes(w.bytes)), el("span", { class: "muted" }, files(w.files))),
      meter(w.bytes, largest, "wasting"),
      el("p", {}, sentence(w.sentence)),
      w.paths.length > 1 ? el("details", {}, el("summary", {}, "Where most of it lies"), wastedList(w.paths)) : null))));
}

function profiles() {
  if (!data.profiles.length) return null;
  const columns = [{ title: "Rule" }, { title: "Takes", bar: true }, { title: "Files" }, { title: "Risk" }, { title: "What it is for", wide: true }];
  const row = (profile) => {
    const saved = profile.inputBytes - profile.outputBytes;
    const rules = profile.rules.map((r) => [{ code: r.id }, { bytes: r.bytes }, { count: r.files }, { text: r.risk }, { text: r.about }]);
    const first = profile.rules.slice(0, 3).map((r) => show(r.id) + " " + bytes(r.bytes)).join(", ");
    const details = el("details", {}, el("summary", {}, plural(profile.rules.length, "rule"),
      el("span", { class: "muted" }, ": " + first + (profile.rules.length > 3 ? " \u2026" : ""))));
    // Tables that nobody opens need not be made.
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) details.append(table(columns, rules, profile.name + ", by rule", true));
    });
    return el("li", {},
      el("div", { class: "profile-head" }, el("h3", {}, show(profile.name)), profile.risk ? el("span", { class: "chip risk-" + show(profile.risk) }, "risk " + show(profile.risk)) : null,
        el("span", { class: "figures" },
          el("b", {}, saved > 0 ? share(saved, profile.inputBytes) + " less" : "nothing less"),
          el("span", {}, "saves " + bytes(Math.max(0, saved))), el("span", { class: "muted" }, bytes(profile.outputBytes) + " stay"))),
      profile.about ? el("p", { class: "about" }, "Costs: ", sentence(profile.about)) : null,
      meter(saved, profile.inputBytes, "saving"),
      profile.command ? command(profile.command) : null,
      rules.length ? details : null);
  };
  return section("profiles", "What profiles would save", "Exact in bytes of layers: each profile was planned on this image, and nothing was written.",
    el("ol", { class: "profiles" }, data.profiles.map(row)));
}

function findings() {
  if (!data.findings.length) return null;
  const names = { error: "Error", warning: "Warning", note: "Note" };
  const shown = new Set(Object.keys(names));
  const list = el("ul", { class: "findings" });
  const LIMIT = 200;
  let all = false;
  const draw = () => {
    const chosen = data.findings.filter((f) => shown.has(f.severity));
    const some = all ? chosen : chosen.slice(0, LIMIT);
    list.replaceChildren(...some.map((f) => el("li", { class: f.severity },
      el("div", { class: "finding-head" }, el("span", { class: "chip " + f.severity }, names[f.severity]), el("code", {}, show(f.id)),
        f.layer != null ? el("span", { class: "muted" }, "layer " + f.layer) : null),
      f.path ? el("div", {}, pathNode(f.path)) : null,
      el("p", {}, sentence(f.message)),
      f.help ? el("p", { class: "muted" }, "What to do: ", sentence(f.help)) : null)));
    if (some.length < chosen.length) {
      list.append(el("li", {}, el("button", { type: "button", onclick: () => { all = true; draw(); } }, "Show all " + count(chosen.length))));
    }
  };
  const buttons = Object.keys(names).map((severity) => {
    const n = data.findings.filter((f) => f.severity === severity).length;
    if (!n) return null;
    const button = el("button", { type: "button", class: "toggle", "aria-pressed": "true" }, names[severity] + " " + count(n));
    button.addEventListener("click", () => {
      if (!shown.delete(severity)) shown.add(severity);
      button.setAttribute("aria-pressed", String(shown.has(severity)));
      draw();
    });
    return button;
  });
  draw();
  return section("findings", "Findings", null, el("div", { class: "controls", role: "group", "aria-label": "Severities shown" }, buttons), list);
}

function bars(of, id) {
  const rows = of.rows.map((r) => ({ ...r, now: typed(r.value), old: r.was ? typed(r.was) : null }));
  const longest = Math.max(0, ...rows.flatMap((r) => [r.now.bar || 0, r.old?.bar || 0]));
  return section(id, of.title, of.about, el("ul", { class: "bars" }, rows.map((r) => el("li", {},
    el("span", { class: "label" }, el("bdi", {}, show(r.label))),
    el("span", { class: "lines" }, meter(r.now.bar || 0, longest, r.now.sign < 0 ? "saving" : r.now.sign > 0 ? "wasting" : ""), r.old ? meter(r.old.bar || 0, longest, "old") : null),
    el("span", { class: "num" }, r.now.text, r.old ? el("span", { class: "note-line" }, "was " + r.old.text) : null, r.note ? el("span", { class: "note-line" }, show(r.note)) : null)))));
}

/** A table that each column sorts. */
function table(columns, values, label, plainCode) {
  const LIMIT = 100;
  const rows = values.map((row) => row.map(typed));
  const longest = columns.map((_, c) => Math.max(0, ...rows.map((r) => r[c]?.bar || 0)));
  const numeric = columns.map((_, c) => rows.length > 0 && rows.every((r) => r[c]?.numeric || r[c]?.key === -Infinity) && rows.some((r) => r[c]?.numeric));
  const body = el("tbody", {});
  const holder = el("div", { class: "table-scroll", role: "region", tabindex: "0", "aria-label": label });
  let [sorted, by, down, all] = [rows, -1, false, false];
  const cell = (value, c) => {
    const class_ = [numeric[c] ? "num" : "", columns[c].wide ? "wide" : "", value.tone || "", value.sign > 0 ? "more" : value.sign < 0 ? "less" : ""].join(" ").trim();
    const content = plainCode && value.node ? el("code", {}, value.text) : valueNode(value);
    const bar = columns[c].bar && value.numeric ? meter(value.bar, longest[c], value.sign < 0 ? "saving" : value.sign > 0 ? "wasting" : "") : null;
    return c === 0 ? el("th", { scope: "row" }, content) : el("td", { class: class_ || null }, bar, content);
  };
  const draw = () => {
    const some = all ? sorted : sorted.slice(0, LIMIT);
    body.replaceChildren(...some.map((row) => el("tr", {}, row.map(cell))));
    if (some.length < sorted.length) {
      body.append(el("tr", {}, el("td", { colspan: columns.length }, el("button", { type: "button", onclick: () => { all = true; draw(); } }, "Show all " + count(sorted.length)))));
    }
  };
  const heads = columns.map((column, c) => {
    const button = el("button", { type: "button" }, column.title);
    const head = el("th", { scope: "col", class: [numeric[c] ? "num" : "", columns[c].wide ? "wide" : ""].join(" ").trim() || null }, button);
    button.addEventListener("click", () => {
      down = by === c ? !down : numeric[c];
      by = c;
      const order = (a, b) => (a[c].key < b[c].key ? -1 : a[c].key > b[c].key ? 1 : 0);
      sorted = [...rows].sort((a, b) => (down ? order(b, a) : order(a, b)));
      heads.forEach((h, i) => (i === c ? h.setAttribute("aria-sort", down ? "descending" : "ascending") : h.removeAttribute("aria-sort")));
      draw();
    });
    return head;
  });
  draw();
  holder.append(el("table", {}, el("caption", { class: "sr" }, label), el("thead", {}, el("tr", {}, heads)), body));
  return holder;
}
