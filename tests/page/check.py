#!/usr/bin/env python3
"""Opens pages of slim in headless Chromium and uses them as people do: by mouse, by keyboard, on a phone, on paper.

    cargo run --example page-sample -- target/page [ANALYZE.json PLAN.json]
    tests/page/check.py target/page [--shots DIR]

Says so and leaves with 0 where there is no Chromium; with 1 where a page does what it must not.
"""

import argparse
import base64
import os
import sys
import time

from browser import Browser, find

WIDTHS = (400, 800, 1300)
LIMIT_BYTES, LIMIT_SECONDS = 5_000_000, 2.0
failures = []


def expect(what, good, found=""):
    print(f"  {'ok  ' if good else 'FAIL'} {what}" + (f": {found}" if found != "" else ""))
    if not good:
        failures.append(what)


def common(browser, path):
    """What holds of every page."""
    name = os.path.basename(path)
    for width, dark in ((width, dark) for width in WIDTHS for dark in (False, True)):
        browser.open(path, width=width, height=844, dark=dark, phone=width < 640)
        browser.settle()
        where = f"{name} at {width} px, {'dark' if dark else 'light'}"
        expect(f"{where}: no errors, no requests", not browser.troubles(), browser.troubles() or "")
        over = browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        expect(f"{where} is not wider than the screen", over <= 0, over)
        ready = browser.run("performance.getEntriesByName('slim:ready')[0].startTime / 1000")
        expect(f"{where} is ready after {ready:.2f} s", ready < LIMIT_SECONDS)
        menu(browser, where)
        told(browser, where)
    size = os.path.getsize(path)
    expect(f"{name}: {size:,} bytes", size < LIMIT_BYTES)
    unnamed = [f"{role(node)} {node['nodeId']}" for node in browser.send("Accessibility.getFullAXTree")["nodes"]
               if not node.get("ignored") and role(node) in ("button", "combobox", "searchbox", "link", "grid", "radio", "application", "region", "table", "navigation")
               and not node.get("name", {}).get("value", "").strip()]
    expect(f"{name}: everything to act on has a name", not unnamed, unnamed[:5] or "")
    levels = browser.run("[...document.querySelectorAll('main h1, main h2, main h3')].map(h => +h.tagName[1])")
    expect(f"{name}: headings skip no level", levels[:1] == [1] and all(b <= a + 1 for a, b in zip(levels, levels[1:])))


def menu(browser, where):
    """Every section is reached from the bar: by a link that is seen whole, or behind the button."""
    inside = """(() => [...document.querySelectorAll('#menu-list a')].filter(a => { const r = a.getBoundingClientRect();
      return !(r.width > 0 && r.left >= 0 && r.right <= innerWidth && r.bottom <= innerHeight
        && document.elementFromPoint((r.left + r.right) / 2, (r.top + r.bottom) / 2) === a
        && document.elementFromPoint(r.left + 2, (r.top + r.bottom) / 2) === a && document.elementFromPoint(r.right - 2, (r.top + r.bottom) / 2) === a); })
      .map(a => a.textContent))()"""
    links = browser.run("document.querySelectorAll('#menu-list a').length")
    if browser.run("document.getElementById('menu').hidden"):
        expect(f"{where}: the bar shows all {links} sections", not browser.run(inside), browser.run(inside) or "")
        return
    browser.run("document.getElementById('menu').focus()")
    browser.key("Enter")
    cut = browser.run(inside)
    scrolls = browser.run("(l => l.scrollHeight > l.clientHeight)(document.getElementById('menu-list'))")
    expect(f"{where}: the menu opens and shows all {links} sections", scrolls or not cut, cut or "")
    browser.key("Escape")
    closed = browser.run("[getComputedStyle(document.getElementById('menu-list')).display, document.activeElement.id]")
    expect(f"{where}: Escape closes the menu", closed == ["none", "menu"], closed)
    browser.key("Enter")
    browser.run("document.documentElement.style.scrollBehavior = 'auto'; document.querySelector('#menu-list a').click()")
    browser.settle()
    top = browser.run("[document.querySelector('section').getBoundingClientRect().top, getComputedStyle(document.getElementById('menu-list')).display]")
    expect(f"{where}: the menu leads to a section", top[1] == "none" and top[0] < 844, top)
    browser.run("scrollTo(0, 0)")


