//! Archives of GNU tar framed here, with Python's tarfile as the second opinion. A test is skipped only if one of these
//! programs is missing.

use super::*;
use bstr::ByteSlice;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Returns the output of a program; `None` if it is missing.
pub(super) fn run(command: &mut Command, input: &[u8]) -> Option<Vec<u8>> {
    let file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut &file, input).unwrap();
    std::io::Seek::rewind(&mut &file).unwrap();
    let output = match command.env("LC_ALL", "C").stdin(Stdio::from(file)).output() {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return None,
        output => output.unwrap(),
    };
    assert!(output.status.success(), "{command:?}: {}", output.stderr.as_bstr());
    Some(output.stdout)
}

pub(super) fn have(program: &str) -> bool {
    run(Command::new(program).arg("--version"), b"")
        .is_some_and(|v| program != "tar" || v.starts_with(b"tar (GNU tar)"))
}

/// Returns a path of `n` bytes with a beginning that no other path has.
pub(super) fn long(n: usize) -> Vec<u8> {
    let mut name = format!("{n}-").into_bytes();
    name.extend((name.len()..n).map(|i| if i % 50 == 49 && i + 1 < n { b'/' } else { b'a' + (i % 26) as u8 }));
    name
}

/// Makes a tree with everything that tar's formats write in different ways; returns the names in it, and true if `empty` has an
/// attribute.
fn tree(root: &Path) -> (Vec<Vec<u8>>, bool) {
    let at = |name: &[u8]| root.join(OsStr::from_bytes(name));
    let file = |name: &[u8], data: &[u8]| {
        fs::create_dir_all(at(name).parent().unwrap()).unwrap();
        fs::write(at(name), data).unwrap();
    };
    let mut names: Vec<Vec<u8>> = [99, 100, 101, 155, 256, 300].map(long).to_vec();
    names.extend([
        b"bad\xff\xfe name\n".to_vec(),
        "p\u{e9}".into(),
        b"-dash".to_vec(),
        b" blank ".to_vec(),
        b"empty".to_vec(),
    ]);
    names.push([&[b'\xe9'; 120][..], b"/x"].concat());
    for (i, name) in names.iter().enumerate() {
        file(name, &vec![b'0' + u8::try_from(i).unwrap(); i * 400]);
    }
    fs::hard_link(at(&names[0]), at(b"hard")).unwrap();
    fs::hard_link(at(&names[5]), at(b"zhard-long")).unwrap();
    std::os::unix::fs::symlink(OsStr::from_bytes(&long(140)), at(b"soft")).unwrap();
    for (name, secs, nanos) in
        [(&b"empty"[..], -1_000_000, 250_000_000), (b"-dash", 9_000_000_000, 1), (b" blank ", 1, 0)]
    {
        let epoch = std::time::UNIX_EPOCH;
        let whole = std::time::Duration::from_secs(i64::unsigned_abs(secs));
        let time = if secs < 0 { epoch - whole } else { epoch + whole };
        let time = time + std::time::Duration::from_nanos(nanos);
        fs::File::options().write(true).open(at(name)).unwrap().set_modified(time).unwrap();
    }
    // Best effort: a file system may have none.
    let script = "import os, sys; os.setxattr(sys.argv[1], b'user.k', b'a\\n\\0b=c')";
    let set = Command::new("python3").args(["-c", script]).arg(at(b"empty")).output();
    (names, set.is_ok_and(|o| o.status.success()))
}

/// Makes a file with holes, also at its end: chunks of one block each. Returns its content.
fn holes(path: &Path, chunks: u64, size: u64) -> Vec<u8> {
    let file = fs::File::create(path).unwrap();
    let mut content = vec![0; usize::try_from(size).unwrap()];
    for i in 0..chunks {
        let block = vec![b'a' + u8::try_from(i % 26).unwrap(); 4096];
        let at = i * 16384 + 8192;
        std::os::unix::fs::FileExt::write_all_at(&file, &block, at).unwrap();
        content[usize::try_from(at).unwrap()..][..4096].copy_from_slice(&block);
    }
    file.set_len(size).unwrap();
    content
}

