//! Any member through synthesis and framing, and framing of archives with random damage.

use super::super::synth;
use super::super::{Attrs, Meta, Sparse, Time};
use super::*;
use bstr::BString;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

/// A member as synthesis gets it: its path, kind, metadata, sparse layout and data.
type Made = (BString, Kind, Meta, Option<Sparse>, Vec<u8>);

fn text(most: usize) -> impl Strategy<Value = BString> {
    let bytes = prop_oneof![vec(1..=255u8, 0..=most), vec(b'a'..=b'z', 0..=most), vec(Just(b'x'), 95..=105)];
    let utf8 = "[a-zé日 \n]{0,40}".prop_map(String::into_bytes);
    prop_oneof![3 => bytes, 1 => utf8].prop_map(BString::from)
}

fn path() -> impl Strategy<Value = BString> {
    let part = text(60).prop_filter_map("a component", |part| {
        let part: Vec<u8> = part.iter().copied().filter(|&b| b != b'/').collect();
        (!part.is_empty() && part != b"." && part != b"..").then_some(part)
    });
    vec(part, 1..8).prop_map(|parts| parts.join(&b'/').into())
}

fn kind() -> impl Strategy<Value = Kind> {
    let device = || (any::<u32>(), prop_oneof![any::<u32>(), 0..300u32]);
    prop_oneof![
        5 => Just(Kind::File),
        1 => path().prop_map(Kind::hard_link),
        1 => text(200).prop_filter("a target", |t| !t.is_empty()).prop_map(Kind::symlink),
        1 => Just(Kind::Dir),
        1 => device().prop_map(|(a, b)| Kind::Char(a, b)),
        1 => device().prop_map(|(a, b)| Kind::Block(a, b)),
        1 => Just(Kind::Fifo),
    ]
}

fn meta() -> impl Strategy<Value = Meta> {
    let id = || prop_oneof![0..3000u64, any::<u64>(), 0o7_777_770..0o10_000_010u64];
    let secs = prop_oneof![0..2_000_000_000i64, any::<i64>(), -9..9i64];
    let nanos = prop_oneof![Just(0), 0..1_000_000_000u32, Just(500_000_000)];
    let key = "[A-Zv][A-Za-z.]{0,12}|SCHILY[.]xattr[.]user[.][a-z=]{0,9}".prop_map(|k| k.replace('=', "-"));
    let records = btree_map(key, vec(any::<u8>(), 1..120), 0..4);
    (0..0o10000u32, id(), id(), secs, nanos, text(40), text(40), records).prop_map(
        |(mode, uid, gid, secs, nanos, uname, gname, records)| {
            let records = records.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
            let attrs = Attrs { mode, uid, gid, uname, gname, records };
            Meta { mtime: Time { secs, nanos }, attrs: attrs.into() }
        },
    )
}

/// Holes and chunks in turn, and the size of the hole at the end.
fn sparse() -> impl Strategy<Value = Sparse> {
    (vec((0..5000u64, 1..3000u64), 0..40), 0..2000u64).prop_map(|(chunks, hole)| {
        let mut end = 0;
        let mut map = Vec::new();
        for (skip, length) in chunks {
            map.push((end + skip, length));
            end += skip + length;
        }
        Sparse { real_size: end + hole, map }
    })
}

fn member() -> impl Strategy<Value = Made> {
    let layout = proptest::option::weighted(0.3, sparse());
    (path(), kind(), meta(), layout, vec(any::<u8>(), 0..2000)).prop_map(|(path, kind, meta, layout, mut data)| {
        let layout = layout.filter(|_| kind == Kind::File);
        if let Some(layout) = &layout {
            let stored: u64 = layout.map.iter().map(|&(_, n)| n).sum();
            data = (0..stored).map(|i| (i % 251) as u8).collect();
        } else if kind != Kind::File {
            data.clear();
        }
        (path, kind, meta, layout, data)
    })
}

fn write(out: &mut Vec<u8>, (path, kind, meta, sparse, data): &Made) {
    out.extend(synth::header(path, kind, meta, data.len() as u64, sparse.as_ref()));
    out.extend_from_slice(data);
    out.resize(out.len() + usize::try_from(synth::padding(data.len() as u64)).unwrap(), 0);
}

