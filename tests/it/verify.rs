//! `slim verify`: every kind of tampering is found, and what slim makes passes.

use crate::builder::archive::to_tar;
use crate::builder::{Archive, Comp, Entries, Entry, Form, Image, layer, sha256};
use crate::oracle::open;
use crate::oracle::replay::What;
use crate::run::{Dir, Outcome};
use crate::strip::{hex, program};
use serde_json::{Value, json};

/// An image with a bit of everything.
const BASE: &str = "dir bin\ndir usr\ndir usr/lib\ndir etc mode=0700 uid=3 gid=4 mtime=1700000000.25\n\
    file bin/app mode=4755 content=app xattr.user.a=0x00ff\nfile etc/conf content=conf uid=5\n\
    link etc/other -> etc/conf\nfile etc/alone content=conf\nsym usr/link -> lib\nchar usr/null 1 3\n\
    file usr/lib/x mtime=1700000001 content=lib\nfifo usr/pipe\n";

fn write(dir: &Dir, name: &str, layers: &[&str], config: Value, form: Form) {
    let mut image = Image::new(layers.iter().map(|text| layer(text)).collect());
    image.config = config;
    dir.write(name, to_tar(&Archive::new(image, form).entries()));
}

/// Verifies an image of one layer against another with a profile that does nothing, or more arguments.
#[track_caller]
fn against(old: &str, new: &str, args: &[&str]) -> Outcome {
    let dir = Dir::new();
    write(&dir, "in.tar", &[old], json!({}), Form::Hybrid);
    write(&dir, "out.tar", &[new], json!({}), Form::Hybrid);
    dir.run(&[&["verify", "out.tar", "--against", "in.tar"], args].concat())
}

/// A mismatch was found and tells of all these words.
#[track_caller]
fn found(run: &Outcome, words: &[&str]) {
    let text = run.text();
    assert_eq!(run.code, Some(1), "{words:?} was expected: {text}{}", run.stderr);
    for word in words {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
}

#[test]
fn what_is_as_it_was_passes() {
    let run = against(BASE, BASE, &["-p", "none"]).ok();
    assert!(run.text().contains("no mismatch"), "{}", run.text());
    against(BASE, BASE, &[]).ok();
    against(BASE, BASE, &["-p", "none", "-q"]).ok();
    let json = against(BASE, BASE, &["-p", "none", "--json"]).ok();
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["ok"], &json["checked"]["same"]), (&json!(true), &json!(5)), "{json}");
}

#[test]
fn changed_metadata_and_contents_are_found() {
    for (old, new, words) in [
        ("content=app ", "content=apq ", &["/bin/app (content)", "3 bytes"][..]),
        ("mode=4755", "mode=0755", &["/bin/app: mode", "4755", "0755"]),
        ("mode=0700 uid=3", "mode=0700 uid=9", &["/etc: owner", "3:4", "9:4"]),
        ("1700000000.25", "1700000000.26", &["/etc: mtime", "1700000000.250000000"]),
        ("xattr.user.a=0x00ff", "", &["xattr user.a", "none"]),
        ("xattr.user.a=0x00ff", "xattr.user.a=0x00fe", &["xattr user.a"]),
        ("usr/link -> lib", "usr/link -> lib/", &["/usr/link: target"]),
        ("usr/null 1 3", "usr/null 1 5", &["/usr/null: device"]),
        ("fifo usr/pipe", "file usr/pipe", &["/usr/pipe (type)", "a named pipe", "a file"]),
        ("dir etc mode=0700 uid=3 gid=4 mtime=1700000000.25\n", "", &["/etc (metadata)", "no layer describes"]),
        ("link etc/other -> etc/conf", "file etc/other content=conf uid=5", &["hard-link", "a file of its own"]),
        ("file etc/alone content=conf", "link etc/alone -> etc/conf", &["(hard-link)", "the same file as /etc/alone"]),
    ] {
        let changed = BASE.replace(old, new);
        assert_ne!(changed, BASE, "{old}");
        for args in [&["-p", "none"][..], &[]] {
            found(&against(BASE, &changed, args), words);
        }
    }
}

