// What takes the room: a treemap drawn on a canvas, and beside it the same as a list, which needs neither sight nor a mouse.

const PALETTE = {
  light: ["#a9c8e8", "#f3cb9c", "#abd6b3", "#e9b8b6", "#cfc1e8", "#dccbae", "#efbcd7", "#b5dadd", "#dcdc9a"],
  dark: ["#31618c", "#855723", "#2f6b45", "#84413f", "#5c4c8b", "#685839", "#783f65", "#2d6469", "#60601f"],
  rest: { light: "#d3d8dd", dark: "#474f57" },
  fate: {
    keep: { light: "#d3dbe3", dark: "#3a444e" }, held: { light: "#e8dca6", dark: "#655c20" }, rewrite: { light: "#cfc1e8", dark: "#5c4c8b" },
    strip: { light: "#a5d8cb", dark: "#21655a" }, drop: { light: "#7fc6b2", dark: "#1c7d69" }, hidden: { light: "#efae8f", dark: "#98492a" },
  },
  change: {
    same: { light: "#d8dde2", dark: "#3c444c" }, added: { light: "#f0b690", dark: "#98502a" }, removed: { light: "#8ecbb8", dark: "#1f7461" },
    changed: { light: "#a9c8e8", dark: "#31618c" }, moved: { light: "#cfc1e8", dark: "#5c4c8b" },
  },
};

/** The parts that a map can be divided by: how a file's part is found and named. */
const GROUPS = {
  dir: { title: "Directory" },
  layer: { title: "Layer", of: layerOf, name: (g) => (data.layers[g] ? "Layer " + layerName(g) : "(no layer)"), more: (g) => data.layers[g]?.instruction },
  package: { title: "Package", of: packageOf, name: packageName, more: (g) => data.layers[-2 - g]?.instruction },
  kind: { title: "Kind", of: (i) => F.kinds[i], name: kindName },
};

/** A part of a map. `level` says at which depth of directories its files part; -1 is: by group. */
const part = (label, list, level, value, parent) => ({ label, list, level, value, parent, kids: null });
const isFile = (node) => node.list.length === 1 && node.level === Infinity;

function sum(list, weights) {
  let total = 0;
  for (const i of list) total += weights[i];
  return total;
}

/** The directory at `depth` on the way to `dir`. */
function ancestor(dir, depth) {
  while (F.dirDepths[dir] > depth) dir = F.dirParent(dir);
  return dir;
}

/** The parts of a part, largest first; found when they are asked for. */
function partsOf(node, by, weights) {
  if (node.kids) return node.kids;
  const kids = [];
  if (node.level === Infinity) return (node.kids = kids);
  if (node.level < 0) {
    const groups = new Map();
    for (const i of node.list) {
      const g = GROUPS[by].of(i);
      if (!groups.has(g)) groups.set(g, []);
      groups.get(g).push(i);
    }
    for (const [g, list] of groups) {
      const kid = part(GROUPS[by].name(g), list, 0, sum(list, weights), node);
      kid.more = GROUPS[by].more?.(g);
      kids.push(kid);
    }
  } else {
    let [open, openDir, lastDir, lastTop] = [null, -1, -1, -1];
    for (const i of node.list) {
      const dir = F.dirs[i];
      if (F.dirDepths[dir] <= node.level) {
        kids.push(part(show(F.names[i]) || "/", [i], Infinity, weights[i], node));
        continue;
      }
      if (dir !== lastDir) [lastDir, lastTop] = [dir, ancestor(dir, node.level + 1)];
      // Files are sorted by directory, so that those of one come together.
      if (lastTop !== openDir) kids.push((open = part("", [], node.level + 1, 0, node))), (openDir = lastTop);
      open.list.push(i);
      open.value += weights[i];
    }
    for (const kid of kids) {
      if (kid.level === Infinity) continue;
      // A directory with nothing but one directory in it is told with that.
      const [first, last] = [F.dirs[kid.list[0]], F.dirs[kid.list[kid.list.length - 1]]];
      let depth = Math.min(F.dirDepths[first], F.dirDepths[last]);
      while (ancestor(first, depth) !== ancestor(last, depth)) depth--;
      const start = F.dirPaths[ancestor(first, node.level)].length;
      kid.dir = ancestor(first, depth);
      kid.label = show(F.dirPaths[kid.dir].slice(start));
      kid.level = depth;
    }
  }
  kids.sort((a, b) => b.value - a.value || b.list.length - a.list.length);
  return (node.kids = kids);
}

