use super::*;
use crate::source::testing::Tar;

struct Slice<'a>(&'a [u8]);

impl Walk for Slice<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = buf.len().min(self.0.len());
        buf[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }

    fn skip(&mut self, n: u64) -> io::Result<u64> {
        let n = self.0.len().min(usize::try_from(n).unwrap_or(usize::MAX));
        self.0 = &self.0[n..];
        Ok(n as u64)
    }
}

fn list(bytes: &[u8]) -> Result<Vec<Entry>> {
    index(&mut Slice(bytes))
}

#[test]
fn members_are_listed_with_their_offsets() {
    let long = format!("{}/layer.tar", "d".repeat(200));
    let tar = Tar::new().file("./a", b"abc").symlink("l", "../x").file(&long, b"").hard_link("h", "a").end();
    let entries = list(&tar).unwrap();
    let paths: Vec<&[u8]> = entries.iter().map(|e| e.path.as_slice()).collect();
    assert_eq!(paths, [&b"a"[..], b"l", long.as_bytes(), b"h"]);
    assert_eq!((entries[0].offset, entries[0].size, &entries[0].kind), (512, 3, &Type::File));
    assert_eq!(entries[1].kind, Type::Symlink("../x".into()));
    assert_eq!(entries[3].kind, Type::HardLink("a".into()));
}

#[test]
fn pax_and_base_256_sizes_count() {
    let pax = Tar::new().raw(b'x', "p", b"12 path=x/y\n10 size=3\n").file("short", b"abc").end();
    let entries = list(&pax).unwrap();
    assert_eq!((entries[0].path.as_slice(), entries[0].size), (&b"x/y"[..], 3));
    assert_eq!(number(b"\x80\0\0\0\0\0\0\x02\0\0\0\0"), Some(8 << 30));
    assert_eq!(number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None);
    assert_eq!(number(b"00000000017\0"), Some(15));
    assert_eq!(number(b"0000x"), None);
}

#[test]
fn a_cut_at_any_byte_is_an_error_or_the_end_of_a_member() {
    let tar = Tar::new().file("a", b"abc").file("b", &[7; 600]).end();
    for cut in 0..512 * 5 {
        match list(&tar[..cut]) {
            Ok(entries) => assert!(entries.len() < 2 || cut >= 512 * 3 + 600, "{cut}"),
            Err(e) => assert_eq!(e.kind, ErrorKind::Archive),
        }
    }
}

#[test]
fn what_is_broken_is_named_with_its_offset() {
    let huge = Tar::new().file("ok", b"").sized("huge", 1 << 60).end();
    let e = list(&huge).unwrap_err();
    assert_eq!((e.member.as_deref(), e.what.as_str()), (Some("huge"), "the archive ends within a member"));
    assert_eq!(list(b"<!DOCTYPE html><html></html>").unwrap_err().what, "not a tar archive");
    assert_eq!(list(&[b'x'; 2048]).unwrap_err().what, "not a tar archive");
    let mut flipped = Tar::new().file("a", b"").file("b", b"").end();
    flipped[512] = b'c';
    assert_eq!(list(&flipped).unwrap_err().offset, Some(512));
    let escape = Tar::new().file("../../etc/passwd", b"x").end();
    assert_eq!(list(&escape).unwrap_err().what, "name leads out of the archive");
    let pax = Tar::new().raw(b'x', "p", b"99 path=x\n").file("a", b"").end();
    assert_eq!(list(&pax).unwrap_err().what, "wrong PAX header");
    assert!(list(&Tar::new().raw(b'L', "l", &[b'a'; (1 << 20) + 1]).end()).is_err());
    assert!(list(&[0; 4096]).unwrap().is_empty());
}