#[test]
fn paths_that_a_plan_keeps_or_drops_are_found() {
    let less = BASE.replace("file usr/lib/x mtime=1700000001 content=lib\n", "");
    found(&against(BASE, &less, &["-p", "none"]), &["/usr/lib/x (gone)", "no rule takes it"]);
    let run = against(BASE, &less, &["-v"]).ok();
    assert!(run.text().contains("1 path gone (/usr 1)") && run.text().contains("gone: /usr/lib/x"), "{}", run.text());
    let more = format!("{BASE}file usr/lib/y content=y\n");
    found(&against(BASE, &more, &["-p", "none"]), &["/usr/lib/y (added)"]);
    found(&against(BASE, &more, &[]), &["/usr/lib/y (added)"]);
    let drop = ["-p", "none", "--drop", "usr/lib/x"];
    found(&against(BASE, BASE, &drop), &["/usr/lib/x (stays)", "by rule"]);
    against(BASE, &less, &drop).ok();
    let json = against(BASE, &less, &["-p", "none", "--drop", "usr/lib/x", "--json"]).ok();
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["removed"][0]["path"], "usr/lib/x");
}

/// The archive of one image with its members changed.
#[track_caller]
fn tampered(form: Form, comp: Comp, change: impl Fn(&mut Entries)) -> Outcome {
    let dir = Dir::new();
    let mut entries =
        Archive::new(Image::new(vec![layer(BASE), layer("file new content=new")]).comp(comp), form).entries();
    dir.write("out.tar", to_tar(&entries));
    dir.run(&["verify", "out.tar"]).ok();
    change(&mut entries);
    dir.write("out.tar", to_tar(&entries));
    dir.run(&["verify", "out.tar"])
}

/// Replaces a text in all documents, and has digests and sizes follow up to `index.json`.
fn edit(entries: &mut Entries, from: &str, to: &str) {
    let mut renamed: Vec<(String, String)> = vec![(from.into(), to.into())];
    for _ in 0..4 {
        let mut next = Vec::new();
        for (name, entry) in entries.iter_mut() {
            let Entry::File(bytes) = entry else { continue };
            let Ok(text) = String::from_utf8(bytes.clone()) else { continue };
            if !text.starts_with(['{', '[']) {
                continue;
            }
            let new = renamed.iter().fold(text.clone(), |text, (from, to)| text.replace(from, to));
            if new == text {
                continue;
            }
            let (old_digest, new_digest) = (sha256(text.as_bytes()), sha256(new.as_bytes()));
            *bytes = new.clone().into_bytes();
            if name.contains(&old_digest[7..]) {
                *name = name.replace(&old_digest[7..], &new_digest[7..]);
                let size = |digest: &str, size: usize| format!("\"digest\":\"{digest}\",\"size\":{size}");
                next.push((size(&old_digest, text.len()), size(&new_digest, new.len())));
                next.push((old_digest[7..].to_owned(), new_digest[7..].to_owned()));
            }
        }
        if next.is_empty() {
            return;
        }
        renamed = next;
    }
}

