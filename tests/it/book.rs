//! Pages of the book that are made from the sources, kept true. `SLIM_UPDATE_DOCS=1 cargo test book` writes them.

use std::fs;
use std::path::Path;

/// The commands with a JSON form whose keys the head of a source file lists.
const FORMS: [(&str, &str); 4] = [
    ("slim --report", "src/report/json.rs"),
    ("slim plan --json", "src/explain/json.rs"),
    ("slim analyze --json", "src/analyze/json.rs"),
    ("slim diff --json", "src/diff/json.rs"),
];

const HEAD: &str = "# The JSON forms

This page is made from the sources; a test fails where it is not up to date. Sizes are bytes. What is not known or does not apply is
`null`. Readers must ignore keys that they do not know. Digests are `sha256:HEX`. Paths of the image are relative to its root, without
a leading slash, and escaped as in `--removed`: tabs, line feeds, backslashes and bytes that are not UTF-8 are `\\t`, `\\n`, `\\\\` and
`\\xNN`.

`slim compare --json` and `slim verify --json` have the fields of the structs in `src/compare/mod.rs` and
`src/verify/findings.rs`, in camelCase.
";

/// The head of a source file, without the marks of comments and of links to code.
fn head(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let text = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n");
    text.replace("[`super::escape`]", "`--removed`").replace("[`crate::report::escape`]", "`--removed`")
}

#[test]
fn the_page_of_json_forms_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut page = HEAD.to_owned();
    for (command, source) in FORMS {
        let text = head(&fs::read_to_string(root.join(source)).unwrap());
        assert!(text.contains("| key | meaning |"), "{source} lists no keys");
        page += &format!("\n## `{command}`\n\n{}\n", text.trim_end());
    }
    let path = root.join("docs/src/reference/json.md");
    if std::env::var_os("SLIM_UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == page,
        "{} is stale: SLIM_UPDATE_DOCS=1 cargo test book",
        path.display()
    );
}
