// What all parts of the page share: elements, units, and the files, decoded from columns.

const root = document.documentElement;
const $ = (id) => document.getElementById(id);

/** An element with attributes (`class`, `onclick`, …) and children; strings become text, never markup. */
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === false || value == null) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((c) => c != null && c !== false));
  return node;
}

/** Text out of an image: what is invisible or turns the direction of writing is shown by its number. */
function show(text) {
  return String(text).replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (c) => "\u27e8U+" + c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "\u27e9",
  );
}

/** A path: isolated, so that its direction stays its own. */
const pathNode = (path) => el("bdi", { class: "path" }, "/" + show(path));

/** `999 B`, `205.3 MB`, `1.87 GB`: powers of 1000, rounded half up, as slim writes sizes everywhere. */
function bytes(n) {
  if (n < 1000) return n + " B";
  const units = [["kB", 1e3, 1], ["MB", 1e6, 1], ["GB", 1e9, 2], ["TB", 1e12, 2], ["PB", 1e15, 2]];
  for (const [name, unit, decimals] of units) {
    const scale = decimals === 1 ? 10 : 100;
    const rounded = Math.floor((n * scale) / unit + 0.5);
    if (rounded < 1000 * scale || name === "PB") return (rounded / scale).toFixed(decimals) + " " + name;
  }
}

const cut = (text, length) => (text.length > length ? text.slice(0, length - 1) + "\u2026" : text);
const count = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");
const plural = (n, one, many) => count(n) + " " + (n === 1 ? one : many || one + "s");
const files = (n) => plural(n, "file");
const delta = (n) => (n === 0 ? "\u00b10 B" : (n < 0 ? "\u2212" : "+") + bytes(Math.abs(n)));
const percent = (n) => (n > 0 && n < 0.05 ? "<0.1%" : n.toFixed(1) + "%");
const share = (part, whole) => (whole > 0 ? percent((part * 100) / whole) : "\u2013");

const data = JSON.parse($("data").textContent);
const isDiff = data.view === "diff" || data.files.before.some((n, i) => i % 2 === 0 && n >= 0);

/** What a typed value of the data is: text to show, and what to sort and to draw it by. */
function typed(value) {
  if (value == null || value === "empty") return { text: "\u2013", key: -Infinity };
  const [[type, v]] = Object.entries(value);
  switch (type) {
    case "bytes": return { text: bytes(v), key: v, bar: v, numeric: true };
    case "delta": return { text: delta(v), key: v, bar: Math.abs(v), numeric: true, sign: Math.sign(v) };
    case "count": return { text: count(v), key: v, bar: v, numeric: true };
    case "percent": return { text: v == null ? "\u2013" : percent(v), key: v, bar: v, numeric: true };
    case "seconds": return { text: v.toFixed(v < 10 ? 2 : 1) + " s", key: v, bar: v, numeric: true };
    case "pass": return { text: v ? "\u2713 passed" : "\u2717 failed", key: v ? 1 : 0, tone: v ? "good" : "bad" };
    case "failed": return { text: "\u2717 failed: " + show(v), key: "\u2717" + v, tone: "bad" };
    case "risk": return { text: show(v), key: Object.keys(RISKS).indexOf(v), node: () => riskNode(v) };
    case "path": return { text: "/" + show(v), key: v, node: () => pathNode(v) };
    case "code": return { text: v, key: v, isCode: true, node: () => command(v) };
    default: return { text: show(v), key: v, node: v.includes("`") ? () => el("span", {}, sentence(v)) : null };
  }
}

/** The node of a typed value. */
const valueNode = (value) => (value.node ? value.node() : document.createTextNode(value.text));

/** A sentence with what is between backticks as code. */
function sentence(text) {
  const parts = show(text).split("`");
  return parts.map((part, i) => {
    if (i % 2 === 1 && i < parts.length - 1) return el("code", {}, part);
    return i % 2 === 1 ? "`" + part : part;
  });
}