fn tar(root: &Path, args: &[&str], names: &[&str]) -> Vec<u8> {
    let mut command = Command::new("tar");
    command.args(["--sort=name", "-b1", "-cf", "-"]).args(args).arg("-C").arg(root).args(names);
    // Some formats can't hold some names: those are left out with an error.
    command.env("LC_ALL", "C").stdin(Stdio::null()).output().unwrap().stdout
}

const FORMATS: [&str; 5] = ["v7", "oldgnu", "gnu", "ustar", "pax"];

/// Returns archives in all formats, for random damage; none if GNU tar is missing.
pub(super) fn archives() -> Vec<Vec<u8>> {
    if !have("tar") {
        return Vec::new();
    }
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("small"), "small").unwrap();
    fs::create_dir_all(dir.path().join(long(120).to_os_str().unwrap())).unwrap();
    holes(&dir.path().join("holes"), 30, 1 << 20);
    std::os::unix::fs::symlink("to", dir.path().join("soft")).unwrap();
    let versions = ["0.0", "0.1", "1.0"].map(|v| format!("--sparse-version={v}"));
    let mut archives: Vec<_> = FORMATS[1..3].iter().map(|f| tar(dir.path(), &["-S", "-H", f], &["."])).collect();
    archives.extend(versions.iter().map(|v| tar(dir.path(), &["-S", "-H", "pax", v], &["."])));
    archives
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Seen {
    name: Vec<u8>,
    link: Vec<u8>,
    kind: String,
    numbers: (u32, u64, u64, i64),
    xattrs: usize,
    /// The digest of the content that a reader sees.
    content: Option<String>,
}

const SCRIPT: &str = "
import hashlib, json, math, sys, tarfile
kinds = {b'0': 'file', b'\\0': 'file', b'7': 'file', b'S': 'file', b'1': 'hard', b'2': 'soft', b'3': 'char', b'4': 'block', b'5': 'dir', b'6': 'fifo'}
out = []
with tarfile.open(fileobj=sys.stdin.buffer, mode='r|', encoding='utf-8', errors='surrogateescape') as t:
    for m in t:
        content = None
        if m.isfile():
            content = 'sha256:' + hashlib.sha256(t.extractfile(m).read()).hexdigest()
        enc = lambda s: list(s.encode('utf-8', 'surrogateescape'))
        seconds = m.pax_headers.get('mtime')
        secs = math.floor(m.mtime) if seconds is None else int(seconds.split('.')[0]) - (seconds[0] == '-' and '.' in seconds)
        xattrs = sum(k.startswith('SCHILY.xattr.') for k in m.pax_headers)
        out.append(dict(name=enc(m.name), link=enc(m.linkname), kind=kinds[m.type], numbers=(m.mode & 0o7777, m.uid, m.gid, secs), xattrs=xattrs, content=content))
json.dump(out, sys.stdout)
";

fn python(bytes: &[u8]) -> Vec<Seen> {
    serde_json::from_slice(&run(Command::new("python3").args(["-c", SCRIPT]), bytes).unwrap()).unwrap()
}

fn seen(m: &Member, data: &[u8]) -> Seen {
    let (kind, link) = match &m.kind {
        Kind::File => ("file", b"".as_bstr()),
        Kind::HardLink(target) => ("hard", target.as_bstr()),
        Kind::Symlink(target) => ("soft", target.as_bstr()),
        Kind::Dir => ("dir", b"".as_bstr()),
        Kind::Char(..) => ("char", b"".as_bstr()),
        Kind::Block(..) => ("block", b"".as_bstr()),
        Kind::Fifo => ("fifo", b"".as_bstr()),
    };
    Seen {
        name: m.path.to_vec(),
        link: link.to_vec(),
        kind: kind.into(),
        numbers: (m.meta.attrs.mode, m.meta.attrs.uid, m.meta.attrs.gid, m.meta.mtime.secs),
        xattrs: m.meta.attrs.records.iter().filter(|(k, _)| k.starts_with(b"SCHILY.xattr.")).count(),
        content: (m.kind == Kind::File).then(|| crate::Digest::of(&expand(m, data)).to_string()),
    }
}

