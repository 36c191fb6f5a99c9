//! Tests of the bytes that synthesis writes.

use super::super::synth::{header, padding};
use super::super::{Attrs, Meta, Sparse, Time};
use super::*;

fn meta() -> Meta {
    attrs().into()
}

fn attrs() -> Attrs {
    Attrs { mode: 0o644, ..Attrs::default() }
}

fn made(path: &[u8], kind: &Kind, meta: &Meta, stored: usize, sparse: Option<&Sparse>) -> (Vec<u8>, Member) {
    let bytes = header(path, kind, meta, stored as u64, sparse);
    let mut whole = bytes.clone();
    whole.extend(vec![b'd'; stored]);
    whole.resize(whole.len() + usize::try_from(padding(stored as u64)).unwrap(), 0);
    let mut members = frame(&whole).unwrap();
    assert_eq!(members.len(), 1);
    let member = members.remove(0).0;
    assert_eq!(member.span(), 0..whole.len() as u64);
    assert_eq!((&**member.path, &member.kind, &member.meta), (path, kind, meta));
    assert_eq!(member.sparse.as_deref(), sparse);
    (bytes, member)
}

#[test]
fn what_fits_is_plain_ustar() {
    let attrs = Attrs {
        mode: 0o4755,
        uid: 0o7_777_777,
        gid: 1,
        uname: "u".repeat(31).into(),
        gname: "g".into(),
        records: vec![],
    };
    let meta = Meta { mtime: Time { secs: (1 << 33) - 1, nanos: 0 }, attrs: attrs.into() };
    let (bytes, _) = made(b"usr/bin/x", &Kind::File, &meta, 1000, None);
    assert_eq!(bytes.len(), 512);
    assert_eq!(&bytes[..10], b"usr/bin/x\0");
    assert_eq!(&bytes[100..148], b"0004755\x007777777\x000000001\x0000000001750\x0077777777777\0");
    assert_eq!(&bytes[156..158], b"0\0");
    assert_eq!(&bytes[257..265], b"ustar\x0000");
    assert_eq!(&bytes[297..299], b"g\0");
    assert_eq!(&bytes[329..345], b"0000000\x000000000\0");
}

#[test]
fn directories_end_in_a_slash_and_the_root_is_a_dot() {
    assert_eq!(&made(b"", &Kind::Dir, &meta(), 0, None).0[..3], b"./\0");
    assert_eq!(&made(b"a/b", &Kind::Dir, &meta(), 0, None).0[..5], b"a/b/\0");
    let (bytes, _) = made(b"l", &Kind::hard_link("a/b"), &meta(), 0, None);
    assert_eq!((&bytes[156..161], &bytes[124..136]), (&b"1a/b\0"[..], &b"00000000000\0"[..]));
    assert_eq!(header(b"l", &Kind::symlink("t"), &meta(), 99, None)[124..136], *b"00000000000\0");
}

#[test]
fn names_are_split_where_they_can_be_and_go_to_pax_where_not() {
    let name = |dir: usize, base: usize| format!("{}/{}", "d".repeat(dir), "b".repeat(base)).into_bytes();
    for (path, kind, blocks) in [
        (vec![b'n'; 100], Kind::File, 1),
        (vec![b'n'; 99], Kind::Dir, 1),
        (vec![b'n'; 100], Kind::Dir, 3),
        (vec![b'n'; 101], Kind::File, 3),
        (name(155, 100), Kind::File, 1),
        (name(155, 99), Kind::Dir, 1),
        (name(155, 100), Kind::Dir, 3),
        (name(156, 50), Kind::File, 3),
        (name(50, 101), Kind::File, 3),
        (name(155, 101), Kind::File, 3),
        (b"d/".repeat(127).iter().copied().chain(*b"e").collect(), Kind::File, 1),
        (vec![b'\xff'; 101], Kind::File, 3),
    ] {
        let (bytes, m) = made(&path, &kind, &meta(), 0, None);
        assert_eq!(bytes.len(), blocks * 512, "{} {kind:?}", m.path);
        let first = [b'0', b'5', b'x', b'L'].iter().position(|&f| f == bytes[156]);
        assert_eq!(first == Some(3), blocks == 3 && path[0] == 0xff);
    }
    let target: bstr::BString = "t".repeat(101).into();
    assert_eq!(made(b"l", &Kind::symlink(target.clone()), &meta(), 0, None).0.len(), 1536);
    assert_eq!(made(b"l", &Kind::symlink("t".repeat(100)), &meta(), 0, None).0.len(), 512);
    assert_eq!(made(b"l", &Kind::hard_link(target), &meta(), 0, None).0[156], b'x');
    let both = Kind::symlink([b'\xfe'; 200]);
    let with = Attrs { records: vec![("VENDOR.k".into(), "v".into())], ..attrs() }.into();
    let (bytes, _) = made(&[b'\xff'; 200], &both, &with, 0, None);
    assert_eq!((bytes[156], bytes[1024 + 156], bytes[2048 + 156], bytes.len()), (b'L', b'K', b'x', 7 * 512));
}

