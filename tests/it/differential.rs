//! The oracle against another engine: what umoci unpacks is the tree. Runs where umoci is installed, and as root.

use crate::builder::{Archive, Form, Image, layer};
use crate::oracle::replay::What;
use crate::oracle::{self, Tree};
use crate::run::Dir;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

/// Path, type, mode, size or target, and the group of names, as text; nothing of what an unpacker cannot set.
fn of_host(root: &Path, dir: &Path, out: &mut BTreeMap<Vec<u8>, String>, inodes: &mut BTreeMap<u64, Vec<u8>>) {
    let mut entries: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let m = std::fs::symlink_metadata(&path).unwrap();
        let name = path.strip_prefix(root).unwrap().as_os_str().as_bytes().to_vec();
        let mut line = format!("{:04o}", m.mode() & 0o7777);
        let _ = match m.mode() & 0o170_000 {
            0o040_000 => write!(line, " dir"),
            0o100_000 => write!(line, " file {}", crate::builder::sha256(&std::fs::read(&path).unwrap())),
            0o120_000 => write!(line, " -> {:?}", std::fs::read_link(&path).unwrap()),
            other => write!(line, " {other:o}"),
        };
        if m.mode() & 0o170_000 != 0o040_000 {
            let first = inodes.entry(m.ino()).or_insert_with(|| name.clone());
            let _ = write!(line, " inode of {}", first.escape_ascii());
        }
        out.insert(name, line);
        if m.is_dir() {
            of_host(root, &path, out, inodes);
        }
    }
}

fn of_tree(tree: &Tree) -> BTreeMap<Vec<u8>, String> {
    let mut first: BTreeMap<*const oracle::replay::Node, Vec<u8>> = BTreeMap::new();
    let mut out = BTreeMap::new();
    // The host's listing goes through a directory before what comes after it, which is the order of components.
    let mut names: Vec<_> = tree.names.iter().filter(|(p, _)| !p.is_empty()).collect();
    names.sort_by_key(|(p, _)| p.split(|&c| c == b'/').map(<[u8]>::to_vec).collect::<Vec<_>>());
    for (path, node) in names {
        let mut line = format!("{:04o}", node.mode);
        let _ = match &node.what {
            What::Dir => write!(line, " dir"),
            What::File(content) => write!(line, " file {}", crate::builder::sha256(content)),
            What::Symlink(target) => write!(line, " -> \"{}\"", target.escape_ascii()),
            What::Fifo => write!(line, " 10000"),
            What::Char(..) => write!(line, " 20000"),
            _ => write!(line, " 60000"),
        };
        if node.what != What::Dir {
            let group = first.entry(std::rc::Rc::as_ptr(node)).or_insert_with(|| path.clone());
            let _ = write!(line, " inode of {}", group.escape_ascii());
        }
        out.insert(path.clone(), line);
    }
    out
}

/// Whether this umoci can unpack here at all.
fn there() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
        && Command::new("umoci").arg("--version").output().is_ok_and(|o| o.status.success())
}