proptest! {
    #[test]
    fn framing_gives_back_what_synthesis_was_given(made in vec(member(), 1..6)) {
        let mut bytes = Vec::new();
        let mut ends = vec![0];
        for one in &made {
            write(&mut bytes, one);
            ends.push(bytes.len() as u64);
        }
        let members = frame(&bytes).unwrap();
        prop_assert_eq!(members.len(), made.len());
        for (((m, data), one), span) in members.into_iter().zip(made).zip(ends.windows(2)) {
            prop_assert_eq!(m.span(), span[0]..span[1]);
            prop_assert_eq!((BString::from(m.path.to_vec()), m.kind, m.meta, m.sparse.map(|s| *s), data), one);
        }
    }
}

/// Numbers that look random and are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap()
    }
}

/// Corrects the checksum of the block at `at`, so that the change in it is read.
fn seal(bytes: &mut [u8], at: usize) {
    let Some(block) = bytes.get_mut(at..at + 512) else {
        return;
    };
    block[header::CHECKSUM].fill(b' ');
    let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
    block[header::CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// Changes a few bytes, most often to values that mean something, and sometimes cuts or doubles a part.
fn damage(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(4) {
        let header = random.below(bytes.len() / 512) * 512;
        let fields = [header::SIZE, header::SPARSE, header::MTIME, header::FLAG..header::FLAG + 1, header::SPARSE_SIZE];
        let at = match random.below(3) {
            0 => random.below(bytes.len()),
            1 => header + random.below(512),
            _ => {
                let field = fields[random.below(fields.len())].clone();
                header + field.start + random.below(field.len())
            }
        };
        let value = b"0179 \0=\n,.-/LKxgSVMD\x80\xff"[random.below(22)];
        bytes[at] = if random.below(4) == 0 { random.below(256).to_le_bytes()[0] } else { value };
        if random.below(3) > 0 {
            seal(&mut bytes, at / 512 * 512);
        }
    }
    match random.below(6) {
        0 => bytes.truncate(random.below(bytes.len())),
        1 => {
            let at = random.below(bytes.len() / 512) * 512;
            let part = bytes[at..].to_vec();
            bytes.extend(part);
        }
        _ => {}
    }
    bytes
}

/// Frames bytes that may be broken; checks that the members' memory is bounded by the number of bytes read.
fn survives(bytes: &[u8]) -> bool {
    let mut framer = Framer::new(bytes);
    let mut members = 0;
    loop {
        match framer.next() {
            Ok(None) => return true,
            Err(e) => {
                assert!(e.to_string().len() < 3 * bytes.len() + 1000);
                return false;
            }
            Ok(Some(m)) => {
                let records: usize = m.meta.attrs.records.iter().map(|(k, v)| k.len() + v.len()).sum();
                assert!(m.path.len() + records + m.sparse.map_or(0, |s| s.map.len()) <= bytes.len());
                assert!(framer.position() <= bytes.len() as u64);
                members += 1;
                assert!(members <= bytes.len() / 512);
            }
        }
    }
}

#[test]
fn random_damage_never_panics_or_hangs() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut archives = super::differential::archives();
    for _ in 0..4 {
        let mut bytes = Vec::new();
        for one in vec(member(), 3..6).new_tree(&mut runner).unwrap().current() {
            write(&mut bytes, &one);
        }
        archives.push(bytes);
    }
    archives.push(stream(&[
        pax(b'g', &[("uid", b"7"), ("VENDOR.g", b"g")]),
        super::extended::old_gnu(&[(0, 512)], &[&[(1024, 3)], &[(5000, 100)]]),
        Raw::new("label", b'V'),
        Raw::new("last", b'0').data("last"),
    ]));
    let mut random = Random(7);
    let mut fine = 0;
    for archive in &archives {
        assert!(survives(archive));
        for _ in 0..6000 / archives.len() {
            fine += usize::from(survives(&damage(archive, &mut random)));
        }
    }
    assert!(fine > 500, "damage beyond the checksums, too: {fine}");
}