function room() {
  if (!F.n) return null;
  const has = { dir: true, layer: data.layers.length > 0, package: data.packages.length > 0, kind: data.kinds.length > 0 };
  const state = { by: "dir", colour: isDiff ? "change" : has.kind ? "kind" : "layer", area: isDiff ? "change" : "size", at: null, focus: 0 };
  const canvas = el("canvas", { tabindex: "0", role: "application", "aria-roledescription": "treemap", "aria-describedby": "map-help" });
  const frame = el("div", { class: "map-frame" }, canvas, el("div", { class: "map-mark", "aria-hidden": "true" }), el("div", { class: "map-tip", "aria-hidden": "true" }));
  const [, mark, tip] = frame.children;
  const crumbs = el("ol", { class: "crumbs" });
  const list = el("ol", { class: "parts" });
  const listTitle = el("h3", { class: "parts-title" });
  const legend = el("p", { class: "legend" });
  const toTable = el("button", { type: "button", class: "quiet" }, "Show these in the table");
  let [weights, tops, cells] = [F.weights, [], []];

  const choice = (name, title, options, value, change) => {
    const select = el("select", { id: "map-" + name }, options.map(([v, text]) => el("option", { value: v, selected: v === value }, text)));
    select.addEventListener("change", () => change(select.value));
    return el("label", {}, title + " ", select);
  };
  const group = el("fieldset", { class: "segments" }, el("legend", { class: "sr" }, "Divide the map by"),
    Object.keys(GROUPS).filter((by) => has[by]).map((by) => {
      const input = el("input", { type: "radio", name: "map-by", value: by, checked: by === state.by });
      input.addEventListener("change", () => { state.by = by; restart(); });
      return el("label", {}, input, el("span", {}, GROUPS[by].title));
    }));
  const colours = [has.kind && ["kind", "kind"], has.layer && ["layer", "layer"], has.package && ["package", "package"],
    data.verdicts.length > 0 && ["fate", "what slim does"], isDiff && ["change", "change"]].filter(Boolean);
  const controls = el("div", { class: "controls" }, group,
    colours.length > 1 ? choice("colour", "Colour", colours, state.colour, (v) => { state.colour = v; draw(); }) : null,
    isDiff ? choice("area", "Area", [["change", "what changed"], ["size", "size"]], state.area, (v) => { state.area = v; restart(); }) : null);

  const measure = () => {
    if (state.area !== "change") return F.weights;
    const changed = F.sizes.map((size, i) => Math.abs(Math.max(0, size) - Math.max(0, F.before[i])));
    if (changed.some((n) => n > 0)) return changed;
    return F.weights;
  };

  /** Which colour a file is of: the largest nine have one of their own. */
  const keys = {
    kind: (i) => F.kinds[i], layer: layerOf, package: packageOf,
    fate: fateOf, change: (i) => changeName(F.changes[i]),
  };
  const names = { kind: kindName, package: packageName, layer: GROUPS.layer.name, fate: (f) => FATES[f][0], change: (c) => c };
  const ranked = (of) => {
    const totals = new Map();
    for (const i of of) {
      const key = keys[state.colour](i);
      totals.set(key, (totals.get(key) || 0) + weights[i]);
    }
    return [...totals].sort((a, b) => b[1] - a[1]);
  };
  let ranks = new Map();
  const colourOf = (key, dark) => {
    const theme = dark ? "dark" : "light";
    const fixed = PALETTE[state.colour];
    if (fixed) return fixed[key]?.[theme] ?? PALETTE.rest[theme];
    return PALETTE[theme][ranks.get(key)] ?? PALETTE.rest[theme];
  };

  function restart() {
    weights = measure();
    const all = Array.from({ length: F.n }, (_, i) => i).filter((i) => weights[i] > 0 || state.area === "size");
    state.at = part("everything", all, state.by === "dir" ? 0 : -1, sum(all, weights), null);
    ranks = null;
    go(state.at, false);
  }

  function go(node, tell = true) {
    state.at = node;
    state.focus = 0;
    mark.hidden = true;
    tip.hidden = true;
    draw();
    if (tell) say(describe(node) + ", " + plural(tops.length, "part"));
  }

  const describe = (node) => node.label + ": " + bytes(node.value) + (isFile(node) ? "" : ", " + files(node.list.length));

  function open(node) {
    if (isFile(node)) detail(node.list[0]);
    else go(node);
  }

  function up() {
    if (state.at.parent) go(state.at.parent);
  }

  /** The tree to lay out: only what can be seen in so many square pixels. */
  function pruned(node, area, depth) {
    const out = { node, value: node.value };
    if (node.level === Infinity || depth > 9 || (depth > 0 && area < 2200)) return out;
    const kids = partsOf(node, state.by, weights);
    out.children = [];
    let [rest, hidden] = [0, []];
    for (const kid of kids) {
      const its = node.value > 0 ? (area * kid.value) / node.value : 0;
      if (its >= 36) out.children.push(pruned(kid, its, depth + 1));
      else (rest += kid.value), hidden.push(kid);
    }
    if (rest > 0) out.children.push({ value: rest, many: hidden.length });
    if (!out.children.length) delete out.children;
    return out;
  }

  const HEAD = 19;
  const headed = (d) => d.depth > 0 && d.children && d.x1 - d.x0 > 44 && d.y1 - d.y0 > 40;

  function layout() {
    const width = Math.max(260, frame.clientWidth);
    const height = Math.round(width < 560 ? Math.min(430, width * 1.15) : Math.max(380, Math.min(580, width * 0.66)));
    const tree = d3.hierarchy(pruned(state.at, width * height, 0), (d) => d.children).sum((d) => (d.children ? 0 : d.value));
    d3.treemap().size([width, height]).round(true).paddingInner(1)
      .paddingOuter((d) => (d.depth > 0 && d.children && d.x1 - d.x0 > 12 && d.y1 - d.y0 > 12 ? 2 : 0))
      .paddingTop((d) => (headed(d) ? HEAD : d.depth > 0 && d.children && d.y1 - d.y0 > 12 ? 2 : 0))(tree);
    return { tree, width, height };
  }

  function draw() {
    if (!ranks || !ranks.size || draw.colour !== state.colour) {
      draw.colour = state.colour;
      draw.totals = ranked(Array.from({ length: F.n }, (_, i) => i));
      ranks = new Map(draw.totals.map(([key], i) => [key, i]));
    }
    const { tree, width, height } = layout();
    const dark = isDark();
    const scale = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.width = width + "px";
    canvas.style.height = height + "px";
    const g = canvas.getContext("2d");
    g.scale(scale, scale);
    const ink = dark ? "#eef1f4" : "#1c2126";
    g.fillStyle = dark ? "#14171a" : "#ffffff";
    g.fillRect(0, 0, width, height);
    cells = tree.descendants();
    for (const d of cells) {
      const [w, h] = [d.x1 - d.x0, d.y1 - d.y0];
      if (w <= 0 || h <= 0 || (d.depth === 0 && d.children)) continue;
      if (d.children) {
        g.fillStyle = dark ? ["#23292f", "#2b3238", "#333b42"][d.depth % 3] : ["#e3e7eb", "#edf0f3", "#dfe4e9"][d.depth % 3];
        g.fillRect(d.x0, d.y0, w, h);
        if (headed(d)) text(g, d.data.node.label, bytes(d.data.node.value), d.x0 + 5, d.y0 + 14, w - 10, d.depth === 1 ? 600 : 400, ink);
        continue;
      }
      const key = d.data.node ? ranked(d.data.node.list)[0]?.[0] : null;
      g.fillStyle = d.data.node ? colourOf(key, dark) : dark ? "#3a4149" : "#dde1e5";
      g.fillRect(d.x0, d.y0, w, h);
      if (w < 34 || h < 17) continue;
      const label = d.data.node ? d.data.node.label : plural(d.data.many, "smaller part");
      text(g, label, null, d.x0 + 4, d.y0 + 14, w - 8, 400, ink);
      if (h > 34) text(g, bytes(d.value), null, d.x0 + 4, d.y0 + 29, w - 8, 400, dark ? "#c4ccd3" : "#4a535c");
    }
    tops = (state.at.kids || []).slice();
    labels();
    tell();
  }

  /** Draws text cut to a width; a second one at the right where both fit. */
  function text(g, label, right, x, y, width, weight, colour) {
    g.font = weight + " 12px system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif";
    g.fillStyle = colour;
    let cut = label;
    if (g.measureText(cut).width > width) {
      let [low, high] = [0, cut.length];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (g.measureText(label.slice(0, middle) + "\u2026").width <= width) low = middle;
        else high = middle - 1;
      }
      cut = low > 1 ? label.slice(0, low) + "\u2026" : "";
    }
    g.fillText(cut, x, y);
    if (!right) return;
    const [used, its] = [g.measureText(cut).width, g.measureText(right).width];
    if (used + its + 12 <= width) g.fillText(right, x + width - its, y);
  }

  function labels() {
    const many = state.at.list.length;
    canvas.setAttribute("aria-label", "Treemap of " + describe(state.at) + ". The largest parts: " +
      tops.slice(0, 5).map((t) => t.label + " " + bytes(t.value)).join(", ") + ". The list beside it has all of them.");
    const way = [];
    for (let node = state.at; node; node = node.parent) way.unshift(node);
    crumbs.replaceChildren(...way.map((node, i) => el("li", {}, i === way.length - 1
      ? el("span", { "aria-current": "location" }, el("bdi", {}, node.label))
      : el("button", { type: "button", class: "link", onclick: () => go(node) }, el("bdi", {}, node.label)))));
    listTitle.replaceChildren(el("b", {}, bytes(state.at.value)), " in " + files(many), state.at.more ? el("code", { class: "instruction" }, show(state.at.more)) : "");
    const LIMIT = 150;
    const row = (node) => {
      const button = el("button", { type: "button", class: "part", title: node.more ? show(node.more) : false },
        el("span", { class: "name" }, el("bdi", {}, node.label)),
        el("span", { class: "num" }, bytes(node.value)),
        meter(node.value, state.at.value),
        el("span", { class: "sr" }, share(node.value, state.at.value) + (isFile(node) ? ", file" : ", " + files(node.list.length))));
      button.addEventListener("click", () => {
        open(node);
        if (!isFile(node)) (list.querySelector("button") || canvas).focus();
      });
      button.addEventListener("pointerenter", () => highlight(node));
      button.addEventListener("focus", () => highlight(node));
      return el("li", {}, button);
    };
    list.replaceChildren(...tops.slice(0, LIMIT).map(row));
    if (tops.length > LIMIT) list.append(el("li", { class: "muted" }, "and " + plural(tops.length - LIMIT, "smaller part")));
    toTable.hidden = !state.at.parent;
  }

  function tell() {
    const shown = draw.totals.filter(([, total]) => total > 0).slice(0, 9);
    const rest = draw.totals.slice(shown.length).reduce((n, [, v]) => n + v, 0);
    const dark = isDark();
    legend.replaceChildren(...shown.map(([key, total]) => {
      const swatch = el("i", { class: "swatch" });
      swatch.style.backgroundColor = colourOf(key, dark);
      return el("span", { class: "key" }, swatch, names[state.colour](key) + " ", el("span", { class: "muted" }, bytes(total)));
    }));
    if (rest > 0) {
      const swatch = el("i", { class: "swatch" });
      swatch.style.backgroundColor = PALETTE.rest[dark ? "dark" : "light"];
      legend.append(el("span", { class: "key" }, swatch, "all others ", el("span", { class: "muted" }, bytes(rest))));
    }
  }

  const cellOf = (node) => cells.find((d) => d.data.node === node);
  function frameCell(d) {
    mark.hidden = !d;
    if (!d) return;
    Object.assign(mark.style, { left: d.x0 + "px", top: d.y0 + "px", width: d.x1 - d.x0 + "px", height: d.y1 - d.y0 + "px" });
  }
  const highlight = (node) => frameCell(cellOf(node));

  /** The deepest cell at a point, and the one to open there: a heading's own, or else the part of the first level. */
  function hit(event) {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let deepest = null;
    for (const d of cells) {
      if (d.depth > 0 && x >= d.x0 && x < d.x1 && y >= d.y0 && y < d.y1 && (!deepest || d.depth > deepest.depth)) deepest = d;
    }
    if (!deepest) return null;
    const head = deepest.ancestors().find((d) => d.depth > 0 && headed(d) && y < d.y0 + HEAD);
    const target = head || deepest.ancestors().find((d) => d.depth === 1);
    return { deepest, target, x, y, width: box.width };
  }

  canvas.addEventListener("pointermove", (event) => {
    const found = event.pointerType === "touch" ? null : hit(event);
    tip.hidden = !found;
    frameCell(found?.target);
    if (!found) return;
    const { deepest } = found;
    const node = deepest.data.node;
    const names = deepest.ancestors().filter((d) => d.depth > 0 && d.data.node).map((d) => d.data.node.label).reverse();
    const lines = [el("b", {}, el("bdi", {}, node ? names.join(" ").replaceAll("/ ", "/") : plural(deepest.data.many, "smaller part"))),
      el("span", {}, bytes(deepest.value) + ", " + share(deepest.value, state.at.value) + " of what is shown")];
    if (node && isFile(node)) {
      const i = node.list[0];
      const words = [kindName(F.kinds[i]), packageName(packageOf(i)), data.layers[layerOf(i)] ? "layer " + layerName(layerOf(i)) : "", verdictName(F.verdicts[i]), isDiff ? changeName(F.changes[i]) : ""];
      lines.push(el("span", {}, words.filter(Boolean).join(" \u00b7 ")));
    } else if (node) {
      const top = ranked(node.list).slice(0, 3);
      lines.push(el("span", {}, files(node.list.length) + ": " + top.map(([key, v]) => names_(key) + " " + share(v, node.value)).join(", ")));
    }
    tip.replaceChildren(...lines);
    const left = Math.min(found.x + 14, found.width - tip.offsetWidth - 4);
    tip.style.left = Math.max(4, left) + "px";
    const below = found.y + 18;
    tip.style.top = (below + tip.offsetHeight > canvas.clientHeight ? Math.max(4, found.y - tip.offsetHeight - 10) : below) + "px";
  });
  const names_ = (key) => names[state.colour](key);
  frame.addEventListener("pointerleave", () => { tip.hidden = true; mark.hidden = true; });
  canvas.addEventListener("click", (event) => {
    const node = hit(event)?.target.data.node;
    if (node) open(node);
  });
  canvas.addEventListener("focus", () => { if (canvas.matches(":focus-visible")) move(state.focus, false); });
  canvas.addEventListener("blur", () => { mark.hidden = true; });

  function move(to, tellIt = true) {
    const level = cells.filter((d) => d.depth === 1 && d.data.node);
    if (!level.length) return;
    state.focus = Math.max(0, Math.min(level.length - 1, to));
    const d = level[state.focus];
    frameCell(d);
    if (tellIt) say(describe(d.data.node) + ", " + share(d.data.node.value, state.at.value));
  }

  /** The nearest part of the first level in a direction. */
  function beside(dx, dy) {
    const level = cells.filter((d) => d.depth === 1 && d.data.node);
    const from = level[state.focus];
    if (!from) return;
    const centre = (d) => [(d.x0 + d.x1) / 2, (d.y0 + d.y1) / 2];
    const [fx, fy] = centre(from);
    let [best, least] = [-1, Infinity];
    level.forEach((d, i) => {
      const [x, y] = centre(d);
      const ahead = dx ? dx * (dx > 0 ? d.x0 - from.x1 : from.x0 - d.x1) * dx : dy * (dy > 0 ? d.y0 - from.y1 : from.y0 - d.y1) * dy;
      if (i === state.focus || ahead < -1) return;
      const gap = dx ? Math.max(0, d.y0 - from.y1, from.y0 - d.y1) : Math.max(0, d.x0 - from.x1, from.x0 - d.x1);
      const cost = ahead + 3 * gap + 0.2 * (dx ? Math.abs(y - fy) : Math.abs(x - fx));
      if (cost < least) [best, least] = [i, cost];
    });
    if (best >= 0) move(best);
  }

  canvas.addEventListener("keydown", (event) => {
    const level = () => cells.filter((d) => d.depth === 1 && d.data.node);
    const actions = {
      ArrowRight: () => beside(1, 0), ArrowLeft: () => beside(-1, 0), ArrowDown: () => beside(0, 1), ArrowUp: () => beside(0, -1),
      Home: () => move(0), End: () => move(level().length - 1),
      Enter: () => { const d = level()[state.focus]; if (d) { open(d.data.node); if (!isFile(d.data.node)) move(0, false); } },
      Escape: () => { up(); move(0, false); },
      Backspace: () => { up(); move(0, false); },
    };
    const action = actions[event.key === " " ? "Enter" : event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  });

  toTable.addEventListener("click", () => showFiles(state.at.list, way()));
  const way = () => {
    const out = [];
    for (let node = state.at; node.parent; node = node.parent) out.unshift(node.label);
    return out.join(" ").replaceAll("/ ", "/");
  };

  let last = 0;
  new ResizeObserver(() => {
    if (frame.clientWidth === last) return;
    last = frame.clientWidth;
    if (state.at) draw();
  }).observe(frame);
  redraws.push(() => state.at && draw());

  const out = section("room", isDiff ? "What changed" : "What takes the room", null, controls,
    el("nav", { "aria-label": "Where the map is" }, crumbs),
    el("div", { class: "map" }, el("div", {}, frame, legend),
      el("div", { class: "map-side" }, listTitle, list, toTable)),
    el("p", { class: "muted hint", id: "map-help" }, "Click a part to zoom in. On the keyboard: arrow keys move, Enter zooms in, Escape zooms out; the list does the same."));
  return { section: out, start: () => { last = frame.clientWidth; restart(); } };
}
