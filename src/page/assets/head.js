// What comes first: the size before and after with each risk, the time of a pull, the storage of tags; then the steps to a size,
// and what goes.

const RISKS = {
  none: { short: "none", head: "without risk", about: "No running program can tell the difference." },
  low: { short: "low", head: "with low risk", about: "A person may miss something; no program does." },
  "opt-in": { short: "opt-in", head: "with opt-ins", about: "Some programs may miss something: read what it costs." },
};

/** A risk as a word with a colour. */
const riskNode = (risk) => el("span", { class: "chip risk risk-" + (RISKS[risk] ? risk : "other") }, show(RISKS[risk]?.short ?? risk));

/** `45 s`, `1 min 48 s`, `2 h 5 min`. */
function duration(seconds) {
  if (seconds < 10) return seconds.toFixed(1) + " s";
  const whole = Math.round(seconds);
  if (whole < 60) return whole + " s";
  if (whole < 3600) return Math.floor(whole / 60) + " min" + (whole % 60 ? " " + (whole % 60) + " s" : "");
  const minutes = Math.round(whole / 60);
  return count(Math.floor(minutes / 60)) + " h" + (minutes % 60 ? " " + (minutes % 60) + " min" : "");
}

/** Bits per second: `100 Mbit/s`. */
function bandwidth(bits) {
  const [name, unit] = [["Gbit/s", 1e9], ["Mbit/s", 1e6], ["kbit/s", 1e3]].find(([, u]) => bits >= u) || ["bit/s", 1];
  return +(bits / unit).toFixed(1) + " " + name;
}

/** The smallest choice of each risk, the lowest risk first, if it is smaller than those before; none that failed. */
function levels(choices) {
  const out = [];
  for (const risk of Object.keys(RISKS)) {
    const least = choices.filter((c) => c.risk === risk && !c.failed).sort((a, b) => a.bytes - b.bytes)[0];
    if (least && least.bytes < (out.at(-1) || choices[0]).bytes) out.push(least);
  }
  return out;
}

function headline(choices) {
  const [first, ...others] = choices;
  const size = (choice) => el("b", {}, bytes(choice.bytes));
  if (others.length && others.every((c) => !c.risk)) return [size(first), " \u2192 ", size(others[0]), el("span", { class: "headline-note" }, " ", delta(others[0].bytes - first.bytes))];
  const [best, ...more] = levels(choices);
  if (!best) return [size(first), el("span", { class: "headline-note" }, " and nothing to save that is known to be safe to try")];
  const rest = more.map((c) => bytes(c.bytes) + " " + RISKS[c.risk].head).join(", ");
  return [size(first), " \u2192 ", size(best), " " + RISKS[best.risk].head, rest ? el("span", { class: "headline-note" }, " (" + rest + ")") : null];
}

function summary() {
  const of = data.summary;
  if (!of?.choices.length) return null;
  const [first] = of.choices;
  const pull = "Pull at " + bandwidth(of.bitsPerSecond);
  const about = (choice, text) => (choice.isAbout ? "about " : "") + text;
  const tags = el("input", { type: "number", id: "tags", min: "1", max: "1000000", step: "1", value: "10", inputmode: "numeric" });
  const risky = of.choices.some((c) => c.risk);
  const storage = of.choices.map(() => el("td", { class: "num" }));
  const storageHead = el("th", { scope: "col", class: "num" });
  const cell = (label, ...children) => el("td", { class: "num", "data-label": label }, ...children);
  const row = (choice, i) => {
    const less = choice === first ? null : el("span", { class: "note-line " + (choice.bytes > first.bytes ? "more" : "less") },
      choice.bytes === first.bytes ? "as before" : delta(choice.bytes - first.bytes) + " (" + share(Math.abs(choice.bytes - first.bytes), first.bytes) + (choice.bytes < first.bytes ? " less)" : " more)"));
    return el("tr", {},
      el("th", { scope: "row" }, el("span", { class: "choice" }, show(choice.name)),
        choice.failed ? el("span", { class: "bad block" }, "\u2717 failed: " + show(choice.failed)) : null,
        choice.costs ? el("details", { class: "costs" }, el("summary", {}, "What it costs"), el("p", {}, sentence(choice.costs))) : null,
        choice.command ? command(choice.command) : null),
      risky ? el("td", { "data-label": "Risk" }, choice.risk ? riskNode(choice.risk) : "\u2013") : null,
      cell("Size", bytes(choice.bytes), less),
      cell(pull, about(choice, duration((choice.pullBytes * 8) / of.bitsPerSecond))),
      storage[i]);
  };
  const store = () => {
    const n = Math.max(1, Math.min(1e6, Math.floor(Number(tags.value)) || 1));
    const label = "Registry, " + plural(n, "tag");
    storageHead.textContent = label;
    storage.forEach((node, i) => {
      node.dataset.label = label;
      node.textContent = about(of.choices[i], bytes(of.choices[i].pullBytes * n));
    });
  };
  tags.addEventListener("input", store);
  store();
  const rows = of.choices.map(row);
  return el("div", { class: "answer" },
    el("p", { class: "headline" }, ...headline(of.choices)),
    el("table", { class: "choices" }, el("caption", { class: "sr" }, "Sizes before and after"),
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, risky ? "Profile" : "Image"), risky ? el("th", { scope: "col" }, "Risk") : null,
        el("th", { scope: "col", class: "num" }, "Size"), el("th", { scope: "col", class: "num" }, pull), storageHead)),
      el("tbody", {}, rows)),
    el("p", { class: "tags" }, el("label", { for: "tags" }, "Registry storage is for "), tags, " tags that share no layer."),
    of.basis ? el("p", { class: "muted basis" }, sentence(of.basis)) : null);
}

/** The steps to a size. */
function target() {
  const of = data.target;
  if (!of) return null;
  return section("target", "Steps to the target", null,
    el("p", { class: of.met ? "good" : "bad" }, (of.met ? "\u2713 " : "\u2717 ") + show(of.sentence)),
    of.command ? command(of.command) : null,
    ...of.tables.flatMap((t) => [el("h3", { class: "table-title" }, t.title), table(t.columns, t.rows, t.title)]));
}

const RULE_COLUMNS = [{ title: "Rule" }, { title: "Takes", bar: true }, { title: "Files" }, { title: "Risk" }, { title: "What it removes, and why that is safe", wide: true }];
const ruleRows = (rules) => rules.map((r) => [{ code: r.id }, { bytes: r.bytes }, { count: r.files }, { risk: r.risk }, { text: r.about }]);

/** What goes and why, with the largest choice that needs no opt-in. */
function reasons() {
  const chosen = levels(data.summary?.choices || []);
  const name = (chosen.filter((c) => c.risk !== "opt-in").at(-1) || chosen[0])?.name;
  const profile = data.profiles.find((p) => p.name === name);
  if (!profile?.rules.length) return null;
  return section("reasons", "What goes, and why", "The rules of `" + profile.name + "` that take most. Each file that they take is in the table of files, with its rule.",
    table(RULE_COLUMNS, ruleRows(profile.rules), "What goes, and why", true, 8));
}
