// Puts the page together, and sees to light and dark.

const redraws = [];
const scheme = window.matchMedia("(prefers-color-scheme: dark)");
let printing = false;
const isDark = () => !printing && (root.dataset.theme ? root.dataset.theme === "dark" : scheme.matches);
const redraw = () => redraws.forEach((f) => f());

function theme() {
  const button = $("theme");
  const modes = ["", "light", "dark"];
  const store = (value) => {
    // A page from a file may have nowhere to store it.
    try {
      if (value === undefined) return localStorage.getItem("slim-theme") || "";
      localStorage.setItem("slim-theme", value);
    } catch {
      return "";
    }
  };
  const set = (mode) => {
    if (mode) root.dataset.theme = mode;
    else delete root.dataset.theme;
    const name = { "": "Auto", light: "Light", dark: "Dark" }[mode];
    button.textContent = name;
    button.setAttribute("aria-label", "Colours: " + name + ". Change");
    redraw();
  };
  const stored = store();
  set(modes.includes(stored) ? stored : "");
  button.addEventListener("click", () => {
    const next = modes[(modes.indexOf(root.dataset.theme || "") + 1) % modes.length];
    store(next);
    set(next);
  });
  scheme.addEventListener("change", redraw);
  const print = (on) => () => {
    printing = on;
    redraw();
  };
  window.addEventListener("beforeprint", print(true));
  window.addEventListener("afterprint", print(false));
}

/** Links to the sections: in the bar if they fit, and otherwise behind a button. */
function menu(sections) {
  const [nav, button, list] = [$("nav"), $("menu"), $("menu-list")];
  list.append(...sections.map((s) => el("a", { href: "#" + s.id }, s.dataset.title)));
  const open = (on) => {
    nav.classList.toggle("open", on);
    button.setAttribute("aria-expanded", String(on));
  };
  button.addEventListener("click", () => open(!nav.classList.contains("open")));
  list.addEventListener("click", () => open(false));
  nav.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !nav.classList.contains("open")) return;
    open(false);
    button.focus();
  });
  nav.addEventListener("focusout", (event) => { if (event.relatedTarget && !nav.contains(event.relatedTarget)) open(false); });
  document.addEventListener("click", (event) => { if (!nav.contains(event.target)) open(false); });
  const fit = () => {
    nav.classList.remove("folded");
    const folded = list.scrollWidth > list.clientWidth;
    nav.classList.toggle("folded", folded);
    button.hidden = !folded;
    if (!folded) open(false);
  };
  new ResizeObserver(fit).observe(nav.parentElement);
  fit();
}

function footer() {
  const licence = el("details", {}, el("summary", {}, "Licence of d3-hierarchy, which lays out the treemap"),
    el("pre", {}, document.scripts[1].textContent.split("*/")[0].replace(/^\/\*\n/, "")));
  const made = document.querySelector("meta[name=generator]").content;
  return [el("p", {}, "Made by " + made + ". This page is one file and loads nothing." + (data.id ? " The image's id is " + show(data.id) + "." : ""), data.command ? [" ", command(data.command)] : ""), licence];
}

function start() {
  const main = $("main");
  main.querySelector("h1").replaceChildren(el("bdi", {}, show(data.title)));
  document.title = show(data.title) + " \u2013 slim";
  const [map, list] = [room(), fileTable()];
  const generic = [...data.bars.map((b, i) => bars(b, "bars-" + i)),
    ...data.tables.map((t, i) => section("table-" + i, t.title, t.about, table(t.columns, t.rows, t.title)))];
  const told = data.view === "analyze"
    ? [target(), reasons(), waste(), profiles(), map?.section, layers(), findings(), ...generic, list?.section]
    : [target(), ...generic, map?.section, list?.section, layers(), waste(), profiles(), findings()];
  const sections = told.filter(Boolean);
  main.append(...[
    data.subtitle ? el("p", { class: "subtitle" }, show(data.subtitle)) : null,
    summary(),
    facts(),
    data.notes.length ? el("ul", { class: "notes" }, data.notes.map((n) => el("li", {}, sentence(n)))) : null,
    sections.length ? null : el("p", { class: "none" }, "There is nothing in this image."),
    ...sections].filter(Boolean));
  menu(sections);
  $("foot").append(...footer());
  theme();
  map?.start();
  list?.start();
  requestAnimationFrame(() => {
    performance.mark("slim:ready");
    root.dataset.ready = "true";
  });
}

start();