#[test]
fn wrong_documents_are_found() {
    let diff_id = sha256(&layer(BASE));
    for form in [Form::OciTar, Form::Hybrid] {
        found(&tampered(form, Comp::Gzip, |e| edit(e, &diff_id, &sha256(b"other"))), &["rootfs.diff_ids[0] (diff-id)"]);
        let history = "\"created_by\":\"RUN step-1\"";
        let empty = "\"empty_layer\":true,\"created_by\":\"RUN step-1\"";
        found(&tampered(form, Comp::None, |e| edit(e, history, empty)), &["config: history (history)", "2 entries"]);
        let wrong = &["(media-type)", "expected gzip", "a plain tar"];
        found(&tampered(form, Comp::None, |e| edit(e, "layer.v1.tar\"", "layer.v1.tar+gzip\"")), wrong);
        found(
            &tampered(form, Comp::None, |e| edit(e, "\"os\":\"linux\",\"created\"", "\"os\":\"plan9\",\"created\"")),
            &["(platform)"],
        );
    }
    let size = |e: &mut Entries| {
        let tar = layer(BASE).len();
        edit(e, &format!("\"size\":{tar}"), &format!("\"size\":{}", tar + 1));
    };
    found(&tampered(Form::OciTar, Comp::None, size), &["(size)"]);
    let absent = |e: &mut Entries| e.retain(|(name, _)| !name.contains(&diff_id[7..]));
    found(&tampered(Form::OciTar, Comp::None, absent), &["(absent)", "not in the input"]);
    let other = |e: &mut Entries| {
        let new = sha256(&layer("file new content=new"));
        let Some((_, Entry::File(bytes))) = e.iter_mut().find(|(name, _)| name == "manifest.json") else { panic!() };
        *bytes = String::from_utf8(bytes.clone()).unwrap().replace(&diff_id[7..], &new[7..]).into_bytes();
    };
    found(&tampered(Form::Hybrid, Comp::None, other), &["manifest.json", "Layers (document)"]);
    let name = |e: &mut Entries| {
        let Some((_, Entry::File(bytes))) = e.iter_mut().find(|(name, _)| name == "repositories") else { panic!() };
        *bytes = String::from_utf8(bytes.clone()).unwrap().replace("app", "apq").into_bytes();
    };
    found(&tampered(Form::Docker, Comp::None, name), &["repositories"]);
}

#[test]
fn damaged_layers_are_found() {
    for comp in [Comp::None, Comp::Gzip, Comp::Zstd] {
        for form in [Form::Docker, Form::OciTar, Form::Hybrid] {
            let flip = |entries: &mut Entries| {
                let blob = comp.encode(&layer(BASE));
                let is = |entry: &Entry| *entry == Entry::File(blob.clone());
                let Some((_, Entry::File(bytes))) = entries.iter_mut().find(|(_, e)| is(e)) else { panic!() };
                let at = if comp == Comp::None { 600 } else { bytes.len() - 12 };
                bytes[at] ^= 1;
            };
            let words: &[&str] = if form == Form::Docker && comp != Comp::None { &[] } else { &["sha256:"] };
            found(&tampered(form, comp, flip), words);
        }
    }
    let dir = Dir::new();
    let mut broken = layer(BASE);
    broken[20] ^= 1;
    dir.write("out.tar", to_tar(&Archive::new(Image::new(vec![broken]), Form::OciTar).entries()));
    found(&dir.run(&["verify", "out.tar"]), &["a well-formed tar", "header checksum"]);
}

#[test]
fn what_is_no_image_is_an_error() {
    let dir = Dir::new();
    dir.write("x.tar", b"nothing");
    dir.run(&["verify", "x.tar"]).error(&["x.tar"]);
    dir.run(&["verify", "none.tar"]).error(&["none.tar"]);
    write(&dir, "in.tar", &[BASE], json!({}), Form::Docker);
    dir.run(&["verify", "in.tar", "-p", "none"]).error(&["--against"]);
    dir.run(&["verify", "in.tar", "--against", "none.tar"]).error(&["none.tar"]);
    dir.run(&["verify", "in.tar", "--against", "in.tar", "-p", "no-such"]).error(&["no-such"]);
}

const STRIP: &str = "[[rule]]\nid = \"strip\"\naction = \"strip\"\npaths = [\"*\"]\n";

