//! Broken streams: an error with its place, never a panic, never much memory, never a hang.

use super::super::header;
use super::*;
use crate::{Error, ErrorKind};
use std::io::{self, BufRead, BufReader};

#[test]
fn truncation_anywhere_is_an_error_that_names_the_member() {
    let parts = [
        pax(b'x', &[("path", b"first"), ("VENDOR.k", &[b'v'; 600])]),
        Raw::new("cut", b'0').data([b'd'; 700]),
        Raw::new("second", b'0').data("x"),
    ];
    let bytes = stream(&parts);
    for n in 0..bytes.len() {
        let e = match (frame(&bytes[..n]), n) {
            (Ok(members), 0) if members.is_empty() => continue,
            (Ok(members), 3072) => {
                assert_eq!(members.len(), 1, "no end marker");
                continue;
            }
            (Ok(_), _) => panic!("{n}"),
            (Err(e), _) => e,
        };
        assert_eq!(e.kind, ErrorKind::Layer);
        // After the extended headers there is no name for the member yet.
        assert_eq!(e.offset, Some(if n == 1536 { 0 } else { n as u64 }), "{n}: {e}");
        let member = match n {
            512..1536 => Some("PaxHeaders/x"),
            2048..3072 => Some("first"),
            3584.. => Some("second"),
            _ => None,
        };
        assert_eq!(e.member.as_deref(), member, "{n}: {e}");
    }
    let e = frame(&bytes[..2100]).unwrap_err();
    assert_eq!(e.to_string(), "member first: at byte 2100: truncated data: expected 700 bytes, found 52");
    let e = frame(&bytes[..3585]).unwrap_err();
    assert_eq!(e.to_string(), "member second: at byte 3585: truncated padding: expected 511 bytes, found 0");
}

#[test]
fn data_that_end_too_soon_fail_for_their_reader_and_for_the_next_member() {
    let bytes = Raw::new("a", b'0').data([1; 600]).bytes();
    let mut framer = Framer::new(&bytes[..700]);
    assert!(framer.next().unwrap().is_some());
    let e = Error::from(io::copy(&mut framer.data(), &mut io::sink()).unwrap_err());
    assert_eq!((e.what.as_str(), e.found.as_deref()), ("truncated data", Some("188")));
    assert!(framer.next().is_err() && framer.next().is_err(), "no clean end after an error");
}

