//! Tests with diffs made by hand, compared as text.

use super::text::{Options, lines, render};
use super::*;
use crate::analyze::Head;
use crate::report::paint::Paint;

fn side() -> Side {
    let head = Head { path: "a.tar".to_owned(), platform: "linux/amd64".to_owned(), ..Head::default() };
    Side { head, record: None, bytes: 1_000_000, blob_bytes: 1_000_000, reclaimable_bytes: 0, paths: 10, layers: 1 }
}

fn entry(kind: &'static str, bytes: u64) -> Option<Entry> {
    Some(Entry { kind, size: bytes, mode: 0o644, uid: 0, gid: 0, mtime: Some(0), target: None, layer: 1, bytes })
}

fn change(path: &str, status: Status, before: Option<Entry>, after: Option<Entry>) -> Change {
    Change { path: path.into(), status, aspects: Vec::new(), from: None, before, after }
}

fn diff(files: Vec<Change>) -> Diff {
    Diff {
        before: side(),
        after: side(),
        files,
        same: 1,
        packages: Vec::new(),
        directories: Vec::new(),
        layers: Vec::new(),
        config: Vec::new(),
    }
}

#[test]
fn what_came_or_went_with_its_directory_is_one_line() {
    let diff = diff(vec![
        change("d", Status::Removed, entry("dir", 512), None),
        change("d/a", Status::Removed, entry("file", 1024), None),
        change("d/e", Status::Removed, entry("dir", 512), None),
        change("d/e/f", Status::Removed, entry("file", 1024), None),
        change("d.txt", Status::Removed, entry("file", 1024), None),
        change("n", Status::Added, None, entry("dir", 512)),
        change("n/r", Status::Renamed, entry("file", 2048), entry("file", 2048)),
        change("n/x", Status::Added, None, entry("file", 2048)),
    ]);
    let told: Vec<(String, u64, u64, u64)> =
        lines(&diff).iter().map(|l| (l.path(), l.files, l.before, l.after)).collect();
    let expected = [("d/", 4, 3072, 0), ("n/", 2, 0, 2560), ("d.txt", 1, 1024, 0), ("n/r", 1, 2048, 2048)];
    assert_eq!(told, expected.map(|(path, files, before, after)| (path.to_owned(), files, before, after)));
}

#[test]
fn names_steer_neither_a_terminal_nor_a_page() {
    let mut hostile = diff(vec![change("a\x1b[2J|`<b>", Status::Added, None, entry("file", 1024))]);
    hostile.config.push(ConfigChange {
        field: "Env".to_owned(),
        name: Some("X\x1b".to_owned()),
        before: None,
        after: Some("<img>|\n@all".to_owned()),
    });
    let text = render(&hostile, &Options { width: 80, paint: Paint(false), detail: 2 });
    assert!(!text.contains('\x1b'), "{text}");
    let page = markdown::render(&hostile);
    assert!(
        !page.contains('\x1b') && !page.contains("<b>") && !page.contains("<img>") && !page.contains("@all"),
        "{page}"
    );
    assert!(page.contains("a&#92;x1b&#91;2J&#124;&#96;&lt;b&gt;"), "{page}");
}

#[test]
fn a_comment_fits_whatever_differs() {
    let long = "p".repeat(200);
    let files = (0..50_000).map(|i| change(&format!("{long}/{i}"), Status::Added, None, entry("file", i)));
    let mut large = diff(files.collect());
    let sum = Sum { bytes_after: 1, files_after: 1, ..Sum::default() };
    large.packages = (0..5000)
        .map(|i| PackageChange {
            manager: "npm",
            name: format!("{long}{i}"),
            status: Status::Added,
            before: Vec::new(),
            after: vec!["1".to_owned()],
            sum: sum.clone(),
        })
        .collect();
    let page = markdown::render(&large);
    assert!(page.chars().count() < 60_000, "{}", page.chars().count());
    assert_eq!(page.matches("<details>").count(), page.matches("</details>").count());
}