#[test]
fn a_stripped_file_has_all_that_is_loaded_and_its_row() {
    use md5::Digest as _;
    let old = program(3);
    let md5 = |bytes: &[u8]| hex(&md5::Md5::digest(bytes))[2..].to_owned();
    let image = |tool: &[u8], sum: &str| {
        format!(
            "dir usr\nfile usr/tool mode=0755 content={}\nfile usr/doc content=doc\n\
             file var/lib/dpkg/info/tool.md5sums content=\"{sum}  usr/tool\\n{}  usr/doc\\n\"\n",
            hex(tool),
            md5(b"doc")
        )
    };
    let before = image(&old, &md5(&old));
    let dir = Dir::new();
    dir.write("strip.toml", STRIP);
    write(&dir, "in.tar", &[&before], json!({}), Form::OciTar);
    dir.run(&["in.tar", "-p", "strip.toml", "-o", "out.tar"]).ok();
    let verify = ["verify", "out.tar", "--against", "in.tar", "-p", "strip.toml"];
    let run = dir.run(&verify).ok();
    assert!(run.text().contains("1 ELF file with all that is loaded"), "{}", run.text());
    found(&dir.run(&["verify", "out.tar", "--against", "in.tar"]), &["/usr/tool (content)"]);
    let tree = open(&dir.join("out.tar")).images[0].tree().unwrap();
    let What::File(new) = &tree.names[b"usr/tool".as_slice()].what else { panic!() };
    let retry = |tool: &[u8], sum: &str| {
        write(&dir, "out.tar", &[&image(tool, sum)], json!({}), Form::OciTar);
        dir.run(&verify)
    };
    retry(new, &md5(new)).ok();
    found(&retry(new, &md5(&old)), &["tool.md5sums"]);
    found(&retry(new, &md5(b"")), &["row of /usr/tool", &md5(new)]);
    let mut changed = new.to_vec();
    changed[0x300] ^= 1;
    found(&retry(&changed, &md5(&changed)), &["/usr/tool: bytes of segment 0"]);
    let mut cut = new.to_vec();
    cut.truncate(new.len() - 64);
    found(&retry(&cut, &md5(&cut)), &["/usr/tool (elf)", "not in the file"]);
    found(&retry(&old, &md5(&old)), &["stripped, by rule strip"]);
    found(&retry(b"no elf", &md5(b"no elf")), &["no ELF file"]);
}

#[test]
fn rows_that_are_left_are_rows_of_the_old_list() {
    let row = |name: &str, text: &str| {
        use base64::Engine as _;
        use sha2::Digest as _;
        let sum = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(text));
        format!("p/{name},sha256={sum},{}\\n", text.len())
    };
    let image = |files: &[&str], record: &str| {
        let files: String = files.iter().map(|f| format!("file s/p/{f} content={f}\n")).collect();
        format!("dir s\ndir s/p\n{files}dir s/p-1.dist-info\nfile s/p-1.dist-info/RECORD content=\"{record}\"\n")
    };
    let (a, b, c) = (row("a.py", "a.py"), row("b.py", "b.py"), row("c.py", "c.py"));
    let before = image(&["a.py", "b.py", "c.py"], &format!("{a}{b}{c}"));
    let args = ["-p", "none", "--drop", "s/p/b.py"];
    let after = |record: &str| against(&before, &image(&["a.py", "c.py"], record), &args);
    after(&format!("{a}{c}")).ok();
    found(&after(&format!("{a}{b}{c}")), &["RECORD (content)", "as it was"]);
    found(&after(&a), &["the row of /s/p/c.py, which is there"]);
    found(&after(&format!("{a}{c}{}", row("d.py", "d.py"))), &["a row of the file as it was", "d.py"]);
    found(&after(&format!("{c}{a}")), &["a row of the file as it was"]);
    found(&after(&format!("{a}{}", row("c.py", "other"))), &["row of /s/p/c.py"]);
}