def told(browser, where):
    """What all readers must be able to tell: whiteouts, findings, failures, the figures of the head."""
    whiteouts = browser.run(
        "JSON.parse(document.getElementById('data').textContent).files.names.split('\\n').filter(n => n.startsWith('.wh.'))")
    expect(f"{where}: no whiteout is a file", not whiteouts, whiteouts[:3] or "")
    findings = browser.run("(f => f && [f.querySelectorAll('details').length, f.querySelectorAll('details[open]').length, f.querySelectorAll('.findings-list li').length])(document.getElementById('findings'))")
    expect(f"{where}: findings are folded", not findings or (findings[0] > 0 and findings[1:] == [0, 0]), findings or "")
    wordless = browser.run("[...document.querySelectorAll('td.bad, .choices .bad')].map(n => n.textContent).filter(t => !t.includes('failed'))")
    expect(f"{where}: failures have a word", not wordless, wordless or "")
    plain = browser.run("[...document.querySelectorAll('td, .choices span')].filter(n => n.textContent.startsWith('\u2717') && getComputedStyle(n).color === getComputedStyle(document.body).color).length")
    expect(f"{where}: failures are coloured", plain == 0, plain or "")
    risks = browser.run("(t => t && [...t.querySelectorAll('.risk')].map(n => n.textContent))(document.querySelector('.choices'))") or []
    order = ["none", "low", "opt-in"]
    expect(f"{where}: the lowest risk comes first", risks == sorted(risks, key=order.index), risks or "")


def head(browser, path):
    """The figures for those who decide."""
    browser.open(path)
    line = browser.run("document.querySelector('.headline').textContent")
    expect("the head says what can be saved", line == "1.47 GB \u2192 960.0 MB without risk (840.0 MB with low risk)", line)
    cells = "[...document.querySelectorAll('.choices tbody tr')].map(r => [...r.children].slice(2).map(c => c.textContent))"
    rows = browser.run(cells)
    expect("the head has a pull and ten tags", rows[0] == ["1.47 GB", "47 s", "5.88 GB"] and rows[1][1:] == ["about 31 s", "about 3.84 GB"], rows[:2])
    browser.run("document.getElementById('tags').focus(); document.getElementById('tags').select()")
    browser.type("25")
    rows = browser.run(cells)
    expect("the number of tags is the reader's", rows[0][2] == "14.70 GB" and "25 tags" in browser.run("document.querySelector('.choices thead').textContent"), rows[0])


def folded(browser, path):
    """Findings are opened on the keyboard."""
    browser.open(path)
    browser.run("document.querySelector('#findings summary').focus()")
    browser.key("Enter")
    expect("a finding opens", browser.run("document.querySelectorAll('#findings details[open] .findings-list li').length") > 0)


def role(node):
    return node.get("role", {}).get("value")


def rows(browser):
    return browser.run("[...document.querySelectorAll('.grid-body .grid-row')].map(r => [...r.children].map(c => c.textContent))")


def status(browser):
    return browser.run("document.getElementById('files-sum').textContent")


def crumbs(browser):
    return browser.run("[...document.querySelectorAll('.crumbs li')].map(c => c.textContent)")


