//! PAX headers, local and global, and sparse files in all their forms.

use super::super::Sparse;
use super::super::header::{self, MAGIC_GNU};
use super::*;

#[test]
fn local_records_describe_one_member() {
    let records: &[(&str, &[u8])] = &[
        ("path", b"./p\xc3\xa9/\xff"),
        ("linkpath", b"/t//x"),
        ("uid", b"4294967296"),
        ("gid", b"5000000"),
        ("mtime", b"-1.25"),
        ("uname", b"user"),
        ("gname", b"group"),
        ("hdrcharset", b"BINARY"),
        ("SCHILY.xattr.user.k", b"a\0\n=b"),
        ("atime", b"1.5"),
        ("comment", b"c"),
        ("VENDOR.k", b"v"),
    ];
    let parts = [pax(b'x', records), Raw::new("cut", b'1'), Raw::new("plain", b'0')];
    let members = frame(&stream(&parts)).unwrap();
    let m = &members[0].0;
    assert_eq!((&**m.path, &m.kind), (&b"p\xc3\xa9/\xff"[..], &Kind::hard_link("t/x")));
    assert_eq!(
        (m.meta.attrs.uid, m.meta.attrs.gid, m.meta.mtime.secs, m.meta.mtime.nanos),
        (1 << 32, 5_000_000, -2, 750_000_000)
    );
    assert_eq!(
        (m.meta.attrs.uname.to_string(), m.meta.attrs.gname.to_string(), m.global),
        ("user".into(), "group".into(), false)
    );
    let keys: Vec<_> = m.meta.attrs.records.iter().map(|(k, _)| k.to_string()).collect();
    assert_eq!(keys, ["SCHILY.xattr.user.k", "atime", "comment", "VENDOR.k"]);
    assert_eq!(m.meta.attrs.records[0].1, "a\0\n=b");
    assert_eq!((members[1].0.meta.attrs.records.len(), members[1].0.meta.attrs.uid), (0, 0));
}

#[test]
fn a_size_record_counts_and_not_the_field() {
    let parts = [pax(b'x', &[("size", b"3")]), Raw::new("a", b'0').data("abc").size(0), Raw::new("b", b'0')];
    let members = frame(&stream(&parts)).unwrap();
    assert_eq!((members[0].1.as_slice(), members.len()), (&b"abc"[..], 2));
}

#[test]
fn global_records_hold_until_the_end_and_leave_gaps() {
    let global: &[(&str, &[u8])] = &[("uid", b"7"), ("mtime", b"9.5"), ("VENDOR.g", b"g"), ("comment", b"abc")];
    let parts = [
        Raw::new("before", b'0'),
        pax(b'g', global),
        Raw::new("a", b'0').number(header::UID, 1),
        pax(b'x', &[("uid", b"8"), ("VENDOR.g", b""), ("mtime", b"3")]),
        Raw::new("b", b'0'),
        pax(b'g', &[("uid", b""), ("mtime", b""), ("VENDOR.g", b"")]),
        Raw::new("c", b'0').number(header::UID, 2),
    ];
    let members = frame(&stream(&parts)).unwrap();
    let seen: Vec<_> = members.iter().map(|(m, _)| (m.meta.attrs.uid, m.meta.mtime.secs, m.global, m.span())).collect();
    let spans = [(0, 0, false, 0..512), (7, 9, true, 1536..2048), (8, 3, false, 2048..3584), (2, 0, false, 4608..5120)];
    assert_eq!(seen, spans);
    assert_eq!(members[1].0.meta.attrs.records, [("VENDOR.g".into(), "g".into())]);
    assert!(members[2].0.meta.attrs.records.is_empty() && members[3].0.meta.attrs.records.is_empty());
    let only_comment = [pax(b'g', &[("comment", b"abc")]), Raw::new("a", b'0')];
    let m = one(&only_comment);
    assert!(!m.global && m.meta.attrs.records.is_empty() && m.start == 1024);
}

const MAP: [(u64, u64); 3] = [(0, 512), (1024, 3), (5000, 100)];
const REAL: u64 = 6000;