/// Checks that Python and slim see the same in an archive, and that slim's spans tile it up to its end marker.
pub(super) fn compare(bytes: &[u8], what: &str) -> Vec<(Member, Vec<u8>)> {
    let members = frame(bytes).unwrap_or_else(|e| panic!("{what}: {e}"));
    let mut end = 0;
    for (m, _) in &members {
        assert_eq!(m.start, end, "{what}: {}", m.path);
        end = m.span().end;
    }
    assert!(bytes[usize::try_from(end).unwrap()..].iter().all(|&b| b == 0), "{what}");
    if have("python3") {
        let mut theirs = python(bytes);
        for one in &mut theirs {
            one.name = crate::path::normalize(&one.name).unwrap().into();
            // Where an archive has both it takes the made-up name of a sparse file.
            if let Some((_, name)) = one.name.strip_prefix(b"GNUSparseFile.").and_then(|n| n.split_once_str("/")) {
                one.name = name.to_vec();
            }
            if one.kind == "hard" {
                one.link = crate::path::normalize(&one.link).unwrap().into();
            }
        }
        assert_eq!(members.len(), theirs.len(), "{what}");
        for ((m, data), theirs) in members.iter().zip(theirs) {
            assert!(seen(m, data) == theirs, "{what}: {:?}\n{theirs:?}", seen(m, data));
        }
    }
    members
}

#[test]
fn gnu_tars_formats() {
    if !have("tar") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (names, xattr) = tree(dir.path());
    for format in FORMATS {
        for ids in [&["--owner=u:3000000", "--group=g:4000000000"][..], &["--numeric-owner", "--xattrs"]] {
            let small = matches!(format, "v7" | "ustar");
            if small && ids[0].starts_with("--owner") {
                continue;
            }
            let bytes = tar(dir.path(), &[&["-H", format], ids].concat(), &["."]);
            let members = compare(&bytes, &format!("{format} {ids:?}"));
            let paths: BTreeMap<_, _> = members.iter().map(|(m, _)| (m.path.to_vec(), m)).collect();
            let missing: Vec<_> = names.iter().filter(|n| !paths.contains_key(n.as_slice())).map(|n| n.len()).collect();
            assert!(small || missing.is_empty(), "{format}: {missing:?}");
            let times =
                ["empty", "-dash"].map(|n| paths.get(n.as_bytes()).map(|m| (m.meta.mtime.secs, m.meta.mtime.nanos)));
            // Attributes make it write PAX whatever the format.
            let attributes = ids.contains(&"--xattrs");
            match format {
                "pax" | "gnu" if format == "pax" || attributes => {
                    assert_eq!(times, [Some((-1_000_000, 250_000_000)), Some((9_000_000_000, 1))]);
                }
                "gnu" => assert_eq!(times, [Some((-1_000_000, 0)), Some((9_000_000_000, 0))]),
                _ => {}
            }
            if format == "pax" && attributes && xattr {
                assert_eq!(
                    paths[&b"empty"[..]].meta.attrs.records[2],
                    ("SCHILY.xattr.user.k".into(), "a\n\0b=c".into())
                );
            }
        }
    }
}

#[test]
fn gnu_tars_sparse_forms() {
    if !have("tar") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let names = ["few", "many", "hole", "end", "name-of-more-than-a-hundred-bytes"];
    let long = names[4].repeat(4);
    let mut contents = BTreeMap::new();
    for (name, chunks, size) in
        [("few", 2, 50_000), ("many", 200, 4 << 20), ("hole", 0, 1 << 20), ("end", 1, 12288), (&long, 3, 70_001)]
    {
        contents.insert(name.to_owned(), holes(&dir.path().join(name), chunks, size));
    }
    let versions = ["0.0", "0.1", "1.0"].map(|v| format!("--sparse-version={v}"));
    let mut forms = vec![vec!["-S", "-H", "gnu"], vec!["-S", "-H", "oldgnu"]];
    forms.extend(versions.iter().map(|v| vec!["-S", "-H", "pax", v.as_str()]));
    for form in forms {
        let bytes = tar(dir.path(), &form, &["."]);
        let members = compare(&bytes, &form.join(" "));
        let files: Vec<_> = members.iter().filter(|(m, _)| m.kind == Kind::File).collect();
        assert_eq!(files.len(), contents.len());
        for (m, data) in files {
            assert!(m.sparse.is_some(), "{form:?}: {}", m.path);
            assert!(expand(m, data) == contents[&m.path.to_string()], "{form:?}: {}", m.path);
            assert!(data.len() < expand(m, data).len(), "{form:?}: {}", m.path);
        }
    }
}