def table(browser, path, word):
    """Search, sort, filter and the keyboard in the table of files."""
    browser.open(path)
    total = browser.run("+document.querySelector('.grid').getAttribute('aria-rowcount') - 1")
    in_view = len(rows(browser))
    expect("only rows in view are in the document", 0 < in_view < 120 and in_view <= total, f"{in_view} of {total}")
    browser.run("document.getElementById('search').focus()")
    start = time.monotonic()
    browser.type(word)
    found = rows(browser)
    expect(f"a search for {word}", found and all(word in r[0].lower() for r in found) and " of " in status(browser), f"{status(browser)}, {time.monotonic() - start:.2f} s")
    browser.run("document.getElementById('search').select()")
    browser.type("no such file anywhere")
    expect("a search for nothing there", rows(browser) == [] and status(browser).startswith("0 of"), status(browser))
    browser.run("document.getElementById('search').select()")
    browser.key("Backspace")
    browser.run("document.getElementById('search').value = ''; document.getElementById('search').dispatchEvent(new Event('input'))")
    browser.settle()
    expect("without words all are back", len(rows(browser)) == in_view, status(browser))
    heads = browser.run("[...document.querySelectorAll('[role=columnheader]')].map(h => h.textContent)")
    for title in heads:
        head = f"[...document.querySelectorAll('[role=columnheader]')].find(h => h.textContent === {title!r})"
        for _ in range(2):
            browser.run(f"{head}.querySelector('button').click()")
            browser.settle()
        way = browser.run(f"{head}.getAttribute('aria-sort')")
        expect(f"sorts by {title}", way in ("ascending", "descending"), f"{way}, first {rows(browser)[0][heads.index(title)]!r}")
    browser.run("document.querySelector('.grid').focus()")
    browser.key("End")
    active = browser.run("document.querySelector('.grid').getAttribute('aria-activedescendant')")
    expect("End goes to the last row", active == f"row-{total - 1}" and browser.run(f"!!document.getElementById('{active}')"), active)
    browser.key("Home")
    browser.key("ArrowDown")
    browser.key("Enter")
    expect("Enter tells of a file", browser.run("document.getElementById('detail').open && document.querySelectorAll('#detail dt').length > 3"))
    browser.key("Escape")
    expect("Escape goes back to the table", browser.run("!document.getElementById('detail').open && document.activeElement.className === 'grid'"))
    kinds = browser.run("[...document.querySelectorAll('#filter-kind option')].length")
    if kinds > 2:
        browser.run("{const s = document.getElementById('filter-kind'); s.selectedIndex = 2; s.dispatchEvent(new Event('change'))}")
        expect("filters by kind", " of " in status(browser), status(browser))
    expect("the table: no errors", not browser.troubles(), browser.troubles() or "")


def treemap(browser, path):
    """The map by mouse, by keyboard and as a list."""
    browser.open(path)
    browser.run("document.querySelector('canvas').scrollIntoView({block: 'center', behavior: 'instant'})")
    browser.settle()
    for by in browser.run("[...document.querySelectorAll('[name=map-by]')].map(i => i.value)"):
        browser.run(f"document.querySelector('[name=map-by][value={by}]').click()")
        browser.settle()
        parts = browser.run("[...document.querySelectorAll('.part')].slice(0, 4).map(p => p.querySelector('.name').textContent + ' ' + p.querySelector('.num').textContent)")
        expect(f"by {by}", len(parts) > 0, parts)
    browser.run("document.querySelector('[name=map-by]').click()")
    browser.settle()
    box = browser.run("(b => [b.left, b.top, b.width, b.height])(document.querySelector('canvas').getBoundingClientRect())")
    browser.click(box[0] + box[2] * 0.2, box[1] + box[3] * 0.4)
    expect("a click zooms in", len(crumbs(browser)) >= 2, crumbs(browser))
    browser.run("document.querySelector('.crumbs button').click()")
    browser.settle()
    expect("a crumb goes back", len(crumbs(browser)) == 1, crumbs(browser))
    browser.run("document.querySelector('canvas').focus()")
    browser.key("Enter")
    expect("Enter zooms in", len(crumbs(browser)) == 2, crumbs(browser))
    browser.key("ArrowRight")
    browser.key("ArrowDown")
    said = browser.run("document.getElementById('live').textContent")
    expect("arrows move and are told", "%" in said, said)
    browser.key("Escape")
    expect("Escape zooms out", len(crumbs(browser)) == 1, crumbs(browser))
    browser.run("document.querySelector('.part').focus()")
    browser.key("Enter")
    expect("the list zooms in", len(crumbs(browser)) == 2 and browser.run("document.activeElement.className") == "part", crumbs(browser))
    browser.run("[...document.querySelectorAll('.map-side button')].at(-1).click()")
    browser.settle()
    expect("its files are shown in the table", " of " in status(browser), status(browser))
    expect("the map: no errors", not browser.troubles(), browser.troubles() or "")