fn check(m: &Member, data: &[u8], path: &str) {
    assert_eq!((m.path.to_string(), m.size(), &m.kind), (path.to_owned(), REAL, &Kind::File));
    assert_eq!(**m.sparse.as_ref().unwrap(), Sparse { real_size: REAL, map: MAP.to_vec() });
    assert_eq!(data, chunks());
}

/// Returns the stored data: all chunks.
fn chunks() -> Vec<u8> {
    (0..615u32).map(|i| (i % 251) as u8).collect()
}

/// Returns the map as all writers write it, with an empty chunk at the end.
fn numbers() -> Vec<String> {
    MAP.iter().chain([&(REAL, 0)]).flat_map(|(o, n)| [o.to_string(), n.to_string()]).collect()
}

#[test]
fn pax_sparse_files_of_each_version() {
    let numbers = numbers();
    let mut v00: Vec<(&str, &[u8])> = vec![("GNU.sparse.size", b"6000"), ("GNU.sparse.numblocks", b"4")];
    for pair in numbers.chunks(2) {
        v00.push(("GNU.sparse.offset", pair[0].as_bytes()));
        v00.push(("GNU.sparse.numbytes", pair[1].as_bytes()));
    }
    let joined = numbers.join(",");
    let v01: [(&str, &[u8]); 4] = [
        ("GNU.sparse.size", b"6000"),
        ("GNU.sparse.numblocks", b"4"),
        ("GNU.sparse.name", b"real"),
        ("GNU.sparse.map", joined.as_bytes()),
    ];
    let v10: [(&str, &[u8]); 4] = [
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"real"),
        ("GNU.sparse.realsize", b"6000"),
    ];
    let mut text = format!("4\n{}\n", numbers.join("\n")).into_bytes();
    text.resize(512, 0);
    text.extend(chunks());
    let next = || Raw::new("next", b'0');
    let parts = [
        pax(b'x', &v00),
        Raw::new("v00", b'0').data(chunks()),
        pax(b'x', &v01),
        Raw::new("GNUSparseFile.1/x", b'0').data(chunks()),
        pax(b'x', &v10),
        Raw::new("GNUSparseFile.1/x", b'0').data(text),
        next(),
    ];
    let members = frame(&stream(&parts)).unwrap();
    for ((m, data), path) in members.iter().zip(["v00", "real", "real"]) {
        check(m, data, path);
        assert!(m.meta.attrs.records.is_empty());
    }
    assert_eq!((members[3].0.path.to_string(), members.len()), ("next".into(), 4));
}

pub(super) fn old_gnu(first: &[(u64, u64)], rest: &[&[(u64, u64)]]) -> Raw {
    let fields = |map: &[(u64, u64)]| -> Vec<u8> {
        map.iter().flat_map(|(o, n)| format!("{o:011o} {n:011o} ").into_bytes()).collect()
    };
    let mut raw = Raw::new("old", b'S').field(header::MAGIC, MAGIC_GNU).data(chunks());
    raw = raw.field(header::SPARSE, fields(first)).number(header::SPARSE_SIZE, REAL);
    raw.block[header::SPARSE_MORE] = u8::from(!rest.is_empty());
    let mut blocks = Vec::new();
    for (i, map) in rest.iter().enumerate() {
        let mut block = fields(map);
        block.resize(504, 0);
        block.push(u8::from(i + 1 < rest.len()));
        block.resize(512, 0);
        blocks.extend(block);
    }
    raw.body.splice(..0, blocks);
    raw
}

#[test]
pub(super) fn old_gnu_sparse_files_with_and_without_extension_blocks() {
    for (raw, start) in [(old_gnu(&MAP, &[]), 512), (old_gnu(&MAP[..1], &[&MAP[1..2], &MAP[2..], &[(REAL, 0)]]), 2048)]
    {
        let members = frame(&stream(&[raw, Raw::new("next", b'0')])).unwrap();
        check(&members[0].0, &members[0].1, "old");
        assert_eq!((members[0].0.data().start, members[0].0.span()), (start, 0..start + 1024));
    }
    // GNU headers have times where others have the prefix.
    let timed = old_gnu(&MAP, &[]).field(header::PREFIX.start..header::PREFIX.start + 12, "14000000000");
    assert_eq!(*one(&[timed]).path, "old");
}

