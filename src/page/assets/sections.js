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
        layer.files > 0 ? el("span", { class: "muted" }, plural(layer.files, "path")) : null,
        layer.whiteouts > 0 ? el("span", { class: "muted", title: "A whiteout is no file: it hides what lower layers have" }, plural(layer.whiteouts, "whiteout")) : null,
        layer.blobBytes && layer.blobBytes !== layer.bytes ? el("span", { class: "muted" }, bytes(layer.blobBytes) + " as stored") : null,
        el("b", {}, bytes(layer.bytes)))),
    meter(layer.bytes - layer.wastedBytes, largest, "layer", layer.wastedBytes),
    layer.wasted.length ? el("details", {}, el("summary", {}, "What is wasted most"), wastedList(layer.wasted)) : null);
  const list = (of) => el("ol", { class: "layers" }, of.map(row));
  const [before, after] = ["before", "after"].map((side) => data.layers.filter((l) => l.side === side));
  const parts = before.length
    ? [el("div", { class: "sides" }, el("div", {}, el("h3", {}, "A, before"), list(before)), el("div", {}, el("h3", {}, "B, after"), list(after)))]
    : [list(after)];
  return section("layers", "Layers", "Each layer with the instruction that made it. Wasted are files that a later layer deletes or replaces: they are still stored and pulled.", ...parts,
    el("p", { class: "legend" }, el("span", { class: "key" }, el("i", { class: "swatch size" }), "in use"), el("span", { class: "key" }, el("i", { class: "swatch waste" }), "wasted")));
}

function waste() {
  if (!data.waste.length) return null;
  const largest = data.waste[0].bytes;
  return section("waste", "Waste", "Files that are stored and pulled although no container sees them, and the step of the build that hid them.",
    el("ol", { class: "waste" }, data.waste.map((w) => el("li", {},
      el("div", { class: "figures" }, el("b", {}, bytes(w.bytes)), el("span", { class: "muted" }, files(w.files))),
      meter(w.bytes, largest, "wasting"),
      el("p", {}, sentence(w.sentence)),
      w.paths.length > 1 ? el("details", {}, el("summary", {}, "Where most of it lies"), wastedList(w.paths)) : null))));
}

function profiles() {
  if (!data.profiles.length) return null;
  const row = (profile) => {
    const saved = profile.inputBytes - profile.outputBytes;
    const first = profile.rules.slice(0, 3).map((r) => show(r.id) + " " + bytes(r.bytes)).join(", ");
    const details = el("details", {}, el("summary", {}, plural(profile.rules.length, "rule"),
      el("span", { class: "muted" }, ": " + first + (profile.rules.length > 3 ? " \u2026" : ""))));
    // Tables that nobody opens need not be made.
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) details.append(table(RULE_COLUMNS, ruleRows(profile.rules), profile.name + ", by rule", true));
    });
    return el("li", {},
      el("div", { class: "profile-head" }, el("div", { class: "profile-name" }, el("h4", {}, show(profile.name)), profile.risk ? el("span", {}, "risk: ", riskNode(profile.risk)) : null),
        el("span", { class: "figures" },
          el("b", {}, saved > 0 ? share(saved, profile.inputBytes) + " less" : "nothing less"),
          el("span", {}, "saves " + bytes(Math.max(0, saved))), el("span", { class: "muted" }, bytes(profile.outputBytes) + " are left"))),
      profile.about ? el("p", { class: "about" }, el("b", {}, "What it costs: "), sentence(profile.about)) : null,
      meter(saved, profile.inputBytes, "saving"),
      profile.command ? command(profile.command) : null,
      profile.rules.length ? details : null);
  };
  const groups = [...new Set(data.profiles.map((p) => p.risk))].map((risk) => {
    const of = RISKS[risk];
    const title = of ? of.head[0].toUpperCase() + of.head.slice(1) : risk ? "Risk: " + show(risk) : "Built-in profiles";
    return [el("h3", { class: "risk-title" }, title), of ? el("p", { class: "about" }, of.about) : null,
      el("ol", { class: "profiles" }, data.profiles.filter((p) => p.risk === risk).map(row))];
  });
  return section("profiles", "What profiles would save", "Each profile was planned on this image without writing anything, so the sizes of the layers as plain tars are exact.", ...groups.flat().filter(Boolean));
}