#[test]
fn bad_fields_are_errors_with_member_and_offset() {
    let raw = || Raw::new("bad", b'0');
    let cases = [
        raw().field(header::SIZE, "0000000009"),
        raw().field(header::MODE, "rw-r--r-"),
        raw().field(header::UID, [0xff; 8]),
        raw().field(header::GID, "12 3"),
        raw().field(header::MTIME, "now"),
        raw().field(header::SIZE, [0xff; 12]),
        raw().field(header::SIZE, b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"),
        raw().field(header::SIZE, b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"),
        raw().field(header::SIZE, b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xfc\x00"),
        Raw::new("bad", b'3').field(header::MAJOR, b"\x80\0\0\x01\0\0\0\0"),
        Raw::new("bad", b'4').field(header::MINOR, "9"),
        Raw::new("bad", b'1'),
        Raw::new("bad", b'1').field(header::LINK, "../out"),
        Raw::new("bad", b'L').field(header::SIZE, "4000001"),
        Raw::new("bad", b'x').field(header::SIZE, "100000001"),
        Raw::new("bad", b'g').field(header::SIZE, "77777777777"),
        Raw::new("bad", b'V').field(header::SIZE, "x"),
    ];
    for case in cases {
        let e = error(&[Raw::new("good", b'0'), case]);
        assert_eq!((e.kind, e.member.as_deref(), e.offset), (ErrorKind::Layer, Some("bad"), Some(512)), "{e}");
    }
    let e = error(&[Raw::new("../x", b'0')]);
    assert_eq!(e.found.as_deref(), Some("\"../x\""));
    let e = error(&[Raw::new("good", b'0'), Raw::new("x", b'0').checksum(b"0000000\0")]);
    assert_eq!((e.member, e.offset, e.found.as_deref()), (None, Some(512), Some("0")));
    let huge = Raw::new("huge", b'0').field(header::SIZE, b"\x80\0\0\0\x10\0\0\0\0\0\0\0");
    assert_eq!(error(&[huge]).expected.as_deref(), Some("1152921504606846976 bytes"));
}

#[test]
fn bad_records_are_errors_with_their_offset() {
    let body = |body: &str| Raw::new("x", b'x').data(body);
    for (text, offset) in [("6 a=b\n8 a=b\n", 1030), ("12 path=a\0b\n", 1024), ("13 linkpath=\0\n", 1024)] {
        let e = error(&[Raw::new("good", b'0'), body(text), Raw::new("bad", b'0')]);
        assert_eq!((e.kind, e.member.as_deref(), e.offset), (ErrorKind::Layer, Some("bad"), Some(offset)), "{e}");
    }
    for (key, value) in [("size", "-1"), ("size", "1x"), ("size", "9223372036854775807"), ("uid", "-1"), ("mtime", "x")]
    {
        let e = error(&[pax(b'x', &[(key, value.as_bytes())]), Raw::new("bad", b'0')]);
        assert_eq!((e.kind, e.member.as_deref(), e.offset), (ErrorKind::Layer, Some("bad"), Some(1024)), "{key} {e}");
    }
    assert!(frame(&stream(&[pax(b'x', &[("uid", b"1")])])).is_err(), "no member after it");
    let alone = [pax(b'x', &[("uid", b"1")]).bytes(), vec![0; 1024], Raw::new("a", b'0').bytes()].concat();
    assert!(frame(&alone).is_err(), "the end after it");
    assert!(frame(&stream(&[pax(b'x', &[]), pax(b'g', &[]), Raw::new("a", b'0')])).is_err());
}

#[test]
fn global_records_cannot_ask_for_unlimited_memory() {
    let value = vec![b'v'; 1 << 20];
    let mut parts = vec![pax(b'g', &[("VENDOR.big", &value)])];
    parts.extend((0..100).map(|i| Raw::new(format!("f{i}"), b'0')));
    let e = error(&parts);
    assert_eq!((e.kind, e.member.as_deref()), (ErrorKind::Layer, Some("f63")), "{e}");
    let keys: Vec<String> = (0..20).map(|i| format!("VENDOR.{i}")).collect();
    let e = error(&keys.iter().map(|key| pax(b'g', &[(key, &value)])).collect::<Vec<_>>());
    assert!(e.what.contains("too much"), "{e}");
    let many: Vec<String> = (0..70_000).map(|i| format!("{i}")).collect();
    let records: Vec<(&str, &[u8])> = many.iter().map(|k| (k.as_str(), &b"v"[..])).collect();
    assert!(error(&[pax(b'x', &records), Raw::new("a", b'0')]).what.contains("too many records"));
}

/// Fails with an error of its own after some bytes, and with `Interrupted` before each.
struct Failing<'a> {
    good: BufReader<&'a [u8]>,
    kind: io::ErrorKind,
    interrupt: bool,
}

impl io::Read for Failing<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(out)?;
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Failing<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.interrupt = !self.interrupt;
        if self.interrupt {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.good.fill_buf()?.is_empty() {
            let own = Error::new(ErrorKind::Digest, "wrong digest");
            return Err(if self.kind == io::ErrorKind::Other { own.into() } else { self.kind.into() });
        }
        Ok(self.good.buffer())
    }

    fn consume(&mut self, n: usize) {
        self.good.consume(n);
    }
}

#[test]
fn the_readers_own_errors_stay_as_they_are() {
    let bytes = stream(&[pax(b'x', &[("path", b"name")]), Raw::new("a", b'0').data([1; 1000])]);
    for n in [0, 100, 512, 600, 1024, 1100, 1536, 2000, 2540, bytes.len()] {
        for kind in [io::ErrorKind::Other, io::ErrorKind::UnexpectedEof] {
            let good = BufReader::with_capacity(100, &bytes[..n]);
            let mut framer = Framer::new(Failing { good, kind, interrupt: false });
            let e = loop {
                match framer.next() {
                    Ok(member) => assert!(member.is_some()),
                    Err(e) => break e,
                }
            };
            let expected = if kind == io::ErrorKind::Other { ErrorKind::Digest } else { ErrorKind::Io };
            assert_eq!((e.kind, e.member, e.offset), (expected, None, None), "{n}");
        }
    }
}