#[test]
fn what_resolved_and_does_not_is_found() {
    let site = "usr/lib/python3.12/site-packages";
    let base = format!(
        "dir usr\ndir {site}\nfile {site}/a/__init__.py content=\"from . import b\\nimport c.d\\n\"\n\
         file {site}/a/b.py\nfile {site}/c/__init__.py\nfile {site}/c/d.py\n\
         file usr/bin/run mode=0755 content=\"#!/usr/bin/python3\\nimport a\\n\"\n\
         file usr/bin/env mode=0755 content=x\nfile usr/bin/python3 mode=0755 content=x\n\
         file usr/bin/tool mode=0755 content=\"#!/usr/bin/env python9\\n\"\nfile usr/bin/python9 mode=0755\n\
         sym usr/bin/py -> python3\nfile usr/app/m.js content=\"const x = require('./n');\\nrequire('p')\\n\"\n\
         file usr/app/n.js\nfile usr/app/node_modules/p/index.js\nfile usr/bin/start mode=0755\n"
    );
    let config = json!({"config": {"Entrypoint": ["/usr/bin/start"], "Cmd": ["tool"], "Env": ["PATH=/usr/bin"]}});
    let without = |path: &str| {
        let dir = Dir::new();
        let new: String =
            base.lines().filter(|l| !l.starts_with(&format!("file {path}"))).map(|l| format!("{l}\n")).collect();
        assert_ne!(new.len(), base.len(), "{path}");
        write(&dir, "in.tar", &[&base], config.clone(), Form::OciTar);
        write(&dir, "out.tar", &[&new], config.clone(), Form::OciTar);
        dir.run(&["verify", "out.tar", "--against", "in.tar"])
    };
    for (path, words) in [
        (format!("{site}/a/b.py"), &["a/__init__.py (reference)", "import of . import b", "a/b.py"][..]),
        (format!("{site}/c/d.py"), &["a/__init__.py (reference)", "import of c.d"]),
        ("usr/bin/python3".into(), &["/usr/bin/run (reference)", "the interpreter", "/usr/bin/py (reference)"]),
        ("usr/bin/python9".into(), &["/usr/bin/tool (reference)", "`python9` on PATH"]),
        ("usr/app/n.js".into(), &["/usr/app/m.js (reference)", "require(\"./n\")"]),
        ("usr/app/node_modules/p".into(), &["/usr/app/m.js (reference)", "require(\"p\")"]),
        ("usr/bin/start".into(), &["config: Entrypoint (reference)"]),
        ("usr/bin/tool".into(), &["config: Cmd (reference)", "`tool` on PATH"]),
    ] {
        found(&without(&path), words);
    }
    // Both ends may go.
    without("usr/app").ok();
}

#[test]
fn configs_that_differ_are_told_and_with_a_plan_are_wrong() {
    let dir = Dir::new();
    write(&dir, "in.tar", &[BASE], json!({"config": {"Env": ["A=1"]}}), Form::OciTar);
    write(&dir, "out.tar", &[BASE], json!({"config": {"Env": ["A=2"]}}), Form::OciTar);
    let run = dir.run(&["verify", "out.tar", "--against", "in.tar"]).ok();
    assert!(run.text().contains("config: config.Env") && run.text().contains("A=2"), "{}", run.text());
    let run = dir.run(&["verify", "out.tar", "--against", "in.tar", "-p", "none"]);
    found(&run, &["config: config.Env (config)", "A=1", "A=2"]);
    write(&dir, "out.tar", &[BASE], json!({"config": {"Env": ["A=1"], "Labels": {"a": "b"}}}), Form::OciTar);
    dir.run(&["verify", "out.tar", "--against", "in.tar", "-p", "none"]).ok();
}