/** A command with a button that copies it. */
function command(text) {
  const button = el("button", { type: "button", class: "quiet copy", "aria-label": "Copy the command " + text }, "Copy");
  button.addEventListener("click", async () => {
    const area = el("textarea", { class: "sr", readonly: true });
    area.value = text;
    let copied = false;
    try {
      await navigator.clipboard.writeText(text);
      copied = true;
    } catch {
      // Pages from a file may not use the clipboard's interface; the old way works there.
      document.body.append(area);
      area.select();
      copied = document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.textContent = copied ? "Copied" : "Not allowed";
    say(copied ? "Copied" : "The browser does not allow to copy");
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  return el("span", { class: "command" }, el("code", {}, show(text)), button);
}

/** A bar of `part` in `whole`; the numbers stand beside it in words. */
function meter(part, whole, kind, second) {
  const width = (n) => Math.max(0, Math.min(100, whole > 0 ? (n * 100) / whole : 0)) + "%";
  const bar = el("span", { class: "meter " + (kind || ""), "aria-hidden": "true" });
  const fill = el("i", {});
  fill.style.width = width(part);
  bar.append(fill);
  if (second > 0) {
    const more = el("i", { class: "second" });
    more.style.width = width(second);
    bar.append(more);
  }
  return bar;
}

/** Tells those who listen to the page. */
function say(text) {
  $("live").textContent = "";
  setTimeout(() => ($("live").textContent = text), 30);
}

/** A column of `n` numbers from its runs. */
function expand(runs, n) {
  const out = new Float64Array(n);
  let at = 0;
  for (let i = 0; i < runs.length; i += 2) {
    out.fill(runs[i], at, at + runs[i + 1]);
    at += runs[i + 1];
  }
  return out;
}

/** The files as columns, sorted by directory and name; -1 is nothing. */
const F = (() => {
  const f = data.files;
  const n = f.count;
  const parents = f.dirParents;
  const dirNames = f.dirNames.split("\n");
  const dirPaths = [""];
  const dirDepths = new Int32Array(parents.length + 1);
  for (let d = 1; d <= parents.length; d++) {
    const parent = parents[d - 1];
    dirPaths.push(dirPaths[parent] + dirNames[d] + "/");
    dirDepths[d] = dirDepths[parent] + 1;
  }
  const out = {
    n,
    names: n ? f.names.split("\n") : [],
    sizes: Float64Array.from(f.sizes),
    dirs: Int32Array.from(expand(f.dirs, n)),
    dirPaths,
    dirNames,
    dirDepths,
    dirParent: (d) => parents[d - 1],
  };
  for (const name of ["before", "saved", "layers", "beforeLayers", "kinds", "packages", "verdicts", "changes"]) {
    out[name] = expand(f[name], n);
  }
  out.path = (i) => dirPaths[out.dirs[i]] + out.names[i];
  // How much room a file takes on a map: of two images where it takes more.
  out.weights = out.sizes.map((size, i) => Math.max(0, size, out.before[i]));
  return out;
})();

const CHANGES = ["same", "added", "removed", "changed", "moved"];
const FATES = {
  keep: ["stays", "keep"],
  held: ["held back", "held"],
  rewrite: ["rewritten", "rewrite"],
  strip: ["stripped", "strip"],
  drop: ["removed", "drop"],
  hidden: ["hidden, removed", "hidden"],
};
const sideOf = (layer) => (isDiff ? (layer.side === "before" ? "A" : "B") : "");
const layerName = (i) => (data.layers[i] ? sideOf(data.layers[i]) + data.layers[i].number : "\u2013");
/** The layer that a file lies in, or lay in. */
const layerOf = (i) => (F.layers[i] >= 0 ? F.layers[i] : F.beforeLayers[i]);
const kindName = (i) => show(data.kinds[i] ?? "(no kind)");
/** The package of a file; files without one are told apart by their layer, as -2, -3 and so on. */
const packageOf = (i) => (F.packages[i] >= 0 ? F.packages[i] : -2 - layerOf(i));
function packageName(g) {
  const layer = data.layers[-2 - g];
  if (!layer) return show(data.packages[g] ?? "(no package)");
  return "no package: layer " + layerName(-2 - g) + (layer.instruction ? ", " + cut(show(layer.instruction), 60) : "");
}
const riskOf = (i) => data.verdicts[F.verdicts[i]]?.risk || "";
const fateOf = (i) => data.verdicts[F.verdicts[i]]?.fate ?? "keep";
const changeName = (i) => CHANGES[i] ?? "same";

/** A verdict in words. */
function verdictName(v) {
  const verdict = data.verdicts[v];
  if (!verdict) return "";
  return FATES[verdict.fate][0] + (verdict.rule ? " \u00b7 " + show(verdict.rule) : "");
}

/** A section with a heading, reachable from the bar at the top. */
function section(id, title, about, ...children) {
  const heading = el("h2", { id: id + "-title" }, title);
  return el("section", { id, "aria-labelledby": id + "-title", "data-title": title }, heading,
    about ? el("p", { class: "about" }, sentence(about)) : null, ...children);
}

/** All that is known of a file, in a dialog. */
function detail(i) {
  const dialog = $("detail");
  const rows = [];
  const add = (name, ...value) => rows.push(el("dt", {}, name), el("dd", {}, ...value));
  const layerText = (at) => {
    const layer = data.layers[at];
    return layer ? [layerName(at), layer.instruction ? [": ", el("code", {}, show(layer.instruction))] : null].flat() : ["\u2013"];
  };
  add("Path", pathNode(F.path(i)));
  if (isDiff) {
    add("Change", changeName(F.changes[i]));
    add("Before", F.before[i] < 0 ? "\u2013" : bytes(F.before[i]) + " (" + count(F.before[i]) + " bytes)");
  }
  add(isDiff ? "After" : "Size", F.sizes[i] < 0 ? "\u2013" : bytes(F.sizes[i]) + " (" + count(F.sizes[i]) + " bytes)");
  if (isDiff && F.beforeLayers[i] >= 0) add("Layer before", ...layerText(F.beforeLayers[i]));
  if (F.layers[i] >= 0) add("Layer", ...layerText(F.layers[i]));
  if (F.kinds[i] >= 0) add("Kind", kindName(F.kinds[i]));
  add("Package", packageName(packageOf(i)));
  const verdict = data.verdicts[F.verdicts[i]];
  if (verdict) {
    add(data.profile ? "With " + show(data.profile) : "Verdict", verdictName(F.verdicts[i]));
    if (verdict.risk) add("Risk", riskNode(verdict.risk));
    if (verdict.why) add("Why", ...sentence(verdict.why));
    if (F.saved[i] > 0) add("Frees", bytes(F.saved[i]));
  }
  const close = el("button", { type: "button", onclick: () => dialog.close() }, "Close");
  dialog.replaceChildren(el("h2", { id: "detail-title" }, el("bdi", {}, show(F.names[i] || "/"))), el("dl", {}, ...rows), close);
  dialog.showModal();
  close.focus();
}
