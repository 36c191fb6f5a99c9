//! Archives synthesised here and read by GNU tar and Python's tarfile. A test is skipped only if one of these programs is
//! missing.

use super::super::synth;
use super::super::{Attrs, Meta, Sparse, Time};
use super::differential::{compare, have, long, run};
use super::*;
use bstr::{BString, ByteSlice};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

/// Returns members of each kind whose headers need each of the forms that synthesis has.
fn synthesised() -> (Vec<u8>, Vec<(BString, Vec<u8>)>) {
    let mut bytes = Vec::new();
    let mut contents = Vec::new();
    let made = |secs, nanos, attrs: Attrs| Meta { mtime: Time { secs, nanos }, attrs: attrs.into() };
    let plain = made(1_600_000_000, 0, Attrs { mode: 0o640, ..Attrs::default() });
    let rich = Attrs {
        mode: 0o4755,
        uid: 3_000_000,
        gid: 4_000_000_000,
        uname: "\u{e9}".repeat(20).into(),
        gname: "g".into(),
        records: vec![("SCHILY.xattr.trusted.k".into(), "v\0\n".into()), ("VENDOR.k".into(), "v".into())],
    };
    let rich = made(-2, 750_000_000, rich);
    let dir = |meta: &Meta| made(meta.mtime.secs, meta.mtime.nanos, Attrs { mode: 0o755, ..(*meta.attrs).clone() });
    let mut add = |path: &[u8], kind: Kind, meta: &Meta, sparse: Option<Sparse>, data: &[u8]| {
        bytes.extend(synth::header(path, &kind, meta, data.len() as u64, sparse.as_ref()));
        bytes.extend_from_slice(data);
        bytes.resize(bytes.len() + usize::try_from(synth::padding(data.len() as u64)).unwrap(), 0);
        let mut framed = frame(&bytes).unwrap();
        let (m, data) = framed.pop().unwrap();
        assert_eq!(*m.path, path);
        contents.push((path.into(), expand(&m, &data)));
    };
    add(b"", Kind::Dir, &dir(&plain), None, b"");
    for (i, meta) in [&plain, &rich].into_iter().enumerate() {
        for n in [99, 100, 101, 155, 256, 300] {
            let path = [format!("{i}/").as_bytes(), &long(n - 2)].concat();
            add(&path, Kind::File, meta, None, &vec![b'x'; n * 7]);
            add(&[&path[..], b"-l"].concat(), Kind::hard_link(path.clone()), meta, None, b"");
        }
        let raw = [format!("{i}/").as_bytes(), &[0xe9; 150]].concat();
        add(&raw, Kind::File, meta, None, b"raw");
        add(&[&raw[..], b"s"].concat(), Kind::symlink(raw.clone()), meta, None, b"");
        add(&[&raw[..], b"h"].concat(), Kind::hard_link(raw.clone()), meta, None, b"");
        add(format!("{i}/dir").as_bytes(), Kind::Dir, &dir(meta), None, b"");
        add(format!("{i}/fifo").as_bytes(), Kind::Fifo, meta, None, b"");
        let map = (0..90).map(|i| (i * 4096 + 512, 1024)).collect();
        let data: Vec<u8> = (0..90 * 1024u32).map(|i| (i % 253) as u8).collect();
        let name = [format!("{i}/dir/").as_bytes(), &[b's'; 140]].concat();
        add(&name, Kind::File, meta, Some(Sparse { real_size: 400_000, map }), &data);
        add(
            format!("{i}/hole\u{e9}").as_bytes(),
            Kind::File,
            meta,
            Some(Sparse { real_size: 70_000, map: vec![] }),
            b"",
        );
        let map = vec![(0, 512), (65536, 100)];
        add(format!("{i}/\n").as_bytes(), Kind::File, meta, Some(Sparse { real_size: 65636, map }), &[7; 612]);
    }
    bytes.resize(bytes.len() + 1024, 0);
    (bytes, contents)
}

#[test]
fn python_reads_what_synthesis_writes() {
    let (bytes, contents) = synthesised();
    assert_eq!(compare(&bytes, "synthesised").len(), contents.len());
}

#[test]
fn gnu_tar_reads_what_synthesis_writes() {
    if !have("tar") {
        return;
    }
    let (bytes, contents) = synthesised();
    let dir = tempfile::tempdir().unwrap();
    run(Command::new("tar").args(["-xpf", "-", "--no-same-owner", "-C"]).arg(dir.path()), &bytes).unwrap();
    let members = frame(&bytes).unwrap();
    for ((path, content), (m, _)) in contents.iter().zip(members) {
        let at = dir.path().join(path.to_os_str().unwrap());
        let found = fs::symlink_metadata(&at).unwrap_or_else(|e| panic!("{path}: {e}"));
        match &m.kind {
            Kind::File => assert!(fs::read(&at).unwrap() == *content, "{path}"),
            Kind::Symlink(target) => assert_eq!(fs::read_link(&at).unwrap().as_os_str().as_bytes(), target.as_slice()),
            Kind::Dir => assert!(found.is_dir()),
            _ => {}
        }
        if matches!(m.kind, Kind::File) {
            let time = found.modified().unwrap();
            let expected = if m.meta.mtime.secs < 0 { -1.25 } else { 1_600_000_000.0 };
            let since = time
                .duration_since(std::time::UNIX_EPOCH)
                .map_or_else(|e| -e.duration().as_secs_f64(), |d| d.as_secs_f64());
            assert!((since - expected).abs() < 1e-6, "{path}: {since}");
        }
    }
    let listing = run(Command::new("tar").args(["-tvf", "-", "--numeric-owner"]), &bytes).unwrap();
    assert!(listing.contains_str("3000000/4000000000"), "{}", listing.as_bstr());
}