#[test]
fn what_every_profile_makes_passes() {
    let site = "usr/lib/python3.12/site-packages";
    let lower = format!(
        "{BASE}dir {site}\nfile {site}/a/__init__.py content=\"from .tests import x\\n\"\nfile {site}/a/tests/x.py\n\
         file {site}/a/tests/__init__.py\nfile {site}/b/tests/test_b.py\nfile {site}/b/__init__.py content=\"import a\\n\"\n\
         file {site}/b/__pycache__/__init__.cpython-312.pyc content=x\nfile usr/share/doc/x/copyright content=c\n\
         file usr/share/doc/x/README content=c\nfile usr/share/man/man1/x.1 content=c\nfile usr/include/x.h content=c\n\
         file usr/lib/x.so content={} mode=0755\nlink usr/lib/y.so -> usr/lib/x.so\nfile var/cache/apt/x content=c\n\
         file var/lib/dpkg/status content=\"Package: x\\nStatus: install ok installed\\n\\n\"\ndir etc/dpkg/dpkg.cfg.d\n\
         file usr/lib/sparse content=ab sparse=1.0 map=0+512,4096+100 size=8192\nfile root/.cache/pip/x content=c\n",
        hex(&program(5))
    );
    let upper = "whiteout etc/conf\nfile usr/share/doc/y/README content=d\nfile bin/app content=new\nopaque root\n";
    let profiles: Vec<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/profiles"))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
        // What others are made of, and what is no profile.
        .filter(|name| !["base", "about", "kinds", "lint", "secrets"].contains(&name.as_str()))
        .collect();
    assert!(profiles.len() > 5, "{profiles:?}");
    let dir = Dir::new();
    for (form, comp) in [(Form::Docker, Comp::None), (Form::OciTar, Comp::Gzip), (Form::Hybrid, Comp::Zstd)] {
        let image = Image::new(vec![layer(&lower), layer(upper)]).comp(comp);
        dir.write("in.tar", to_tar(&Archive::new(image, form).entries()));
        for profile in &profiles {
            // The forms differ in documents alone: one of them in all modes.
            let modes = [&[][..], &["--layers", "squash"], &["--base", "1"], &["--drop", "usr/lib/x.so"]];
            for more in &modes[..if form == Form::OciTar { modes.len() } else { 1 }] {
                let args = [&["-p", profile.as_str()], *more].concat();
                dir.run(&[&["in.tar", "-o", "out.tar"], &args[..]].concat()).ok();
                let run = dir.run(&[&["verify", "out.tar", "--against", "in.tar"], &args[..]].concat());
                assert_eq!(run.code, Some(0), "{form:?} {args:?}: {}{}", run.text(), run.stderr);
            }
        }
    }
}

/// A member of a raw tar: its flag, name, link, the size that is stated, and the bytes that follow.
fn member(tar: &mut Vec<u8>, flag: u8, name: &str, link: &str, size: u64, data: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.as_old_mut().linkflag = [flag];
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    tar.extend(header.as_bytes());
    tar.extend(data);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

fn record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let length = (rest..).find(|n| rest + n.to_string().len() == *n).unwrap();
    format!("{length} {key}={value}\n")
}

