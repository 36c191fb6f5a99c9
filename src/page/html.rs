//! The page as HTML: the template with style, scripts and data inserted. Nothing of the image reaches the markup except the
//! title: everything else is JSON in a block that is not run, and the script inserts it as text. Scripts and styles may run by
//! their hash alone.

use super::Page;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use std::io::{self, Write};

const TEMPLATE: &str = include_str!("assets/page.html");
const STYLE: &str = include_str!("assets/page.css");
/// The script that lays out treemaps: d3-hierarchy 3.1.2, ISC licence.
pub(super) const VENDOR: &str = concat!(
    "/*\nd3-hierarchy 3.1.2, https://d3js.org/d3-hierarchy/\n\n",
    include_str!("assets/vendor/d3-hierarchy.LICENSE"),
    "*/\n",
    include_str!("assets/vendor/d3-hierarchy.min.js")
);
pub(super) const SCRIPT: &str = concat!(
    "\"use strict\";\n(() => {\n",
    include_str!("assets/core.js"),
    include_str!("assets/head.js"),
    include_str!("assets/sections.js"),
    include_str!("assets/treemap.js"),
    include_str!("assets/files.js"),
    include_str!("assets/page.js"),
    "})();\n"
);

/// Renders the whole page. The bytes depend on `page` and the version of slim alone.
#[must_use]
pub fn render(page: &Page) -> String {
    let data = data(page);
    let csp = format!(
        "default-src 'none'; script-src '{}' '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
        hash(VENDOR),
        hash(SCRIPT),
        hash(STYLE)
    );
    let mut out = String::with_capacity(data.len() + TEMPLATE.len() + STYLE.len() + VENDOR.len() + SCRIPT.len() + 1024);
    let mut rest = TEMPLATE;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        match name {
            "csp" => out.push_str(&csp),
            "version" => out.push_str(env!("CARGO_PKG_VERSION")),
            "title" => text(&page.title, &mut out),
            "style" => out.push_str(STYLE),
            "data" => out.push_str(&data),
            "vendor" => out.push_str(VENDOR),
            "script" => out.push_str(SCRIPT),
            _ => {}
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Writes the whole page.
///
/// # Errors
/// Returns an error if writing to `out` fails.
pub fn write(page: &Page, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(render(page).as_bytes())
}

/// Returns the page as JSON that can stand in a `<script>`: nothing in it ends the element or begins a comment, and it has no
/// line separator of JavaScript. These characters occur only in JSON's strings, where each may be written as an escape.
pub(super) fn data(page: &Page) -> String {
    // A page has string keys and no maps, so this cannot fail.
    let json = serde_json::to_string(page).unwrap_or_else(|_| "{}".to_owned());
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out
}

/// Adds `text` as text of an element.
fn text(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

/// Returns the name of an inline script or style in a content security policy.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}
