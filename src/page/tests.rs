//! Tests of things that the page must never do, and of equal bytes for equal pages.

use super::html::{SCRIPT, VENDOR, data};
use super::{Fact, Fate, File, Finding, Page, Value, Verdict, render};
use base64::Engine as _;
use sha2::{Digest as _, Sha256};

const HOSTILE: &str = "</script><img src=x onerror=alert(1)><!--\u{2028}&\"'";

fn hostile() -> Page {
    Page {
        title: HOSTILE.into(),
        facts: vec![Fact { label: HOSTILE.into(), value: Value::Path(b"a\xff<b".into()), ..Fact::default() }],
        verdicts: vec![Verdict { fate: Fate::Drop, rule: HOSTILE.into(), ..Verdict::default() }],
        files: vec![
            File { path: HOSTILE.into(), size: Some(1), verdict: Some(7), ..File::default() },
            File { path: b"bin/\xff\x1b\n".into(), size: Some(2), ..File::default() },
        ],
        findings: vec![Finding { path: b"\xfe".into(), message: HOSTILE.into(), ..Finding::default() }],
        ..Page::default()
    }
}

#[test]
fn nothing_of_an_image_becomes_markup() {
    let page = hostile();
    let html = render(&page);
    let empty = render(&Page::default());
    for opening in ["<script", "</script", "<!--", "<img", "<style", "</style"] {
        assert_eq!(html.matches(opening).count(), empty.matches(opening).count(), "{opening}");
    }
    assert!(!data(&page).contains(['<', '>', '&', '\u{2028}', '\u{2029}']));
    assert!(html.contains("<title>&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&lt;!--"));
}

#[test]
fn the_data_is_json_that_says_what_was_put_in() {
    let json: serde_json::Value = serde_json::from_str(&data(&hostile())).unwrap();
    assert_eq!(json["title"], HOSTILE);
    assert_eq!(json["facts"][0]["value"]["path"], "a\\xff<b");
    assert_eq!(json["files"]["names"], "script><img src=x onerror=alert(1)><!--\u{2028}&\"'\n\\xff\\x1b\\n");
    assert_eq!(json["findings"][0]["path"], "\\xfe");
    assert_eq!(json["verdicts"][0]["fate"], "drop");
}

#[test]
fn scripts_run_by_their_hash_and_load_nothing() {
    let html = render(&hostile());
    let policy = html.split("Security-Policy\" content=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let blocks = |open: &str, close: &str| -> Vec<String> {
        html.split(open).skip(1).map(|rest| rest.split(close).next().unwrap().to_owned()).collect()
    };
    let run = blocks("<script>", "</script>").into_iter().chain(blocks("<style>", "</style>"));
    let hashes: Vec<String> = run
        .map(|text| format!("'sha256-{}'", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text))))
        .collect();
    assert_eq!(hashes.len(), 3);
    for hash in hashes {
        assert!(policy.contains(&hash), "{hash} is not in {policy}");
    }
    for request in [" src=", "url(", "@import", "fetch(", "XMLHttpRequest", "innerHTML", "insertAdjacentHTML", "\r"] {
        assert!(!render(&Page::default()).contains(request), "{request}");
    }
    assert!(!SCRIPT.contains("</") && !SCRIPT.contains("<!--") && !VENDOR.contains("</"));
    assert!(VENDOR.contains("Permission to use, copy, modify"));
}

#[test]
fn the_same_page_is_the_same_bytes() {
    let mut other = hostile();
    other.files.reverse();
    assert_eq!(render(&hostile()), render(&other));
}