/// An image with this layer, held against itself with a profile that does nothing: what slim reads, verify reads in the same way.
#[track_caller]
fn passes(mut tar: Vec<u8>) {
    tar.resize(tar.len() + 1024, 0);
    let dir = Dir::new();
    dir.write("in.tar", to_tar(&Archive::new(Image::new(vec![tar]), Form::Docker).entries()));
    let start = std::time::Instant::now();
    let run = dir.run(&["verify", "in.tar", "--against", "in.tar", "-p", "none"]);
    assert_eq!(run.code, Some(0), "{}{}", run.text(), run.stderr);
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn headers_mean_to_verify_what_they_mean_to_engines() {
    let mut tar = Vec::new();
    member(&mut tar, b'5', "dir/", "", 512, b"");
    member(&mut tar, b'2', "link", "dir", 1000, b"");
    member(&mut tar, b'D', "dump/", "", 5, b"Yfile");
    member(&mut tar, b'0', "file/", "", 3, b"abc");
    member(&mut tar, 0, "old/", "", 0, b"");
    let pax = record("path", "by-pax");
    member(&mut tar, b'L', "././@LongLink", "", 9, b"by-gnu/a\0");
    member(&mut tar, b'x', "pax", "", pax.len() as u64, pax.as_bytes());
    member(&mut tar, b'0', "short", "", 2, b"xy");
    passes(tar);
}

#[test]
fn a_sparse_file_of_any_size_and_long_chains_of_links_are_read_soon() {
    let mut tar = Vec::new();
    let size = (1_u64 << 60).to_string();
    let keys = [("major", "1"), ("minor", "0"), ("name", "huge"), ("realsize", size.as_str())];
    let pax: String = keys.iter().map(|(key, value)| record(&format!("GNU.sparse.{key}"), value)).collect();
    member(&mut tar, b'x', "pax", "", pax.len() as u64, pax.as_bytes());
    let mut data = format!("1\n{}\n3\n", 1_u64 << 59).into_bytes();
    data.resize(512, 0);
    data.extend(b"abc");
    member(&mut tar, b'0', "short", "", data.len() as u64, &data);
    passes(tar);

    let mut tar = Vec::new();
    for number in 0..20_000 {
        member(&mut tar, b'1', &format!("a{number}"), &format!("a{}", number + 1), 0, b"");
    }
    member(&mut tar, b'0', "a20000", "", 3, b"abc");
    passes(tar);
}

#[test]
fn indexes_of_indexes_end_and_names_lead_nowhere_outside() {
    let dir = Dir::new();
    std::fs::create_dir_all(dir.join("out/blobs/sha256")).unwrap();
    dir.write("out/oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    let media = "application/vnd.oci.image.index.v1+json";
    let mut text = json!({"schemaVersion": 2, "mediaType": media, "manifests": []}).to_string();
    for _ in 0..7 {
        let digest = sha256(text.as_bytes());
        let digest = digest.strip_prefix("sha256:").unwrap_or(&digest).to_owned();
        dir.write(&format!("out/blobs/sha256/{digest}"), &text);
        let one = json!({"mediaType": media, "digest": format!("sha256:{digest}"), "size": text.len()});
        text = json!({"schemaVersion": 2, "mediaType": media, "manifests": vec![one; 100]}).to_string();
    }
    dir.write("out/index.json", text);
    dir.run(&["verify", "out"]).error(&["10000 descriptors"]);

    let config = json!({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": []}});
    dir.write("secret.json", config.to_string());
    std::fs::create_dir(dir.join("docker")).unwrap();
    dir.write("docker/manifest.json", r#"[{"Config": "../secret.json", "RepoTags": ["a:b"], "Layers": []}]"#);
    dir.run(&["verify", "docker"]).error(&["no image"]);
}

#[test]
fn a_list_of_checksums_that_has_one_itself_stays_as_it_is() {
    use md5::Digest as _;
    let site = "usr/lib/python3/dist-packages";
    let record = "pkg/__init__.py,,\\npkg/tests/__init__.py,,\\n";
    let text = record.replace("\\n", "\n");
    let md5: String = md5::Md5::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    let dir = Dir::new();
    let lower = format!(
        "file {site}/pkg/__init__.py content=x\nfile {site}/pkg/tests/__init__.py content=t
        file {site}/pkg-1.dist-info/RECORD content=\"{record}\"
        file var/lib/dpkg/info/python3-pkg.md5sums content=\"{md5}  {site}/pkg-1.dist-info/RECORD\\n\""
    );
    dir.write("in.tar", to_tar(&Archive::new(Image::new(vec![layer(&lower)]), Form::Docker).entries()));
    for more in [&[][..], &["--layers", "squash"]] {
        let args = [&["in.tar", "-p", "python-slim", "-o", "out.tar"], more].concat();
        let run = dir.run(&args).ok();
        assert!(run.stderr.contains("package-tests"), "{}", run.stderr);
        let against = [&["verify", "out.tar", "--against", "in.tar", "-p", "python-slim"], more].concat();
        dir.run(&against).ok();
    }
}
