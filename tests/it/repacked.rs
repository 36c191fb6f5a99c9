//! Archives that somebody unpacked and packed again: by bsdtar or `tar -S`, which store files with holes as sparse members, or
//! compressed as a whole with xz or bzip2. What slim makes of them is what it makes of the archive as it was.

use crate::builder::archive::to_tar;
use crate::builder::tar::{Map, SparseForm, TarEntry};
use crate::builder::{Archive, Comp, Entries, Entry, Form, Image, layer};
use crate::run::Dir;
use std::io::Write;

const FORMS: [SparseForm; 4] = [SparseForm::OldGnu, SparseForm::Pax00, SparseForm::Pax01, SparseForm::Pax10];

/// An image with zeros in its layers: between data, at an end, and in many places.
fn holey() -> Image {
    let mut many = String::from("file many content=pattern size=90000 sparse=1.0 map=step:20\n");
    many.push_str(
        "file disk sparse=0.0 size=300000 map=0+5,299000+1000 content=pattern\nfile gone content=gone-content",
    );
    Image::new(vec![layer(&many), layer("whiteout gone\nfile zeros content=0 repeat=100000\nfile c content=c-content")])
}

/// The blocks of `bytes` that have data, and the data.
fn chunks(bytes: &[u8], block: usize) -> (Map, Vec<u8>) {
    let (mut map, mut data) = (Map::new(), Vec::new());
    for (i, part) in bytes.chunks(block).enumerate() {
        if part.iter().all(|&b| b == 0) {
            continue;
        }
        let at = (i * block) as u64;
        match map.last_mut() {
            Some((from, length)) if *from + *length == at => *length += part.len() as u64,
            _ => map.push((at, part.len() as u64)),
        }
        data.extend(part);
    }
    (map, data)
}

/// The archive with every file that has holes as a sparse member.
fn sparse(entries: &Entries, form: SparseForm, block: usize, end: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, entry) in entries {
        let mut e = TarEntry::new(name.as_bytes(), b'0');
        match entry {
            Entry::File(bytes) => {
                let (mut map, data) = chunks(bytes, block);
                // GNU tar and bsdtar mark a hole at the end with an empty chunk.
                if end {
                    map.push((bytes.len() as u64, 0));
                }
                e.content = data;
                e.flag = if form == SparseForm::OldGnu { b'S' } else { b'0' };
                e.sparse = Some((form, bytes.len() as u64, map));
                e.long = crate::builder::tar::Long::Gnu;
            }
            Entry::Symlink(target) => (e.flag, e.link) = (b'2', target.clone().into_bytes()),
            Entry::Dir => e.flag = b'5',
        }
        e.write(&mut out);
    }
    out.resize(out.len() + 1024, 0);
    out
}

/// Runs on these bytes, verifies, and gives the output.
#[track_caller]
fn output(bytes: &[u8], what: &str) -> Vec<u8> {
    let dir = Dir::new();
    dir.write("in.tar", bytes);
    dir.run(&["in.tar", "-p", "shadowed.toml", "-q", "-o", "out.tar"]).ok();
    let verified = dir.run(&["verify", "out.tar", "--against", "in.tar", "-p", "shadowed.toml"]);
    assert_eq!(verified.code, Some(0), "{what}: {}{}", verified.text(), verified.stderr);
    let itself = dir.run(&["verify", "in.tar"]);
    assert_eq!(itself.code, Some(0), "{what}: {}{}", itself.text(), itself.stderr);
    std::fs::read(dir.join("out.tar")).unwrap()
}

#[test]
fn sparse_members_in_every_form() {
    for form in [Form::Docker, Form::OciTar, Form::Hybrid] {
        let entries = Archive::new(holey(), form).entries();
        let want = output(&to_tar(&entries), "plain");
        for sparse_form in FORMS {
            for (block, end) in [(512, true), (4096, false), (1 << 20, true)] {
                let what = format!("{form:?} {sparse_form:?} {block} {end}");
                assert!(output(&sparse(&entries, sparse_form, block, end), &what) == want, "{what}");
            }
        }
    }
}

#[test]
fn sparse_members_within_a_compressed_archive() {
    let entries = Archive::new(holey().comp(Comp::Gzip), Form::OciTar).entries();
    let want = output(&to_tar(&entries), "plain");
    let packed = Comp::Zstd.encode(&sparse(&entries, SparseForm::Pax10, 512, true));
    assert!(output(&packed, "zstd") == want);
}

#[test]
fn a_map_that_lies_is_refused_and_named() {
    let entries = Archive::new(holey(), Form::Docker).entries();
    for form in FORMS {
        let good = sparse(&entries, form, 512, true);
        let mut bad = Vec::new();
        let mut e = TarEntry::new(b"manifest.json", if form == SparseForm::OldGnu { b'S' } else { b'0' });
        (e.content, e.sparse) = (vec![1; 512], Some((form, 100, vec![(0, 512)])));
        e.write(&mut bad);
        bad.extend(good);
        crate::bad_input::refused(&bad, &["in.tar", "manifest.json", "sparse"]);
        // Zeros without end cost time, so there is a limit to them.
        let mut bomb = Vec::new();
        (e.content, e.sparse) = (vec![1; 512], Some((form, 1 << 45, vec![(0, 512)])));
        e.write(&mut bomb);
        bomb.extend([0; 1024]);
        crate::bad_input::refused(&bomb, &["in.tar", "manifest.json", "holes"]);
        let dir = Dir::new();
        dir.write("in.tar", &bomb);
        dir.run(&["verify", "in.tar"]).error(&["in.tar", "holes"]);
    }
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = liblzma::write::XzEncoder::new(Vec::new(), 6);
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

#[test]
fn archives_compressed_with_xz_and_bzip2() {
    for form in [Form::Docker, Form::OciTar, Form::Hybrid] {
        let plain = to_tar(&Archive::new(holey(), form).entries());
        let want = output(&plain, "plain");
        let half = plain.len() / 2;
        type Pack = fn(&[u8]) -> Vec<u8>;
        for pack in [xz as Pack, bzip2 as Pack] {
            assert!(output(&pack(&plain), "one stream") == want);
            let two = [pack(&plain[..half]), pack(&plain[half..])].concat();
            assert!(output(&two, "two streams") == want);
            let dir = Dir::new();
            let run = dir.run_with(&["-", "-p", "shadowed.toml", "-q", "-o", "out.tar"], &pack(&plain));
            run.ok();
            assert!(std::fs::read(dir.join("out.tar")).unwrap() == want, "standard input");
        }
    }
}

#[test]
fn a_cut_or_changed_stream_is_refused() {
    let plain = to_tar(&Archive::new(holey(), Form::OciTar).entries());
    for (name, bytes) in [("xz", xz(&plain)), ("bzip2", bzip2(&plain))] {
        for cut in (12..bytes.len()).step_by(bytes.len() / 20 + 1).chain([bytes.len() - 1]) {
            crate::bad_input::refused(&bytes[..cut], &["in.tar", name]);
            let dir = Dir::new();
            dir.write("in.tar", &bytes[..cut]);
            dir.run(&["verify", "in.tar"]).error(&["in.tar"]);
        }
        // The checksum at the end covers what was decompressed long before.
        let mut flipped = bytes.clone();
        let at = flipped.len() - if name == "xz" { 40 } else { 4 };
        flipped[at] ^= 1;
        crate::bad_input::refused(&flipped, &["in.tar", name]);
    }
}