#[test]
fn what_does_not_fit_is_in_pax_records_in_a_fixed_order() {
    let attrs = Attrs {
        mode: 0,
        uid: 1 << 21,
        gid: u64::from(u32::MAX),
        uname: "u".repeat(32).into(),
        gname: [b'\xff'; 40].into(),
        records: vec![("z".into(), "1".into()), ("a".into(), [b'v'; 90].into())],
    };
    let meta = Meta { mtime: Time { secs: -2, nanos: 750_000_000 }, attrs: attrs.into() };
    let path = [&[b'p'; 120][..], b"\xc3\xa9\n"].concat();
    let (bytes, _) = made(&path, &Kind::File, &meta, 0, None);
    assert_eq!(&bytes[..100], [&b"PaxHeaders.0/"[..], &[b'p'; 87]].concat());
    assert_eq!(&bytes[100..124], b"0000644\x000000000\x000000000\0");
    assert_eq!(&bytes[136..148], b"00000000000\0");
    let body = String::from_utf8_lossy(&bytes[512..]).into_owned();
    let keys: Vec<_> =
        ["path=", "uid=2097152\n", "gid=4294967295\n", "mtime=-1.25\n", "uname=", "gname=", " z=1\n", " a="]
            .iter()
            .map(|key| body.find(key).unwrap_or_else(|| panic!("{key}")))
            .collect();
    assert!(keys.is_sorted());
    assert!(body.contains("95 a=") || body.contains("96 a="), "{body}");
    let odd = header(b"x/\xc3\xa9 \n", &Kind::File, &meta, 0, None);
    assert_eq!(&odd[..18], b"PaxHeaders.0/__ _\0");
}

#[test]
fn numbers_on_the_edge() {
    for secs in [i64::MIN, -1, 0, (1 << 33) - 1, 1 << 33, i64::MAX] {
        for nanos in [0, 1, 999_999_999, 500_000_000] {
            made(b"t", &Kind::Fifo, &Meta { mtime: Time { secs, nanos }, ..meta() }, 0, None);
        }
    }
    for id in [0, (1 << 21) - 1, 1 << 21, u64::MAX] {
        made(b"i", &Kind::Dir, &Attrs { uid: id, gid: id, ..attrs() }.into(), 0, None);
    }
    for n in [0, (1 << 21) - 1, 1 << 21, u32::MAX] {
        made(b"d", &Kind::Char(n, 1), &meta(), 0, None);
        assert_eq!(made(b"d", &Kind::Block(1, n), &meta(), 0, None).0.len(), 512);
    }
    let big = header(b"big", &Kind::File, &meta(), 1 << 33, None);
    assert_eq!((&big[512..531], &big[1024 + 124..1024 + 136]), (&b"19 size=8589934592\n"[..], &b"00000000000\0"[..]));
    assert_eq!([0, 1, 511, 512, 513].map(padding), [0, 511, 1, 0, 511]);
}

#[test]
fn sparse_files_are_pax_1_0() {
    let map = vec![(512, 512), (4096, 1000)];
    let (bytes, m) = made(b"dir/file", &Kind::File, &meta(), 1512, Some(&Sparse { real_size: 9000, map }));
    assert_eq!((m.flag, m.data().start, m.size()), (b'0', 2048, 9000));
    assert_eq!(&bytes[1024..1052], b"dir/GNUSparseFile.0/file\0\0\0\0");
    assert_eq!(&bytes[1024 + 124..1024 + 136], b"00000003750\0");
    assert!(bytes[1536..].starts_with(b"3\n512\n512\n4096\n1000\n9000\n0\n\0"));
    // A chunk at the very end needs no mark.
    let (bytes, _) = made(b"f", &Kind::File, &meta(), 100, Some(&Sparse { real_size: 600, map: vec![(500, 100)] }));
    assert!(bytes[1536..].starts_with(b"1\n500\n100\n\0"));
    made(b"hole", &Kind::File, &meta(), 0, Some(&Sparse { real_size: 1 << 40, map: vec![] }));
    made(b"empty", &Kind::File, &meta(), 0, Some(&Sparse { real_size: 0, map: vec![] }));
    made(&[b'n'; 300], &Kind::File, &meta(), 0, Some(&Sparse { real_size: 5, map: vec![] }));
    let many: Vec<_> = (0..1000).map(|i| (i * 1024, 512)).collect();
    made(b"many", &Kind::File, &meta(), 512_000, Some(&Sparse { real_size: 1 << 30, map: many }));
}
