use crate::packages::{Manager, Sums};
use std::ops::Range;

const SUMS: Sums = Sums { sha256: [0xab; 32], legacy: Some(([0xcd; 16], [0xef; 20])) };

fn found(manager: &str, at: &str, text: &str) -> Vec<(String, String, String)> {
    let part = |range: Range<usize>| text[range].to_owned();
    let manager = Manager::named(manager).unwrap();
    let rows = manager.rows(at.as_bytes(), text.as_bytes());
    rows.map(|r| (String::from_utf8(r.path).unwrap(), part(r.checksum), part(r.size))).collect()
}

fn row(path: &str, checksum: &str, size: &str) -> (String, String, String) {
    (path.to_owned(), checksum.to_owned(), size.to_owned())
}

#[test]
fn rows_of_record() {
    let text = "a/b.so,sha256=XY,12\r\n\"a,\"\"b\"\".py\",sha256=Z,3\n../../../bin/t,,\n/opt/x,sha256=Q,1\nbad\na,b,c,d\n\"x\n";
    assert_eq!(
        found("pip", "v/lib/site-packages/a-1.dist-info/RECORD", text),
        [
            row("v/lib/site-packages/a/b.so", "sha256=XY", "12"),
            row("v/lib/site-packages/a,\"b\".py", "sha256=Z", "3"),
            row("v/lib/site-packages/../../../bin/t", "", ""),
            row("/opt/x", "sha256=Q", "1"),
        ]
    );
}

#[test]
fn rows_of_md5sums() {
    let sum = "0123456789abcdef0123456789abcdef";
    let text = format!("{sum}  usr/bin/a b\n{sum} usr/bin/c\n{sum} *usr/bin/d\nshort  x\n{sum}  \n{sum}  lib/é.so");
    let want = [row("usr/bin/a b", sum, ""), row("usr/bin/d", sum, ""), row("lib/é.so", sum, "")];
    assert_eq!(found("dpkg", "", &text), want);
}

#[test]
fn rows_of_apk() {
    let text = "P:musl\nF:\nR:top\nZ:Q1top=\nF:lib\nR:a.so\na:0:0:755\nZ:Q1abc=\nR:none\nR:b.so\nZ:Q2other\n\nP:x\nZ:Q1stray=\n";
    let want = [row("top", "Q1top=", ""), row("lib/a.so", "Q1abc=", ""), row("lib/b.so", "Q2other", "")];
    assert_eq!(found("apk", "", text), want);
}

#[test]
fn checksums_as_each_writes_them() {
    let text = |manager, sums| {
        let manager = Manager::named(manager).unwrap();
        manager.checksum(sums, b"Q1old").map(|c| String::from_utf8(c).unwrap())
    };
    assert_eq!(text("pip", &SUMS).unwrap(), "sha256=q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s");
    assert_eq!(text("dpkg", &SUMS).unwrap(), "cd".repeat(16));
    assert_eq!(text("apk", &SUMS).unwrap(), "Q17+/v7+/v7+/v7+/v7+/v7+/v7+8=");
    assert_eq!(Manager::named("apk").unwrap().checksum(&SUMS, b"Q2other"), None);
    let without = Sums { legacy: None, ..SUMS };
    assert_eq!(text("dpkg", &without), None);
    assert!(text("pip", &without).is_some());
}
