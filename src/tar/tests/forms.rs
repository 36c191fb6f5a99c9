//! Plain and GNU headers: flags, names, numbers, and how a stream ends.

use super::super::Time;
use super::super::header::{self, MAGIC_GNU};
use super::*;

#[test]
fn each_type_flag_is_its_kind() {
    let at = |flag, name: &str| Raw::new(name, flag);
    let device = |flag| at(flag, "d").number(header::MAJOR, 8).number(header::MINOR, 17);
    let parts = [
        at(b'0', "a").data("x"),
        at(0, "b").data("y"),
        at(b'7', "c").data("z"),
        at(b'1', "h").field(header::LINK, "./d//a/"),
        at(b'2', "s").field(header::LINK, "../x/./y"),
        device(b'3'),
        device(b'4'),
        at(b'5', "dir/"),
        at(b'6', "p"),
        at(0, "old/"),
        at(b'5', "./"),
        at(b'D', "dump").data("Yfile\0\0"),
        at(b'0', "last").data("last"),
    ];
    let expected = [
        ("a", Kind::File),
        ("b", Kind::File),
        ("c", Kind::File),
        ("h", Kind::hard_link("d/a")),
        ("s", Kind::symlink("../x/./y")),
        ("d", Kind::Char(8, 17)),
        ("d", Kind::Block(8, 17)),
        ("dir", Kind::Dir),
        ("p", Kind::Fifo),
        ("old", Kind::Dir),
        ("", Kind::Dir),
        ("dump", Kind::Dir),
        ("last", Kind::File),
    ];
    assert_eq!(kinds(&parts), expected.map(|(p, k)| (p.to_owned(), k)));
    let members = frame(&stream(&parts)).unwrap();
    assert!(members.windows(2).all(|w| w[0].0.span().end == w[1].0.start), "spans tile");
    assert_eq!((members[12].1.as_slice(), members[2].0.flag), (&b"last"[..], b'7'));
    assert_eq!((members[11].0.size(), members[11].0.span().end - members[11].0.start), (0, 1024));
}

#[test]
fn what_is_no_file_has_no_data_whatever_its_size_says() {
    for flag in *b"123456" {
        let liar = || Raw::new("liar", flag).field(header::LINK, "to").size(5000);
        let members = frame(&stream(&[liar(), Raw::new("next", b'0').data("n")])).unwrap();
        assert_eq!((members[0].0.size(), members[1].0.path.to_string()), (0, "next".into()));
        let by_pax = [pax(b'x', &[("size", b"5000")]), liar(), Raw::new("next", b'0')];
        assert_eq!(*frame(&stream(&by_pax)).unwrap()[1].0.path, "next");
    }
}

#[test]
fn labels_are_no_members_and_unknown_flags_are_named() {
    let parts = [Raw::new("label", b'V'), Raw::new("a", b'0'), Raw::new("label", b'V').data("?")];
    let members = frame(&stream(&parts)).unwrap();
    assert_eq!((members.len(), members[0].0.span()), (1, 512..1024));
    for flag in *b"MNAZ\xff" {
        let e = error(&[Raw::new("first", b'0'), Raw::new(b"v\xc3", flag)]);
        assert_eq!((e.kind, e.member.as_deref(), e.offset), (crate::ErrorKind::Unsupported, Some("v\\xc3"), Some(512)));
        assert!(e.what.contains(&format!("'{}'", flag.escape_ascii())), "{e}");
    }
}

#[test]
fn names_come_from_all_fields_that_may_have_them() {
    let prefixed = Raw::new("n", b'0').field(header::PREFIX, "p/q");
    assert_eq!(*one(&[prefixed]).path, "p/q/n");
    let full = "x".repeat(100);
    assert_eq!(*one(&[Raw::new(&full, b'0')]).path, full.as_str());
    let long = |flag, name: &[u8]| Raw::new("././@LongLink", flag).field(header::MAGIC, MAGIC_GNU).data(name);
    let name = [&[b'l'; 300][..], b"\xff\0junk"].concat();
    let target = [b't'; 150];
    let parts = [long(b'K', &target), long(b'L', &name), Raw::new("cut", b'2').field(header::LINK, "cut")];
    let m = one(&parts);
    assert_eq!((&**m.path, &m.kind), (&name[..301], &Kind::symlink(&target[..])));
    assert_eq!((m.start, m.data().start, m.flag), (0, 2560, b'2'));
    let over_pax = [pax(b'x', &[("path", b"by pax")]), long(b'L', b"by L\0"), Raw::new("n", b'0')];
    assert_eq!(*one(&over_pax).path, "by L");
}

#[test]
fn numbers_have_many_forms() {
    let m = one(&[Raw::new("a", b'0')
        .field(header::UID, b"\x80\0\0\0\0\x2d\xc6\xc0")
        .field(header::GID, b"    17 \0")
        .field(header::MODE, b"104755 \0")
        .field(header::MTIME, [0xff; 12])
        .field(header::SIZE, b"\x80\0\0\0\0\0\0\0\0\0\0\0")
        .field(header::UNAME, "u\0x")
        .field(header::GNAME, [b'g'; 32])]);
    assert_eq!((m.meta.attrs.uid, m.meta.attrs.gid, m.meta.attrs.mode), (3_000_000, 15, 0o4755));
    assert_eq!(m.meta.mtime, Time { secs: -1, nanos: 0 });
    assert_eq!((m.meta.attrs.uname.as_slice(), m.meta.attrs.gname.as_slice()), (&b"u"[..], &[b'g'; 32][..]));
    let v7 = one(&[Raw::new("a", 0).field(header::MAGIC, "").field(header::UNAME, "junk").data("x")]);
    assert_eq!((v7.size(), v7.meta.attrs.uname.as_slice()), (1, &b""[..]));
    let far = Raw::new("d", b'3').field(header::MINOR, b"\x80\0\0\0\xff\xff\xff\xff");
    assert_eq!(one(&[far]).kind, Kind::Char(0, u32::MAX));
}

#[test]
fn the_end_is_two_zero_blocks_or_one_or_none() {
    let member = Raw::new("a", b'0').data("x").bytes();
    for (tail, rest) in [(vec![], 0), (vec![0; 512], 0), (vec![0; 1024], 0), (vec![0; 10240], 9216)] {
        let bytes = [&member[..], &tail].concat();
        let mut framer = Framer::new(&bytes[..]);
        assert!(framer.next().unwrap().is_some());
        assert!(framer.next().unwrap().is_none() && framer.next().unwrap().is_none());
        assert_eq!((framer.members_end, framer.position()), (1024, (bytes.len() - rest) as u64));
        assert_eq!(framer.into_inner().len(), rest, "never reads on");
    }
    let junk = [&member[..], &[0; 1024], b"junk that is no tar"].concat();
    assert_eq!(frame(&junk).unwrap().len(), 1);
    assert!(frame(b"").unwrap().is_empty());
    assert!(frame(&[0; 1024]).unwrap().is_empty());
    let e = frame(&[&member[..], &[0; 512], &member].concat()).unwrap_err();
    assert_eq!((e.kind, e.offset), (crate::ErrorKind::Layer, Some(1024)));
}