def colours(browser, path):
    """Light and dark, by the system and by hand."""
    back = "getComputedStyle(document.body).backgroundColor"
    browser.open(path)
    light = browser.run(back)
    browser.media(dark=True)
    dark = browser.run(back)
    expect("dark where the system is", light != dark, f"{light} {dark}")
    found = []
    for _ in range(3):
        browser.run("document.getElementById('theme').click()")
        found.append((browser.run("document.getElementById('theme').textContent"), browser.run(back)))
    expect("the button takes turns", found == [("Light", light), ("Dark", dark), ("Auto", dark)], found)
    contrast = """(() => {
      const c = (s) => s.match(/[\\d.]+/g).slice(0, 3).map(Number).map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
      const l = (s) => { const [r, g, b] = c(s); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const probe = document.body.appendChild(document.createElement('p'));
      const of = (name) => { probe.style.color = `var(--${name})`; return l(getComputedStyle(probe).color); };
      const backs = ['bg', 'raised', 'hover'].map(of);
      const out = {};
      for (const name of ['ink', 'muted', 'accent', 'waste-ink', 'save-ink', 'error', 'warning'])
        out[name] = Math.min(...backs.map(b => (Math.max(b, of(name)) + 0.05) / (Math.min(b, of(name)) + 0.05))).toFixed(2);
      probe.remove(); return out; })()"""
    for dark in (False, True):
        browser.media(dark=dark)
        ratios = browser.run(contrast)
        expect(f"contrast in {'dark' if dark else 'light'}", all(float(r) >= 4.5 for r in ratios.values()), ratios)


def paper(browser, path):
    """On paper the first rows are a plain table."""
    browser.open(path)
    pdf = base64.b64decode(browser.send("Page.printToPDF", printBackground=True)["data"])
    browser.media(kind="print")
    browser.run("window.dispatchEvent(new Event('beforeprint'))")
    printed = browser.run("[getComputedStyle(document.querySelector('.grid')).display, document.querySelectorAll('.print-only tr').length, getComputedStyle(document.querySelector('.bar')).display]")
    expect("prints a table instead of the grid", printed[0] == "none" and printed[1] > 1 and printed[2] == "none" and len(pdf) > 10_000, f"{printed}, {len(pdf):,} bytes")
    return pdf


def hostile(browser, path):
    """Names of files are text, whatever they hold."""
    browser.open(path)
    browser.settle()
    found = browser.run("[window.broken === undefined, document.images.length, document.scripts.length, document.querySelector('h1').textContent]")
    expect("names do not become markup", found[:3] == [True, 0, 3] and found[3].startswith("</script><img"), found)
    shown = " ".join(r[0] for r in rows(browser))
    expect("what is no text is told as in the report", "\\xff\\xfe" in shown and "\\n" in shown and "⟨U+202E⟩" in shown and "⟨U+2028⟩" in shown)


def pictures(browser, dir, shots):
    os.makedirs(shots, exist_ok=True)
    for name in ("image", "image-diff", "compare", "hostile", "empty", "one", "diff"):
        path = f"{dir}/{name}.html"
        if not os.path.exists(path):
            continue
        for width, dark in ((width, dark) for width in WIDTHS for dark in (False, True)):
            browser.open(path, width=width, dark=dark, phone=width < 640)
            browser.settle()
            browser.shot(f"{shots}/{name}-{width}-{'dark' if dark else 'light'}.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", nargs="?", default="target/page")
    parser.add_argument("--shots", help="save pictures there")
    args = parser.parse_args()
    program = find()
    if not program:
        print("skipped: there is no Chromium (apt-get install chromium, or set CHROMIUM)")
        return 0
    pages = sorted(p for p in os.listdir(args.dir) if p.endswith(".html"))
    if not pages:
        print(f"no pages in {args.dir}: run cargo run --example page-sample -- {args.dir}")
        return 1
    browser = Browser(program)
    try:
        for page in pages:
            common(browser, f"{args.dir}/{page}")
        big = next(f"{args.dir}/{p}" for p in ("doubled.html", "image.html", "hostile.html") if p in pages)
        table(browser, big, "lib" if "hostile" not in big else "tmp")
        treemap(browser, big)
        colours(browser, big)
        pdf = paper(browser, big)
        hostile(browser, f"{args.dir}/hostile.html")
        head(browser, f"{args.dir}/compare.html")
        folded(browser, f"{args.dir}/hostile.html")
        browser.open(f"{args.dir}/empty.html")
        expect("an empty image says so", "nothing in this image" in browser.run("document.querySelector('main').textContent"))
        browser.open(f"{args.dir}/diff.html")
        expect("a difference is told", {r[1] for r in rows(browser)} == {"same", "added", "removed", "changed", "moved"}, status(browser))
        if args.shots:
            pictures(browser, args.dir, args.shots)
            with open(f"{args.shots}/print.pdf", "wb") as out:
                out.write(pdf)
    finally:
        browser.close()
    print(f"{len(failures)} failures" if failures else "all good")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