#[test]
fn sparse_files_of_holes_alone_have_an_empty_map() {
    let hole = Some(Box::new(Sparse { real_size: 1 << 40, map: vec![] }));
    let v01: [(&str, &[u8]); 2] = [("GNU.sparse.size", b"1099511627776"), ("GNU.sparse.numblocks", b"0")];
    assert_eq!(one(&[pax(b'x', &v01), Raw::new("a", b'0')]).sparse, hole);
    let v10: [(&str, &[u8]); 3] =
        [("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.realsize", b"1099511627776")];
    assert_eq!(one(&[pax(b'x', &v10), Raw::new("a", b'0').data([&b"0\n"[..], &[0; 510]].concat())]).sparse, hole);
}

#[test]
fn broken_maps_are_errors_with_their_place() {
    let bad: [&[(u64, u64)]; 4] = [
        &[(0, 512), (511, 103)],               // overlap
        &[(1024, 515), (0, 100)],              // descending
        &[(0, 515), (5901, 100)],              // beyond the size
        &[(0, 615), (1 << 32, (1 << 33) - 1)], // far beyond
    ];
    for map in bad {
        let e = error(&[Raw::new("first", b'0'), old_gnu(map, &[])]);
        assert_eq!(
            (e.kind, e.member.as_deref(), e.offset),
            (crate::ErrorKind::Layer, Some("old"), Some(512)),
            "{map:?}"
        );
        let e = error(&[old_gnu(&[], &[map])]);
        assert_eq!((e.member.as_deref(), e.offset), (Some("old"), Some(512)), "{map:?}");
    }
    let e = error(&[old_gnu(&MAP[..2], &[])]);
    assert!(e.what.contains("differs from its map"), "{e}");
    assert_eq!((e.expected.as_deref(), e.found.as_deref()), (Some("515 bytes"), Some("615")));
    let bad_pax: [&[(&str, &[u8])]; 11] = [
        &[("GNU.sparse.size", b"9"), ("GNU.sparse.map", b"0,1,2")],
        &[("GNU.sparse.size", b"9"), ("GNU.sparse.map", b"0,-1")],
        &[("GNU.sparse.size", b"9"), ("GNU.sparse.map", b"0,1,0,1")],
        &[("GNU.sparse.size", b"9"), ("GNU.sparse.map", b"8,2")],
        &[("GNU.sparse.size", b"9"), ("GNU.sparse.map", b"8,18446744073709551615")],
        &[("GNU.sparse.size", b"9"), ("GNU.sparse.map", b"0,0"), ("GNU.sparse.numblocks", b"2")],
        &[("GNU.sparse.map", b"0,0")],
        &[("GNU.sparse.size", b"9"), ("GNU.sparse.numbytes", b"0")],
        &[("GNU.sparse.size", b"9"), ("GNU.sparse.offset", b"0"), ("GNU.sparse.offset", b"0")],
        &[("GNU.sparse.size", b"18446744073709551615"), ("GNU.sparse.map", b"0,0")],
        &[("GNU.sparse.major", b"2"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.size", b"9")],
    ];
    for records in bad_pax {
        let e = error(&[pax(b'x', records), Raw::new("sparse", b'0')]);
        assert_eq!((e.kind, e.member.as_deref()), (crate::ErrorKind::Layer, Some("sparse")), "{records:?} {e}");
    }
    assert_eq!(error(&[pax(b'x', &[("GNU.sparse.size", b"9")]), Raw::new("d", b'5')]).member.as_deref(), Some("d"));
    let v10: [(&str, &[u8]); 3] =
        [("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.realsize", b"99")];
    for text in ["", "1\n0\n", "x\n", "-1\n", "1048577\n", "1\n0\n100\n", "\n", "99999999999999999999999\n"] {
        for size in [text.len(), 512] {
            let mut text = text.as_bytes().to_vec();
            text.resize(size, 0);
            let e = error(&[pax(b'x', &v10), Raw::new("sparse", b'0').data(text)]);
            assert_eq!((e.kind, e.member.as_deref()), (crate::ErrorKind::Layer, Some("sparse")), "{e}");
        }
    }
}