/// The differences between umoci's tree and the oracle's; `None` where there are none.
pub fn umoci_differs(layers: &[String]) -> Option<String> {
    let tars: Vec<_> = layers.iter().map(|l| layer(l)).collect();
    let want = of_tree(&oracle::replay(&tars).unwrap());
    let dir = Dir::new();
    let mut archive = Archive::new(Image::new(tars), Form::OciDir);
    archive.items[0].tags = vec!["x:latest"];
    let mut entries = archive.entries();
    crate::archives::edit(&mut entries, "index.json", |i| {
        i["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] = "latest".into();
    });
    crate::builder::archive::write_dir(&entries, &dir.join("in"));
    let out = Command::new("umoci")
        .args(["raw", "unpack", "--image", "in:latest", "rootfs"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    if !out.status.success() {
        return Some(format!("umoci: {}", String::from_utf8_lossy(&out.stderr)));
    }
    let mut got = BTreeMap::new();
    of_host(&dir.join("rootfs"), &dir.join("rootfs"), &mut got, &mut BTreeMap::new());
    let keys: std::collections::BTreeSet<_> = want.keys().chain(got.keys()).collect();
    let lines: String = keys
        .into_iter()
        .filter(|k| want.get(*k) != got.get(*k))
        .map(|k| format!("{}: oracle {:?}, umoci {:?}\n", k.escape_ascii(), want.get(k), got.get(k)))
        .collect();
    (!lines.is_empty()).then_some(lines)
}

#[test]
fn umoci_unpacks_the_oracles_tree() {
    if !there() {
        return;
    }
    for layers in [
        &["file a content=x mode=0640\nlink b -> a\nlink c -> a", "file a content=y", "whiteout b"][..],
        &["dir d mode=0700\nfile d/a content=x\nlink e/b -> d/a", "whiteout d\nfile d/c content=z"],
        &["dir d mode=0700\nfile d/a content=x\nfile d/e/f content=y", "opaque d\nfile d/n content=z"],
        &["dir d\nfile d/a content=x", "file d/n content=z\ndir d mode=0711\nopaque d"],
        &["file a content=x", "file a content=y\nwhiteout a", "dir a\nfile a/b content=z"],
        &["file d/a content=x", "sym d -> e", "dir d mode=0711\nfile d/b content=y"],
        &[
            "file a content=x\nfifo p mode=0600\nlink q -> p",
            "whiteout a\nfile a/b content=y",
            "whiteout no/such\nwhiteout p",
        ],
        &["file s sparse=1.0 map=step:5 size=90000 content=abc"],
    ] {
        let layers: Vec<String> = layers.iter().map(|l| (*l).to_owned()).collect();
        assert_eq!(umoci_differs(&layers), None, "{layers:#?}");
    }
}

/// The client of a docker daemon that answers.
fn docker() -> Option<&'static str> {
    let client = ["/usr/bin/docker", "docker"]
        .into_iter()
        .find(|c| Command::new(c).arg("info").output().is_ok_and(|o| o.status.success()));
    if client.is_none() {
        eprintln!("no docker daemon: skipped");
    }
    client
}

fn output(program: &str, args: &[&str]) -> Vec<u8> {
    let out = Command::new(program).args(args).output().unwrap();
    assert!(out.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// What docker puts into every container.
const DOCKERS_OWN: [&str; 12] = [
    ".dockerenv",
    "dev",
    "dev/console",
    "dev/pts",
    "dev/shm",
    "etc",
    "etc/hostname",
    "etc/hosts",
    "etc/resolv.conf",
    "etc/mtab",
    "proc",
    "sys",
];

#[test]
fn docker_loads_what_slim_writes_and_has_its_tree() {
    let Some(docker) = docker() else { return };
    let layers = [
        "dir d mode=0700 uid=3\nfile d/a content=x\nlink d/b -> d/a\nlink c -> d/a\nsym s -> d/a\nfile gone content=g",
        "file d/a content=y\nwhiteout gone\nfile e/f/g content=z\ndir n mode=1777",
        "dir d mode=0711 uid=3\nopaque e\nfile e/h content=h\nlink e/i -> e/h\nfile n/x content=n",
    ];
    for (case, args) in [
        &["--layers", "keep"][..],
        &["--layers", "squash"],
        &["--base", "1"],
        &["--base", "1", "--layers", "squash"],
        &["--compression", "gzip:1"],
        &["--drop", "d/a", "--drop", "n"],
    ]
    .into_iter()
    .enumerate()
    {
        let dir = Dir::new();
        Archive::new(Image::new(layers.iter().map(|l| layer(l)).collect()), Form::Docker).write(dir.path());
        let tag = format!("slim-it/{}:{case}", std::process::id());
        let all = [&["in.tar", "-p", "shadowed.toml", "-o", "out.tar", "-t", &tag][..], args].concat();
        dir.run(&all).ok();
        let want = of_tree(&oracle::open(&dir.join("out.tar")).images[0].tree().unwrap());
        output(docker, &["load", "-i", dir.join("out.tar").to_str().unwrap()]);
        let id = String::from_utf8(output(docker, &["create", &tag, "x"])).unwrap();
        let export = output(docker, &["export", id.trim()]);
        output(docker, &["rm", id.trim()]);
        output(docker, &["rmi", &tag]);
        let mut got = of_tree(&oracle::replay(&[export]).unwrap());
        got.retain(|path, _| {
            want.contains_key(path) || !DOCKERS_OWN.iter().any(|own| own.as_bytes() == path.as_slice())
        });
        assert_eq!(got, want, "{args:?}");
    }
}