/** The findings, folded by kind: a line for each, and its list when that is opened. */
function findings() {
  if (!data.findings.length) return null;
  const names = { error: "Error", warning: "Warning", note: "Note" };
  const LIMIT = 100;
  const groups = new Map();
  for (const f of data.findings) {
    const key = f.severity + " " + f.id;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(f);
  }
  const fold = (of) => {
    const [first] = of;
    const help = of.every((f) => f.help === first.help) ? first.help : "";
    const details = el("details", {}, el("summary", {},
      el("span", { class: "chip " + first.severity }, names[first.severity]), el("code", {}, show(first.id)), el("span", { class: "muted" }, count(of.length)),
      el("span", { class: "finding-first" }, sentence(first.message))));
    const list = el("ul", { class: "rows findings-list" });
    const draw = (all) => {
      const some = all ? of : of.slice(0, LIMIT);
      list.replaceChildren(...some.map((f) => el("li", {}, el("div", { class: "grow" },
        el("div", {}, f.path ? pathNode(f.path) : null, f.layer != null ? el("span", { class: "muted" }, " layer " + f.layer) : null),
        of.length > 1 ? el("p", {}, sentence(f.message)) : null, f.help && !help ? el("p", { class: "muted" }, "What to do: ", sentence(f.help)) : null))));
      if (some.length < of.length) list.append(el("li", {}, el("button", { type: "button", onclick: () => draw(true) }, "Show all " + count(of.length))));
    };
    // Lists that nobody opens need not be made.
    details.addEventListener("toggle", () => {
      if (!details.open || list.isConnected) return;
      if (help) details.append(el("p", { class: "muted" }, "What to do: ", sentence(help)));
      details.append(list);
      draw(false);
    });
    return el("li", { class: first.severity }, details);
  };
  const told = Object.keys(names).map((severity) => {
    const n = data.findings.filter((f) => f.severity === severity).length;
    return n ? plural(n, names[severity].toLowerCase()) : null;
  }).filter(Boolean).join(", ");
  return section("findings", "Findings", told + ". Open a line to see where.", el("ul", { class: "findings" }, [...groups.values()].map(fold)));
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
function table(columns, values, label, plainCode, limit) {
  const LIMIT = limit || 100;
  const rows = values.map((row) => row.map(typed));
  const longest = columns.map((_, c) => Math.max(0, ...rows.map((r) => r[c]?.bar || 0)));
  const numeric = columns.map((_, c) => rows.length > 0 && rows.every((r) => r[c]?.numeric || r[c]?.key === -Infinity) && rows.some((r) => r[c]?.numeric));
  // Columns of sentences get room; on phones the rows of such a table, and of one with many columns, are blocks.
  const wide = columns.map((column, c) => column.wide || (c > 0 && !numeric[c] && rows.some((r) => r[c] && !r[c].isCode && r[c].text.length > 40)));
  const body = el("tbody", {});
  const holder = el("div", { class: "table-scroll" + (wide.some(Boolean) || columns.length > 5 ? " prose" : ""), role: "region", tabindex: "0", "aria-label": label });
  let [sorted, by, down, all] = [rows, -1, false, false];
  const cell = (value, c) => {
    const class_ = [numeric[c] ? "num" : "", wide[c] ? "wide" : "", value.tone || "", value.sign > 0 ? "more" : value.sign < 0 ? "less" : ""].join(" ").trim();
    const content = plainCode && value.isCode ? el("code", {}, value.text) : valueNode(value);
    const bar = columns[c].bar && value.numeric ? meter(value.bar, longest[c], value.sign < 0 ? "saving" : value.sign > 0 ? "wasting" : "") : null;
    const figure = bar ? el("span", { class: "beside" }, content) : content;
    return c === 0 ? el("th", { scope: "row", "data-label": numeric[c] ? columns[c].title : null }, figure) : el("td", { class: class_ || null, "data-label": columns[c].title || null }, bar, figure);
  };
  const draw = () => {
    const some = all ? sorted : sorted.slice(0, LIMIT);
    body.replaceChildren(...some.map((row) => el("tr", {}, row.map(cell))));
    if (some.length < sorted.length) {
      body.append(el("tr", {}, el("td", { colspan: columns.length }, el("button", { type: "button", onclick: () => { all = true; draw(); } }, "Show all " + count(sorted.length)))));
    }
  };
  const heads = columns.map((column, c) => {
    const button = el("button", { type: "button", "aria-label": column.title ? null : "Sort by column " + (c + 1) }, column.title);
    const head = el("th", { scope: "col", class: [numeric[c] ? "num" : "", wide[c] ? "wide" : ""].join(" ").trim() || null }, button);
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
