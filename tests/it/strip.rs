//! Stripping inside images: what changes beside the file, and what must not.

use crate::builder::{Archive, Comp, Form, Image, layer, sha256};
use crate::oracle::archive::ImageView;
use crate::oracle::replay::What;
use crate::oracle::{Checks, Tree, open, well_formed};
use crate::run::Dir;
use serde_json::Value;

/// Bytes of the loaded part of [`program`].
const LOADED: usize = 0x1000;

/// A shared object for x86-64 with one segment, a symbol table and a section of debug data, as GNU ld lays one out.
pub fn program(seed: u8) -> Vec<u8> {
    let mut out = vec![0; LOADED];
    out[0x200..LOADED].iter_mut().enumerate().for_each(|(i, b)| *b = (i as u8).wrapping_mul(31) ^ seed);
    let names = b"\0.text\0.symtab\0.strtab\0.debug_info\0.shstrtab\0";
    let name = |n: &[u8]| names.windows(n.len()).position(|w| w == n).unwrap() as u32;
    let mut sections: Vec<(u32, u32, u64, u64, u64, u32, u64)> = vec![(0, 0, 0, 0, 0, 0, 0)];
    sections.push((name(b".text"), 1, 6, 0x200, LOADED as u64 - 0x200, 0, 0));
    let mut add = |out: &mut Vec<u8>, section: &[u8], kind, bytes: &[u8], link, entry| {
        let at = out.len() as u64;
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(8), 0);
        sections.push((name(section), kind, 0, at, bytes.len() as u64, link, entry));
    };
    add(&mut out, b".symtab\0", 2, &[0; 24 * 200], 3, 24);
    add(&mut out, b".strtab\0", 3, &[0; 3000], 0, 0);
    add(&mut out, b".debug_info\0", 1, &[seed; 5000], 0, 0);
    add(&mut out, b".shstrtab\0", 3, names, 0, 0);
    let table = out.len() as u64;
    for (name, kind, flags, offset, size, link, entry) in &sections {
        out.extend([name.to_le_bytes(), kind.to_le_bytes()].concat());
        let address = if *flags == 0 { 0 } else { *offset };
        out.extend([flags.to_le_bytes(), u64::to_le_bytes(address), offset.to_le_bytes(), size.to_le_bytes()].concat());
        out.extend([link.to_le_bytes(), u32::from(*kind == 2).to_le_bytes()].concat());
        out.extend([1_u64.to_le_bytes(), entry.to_le_bytes()].concat());
    }
    out[..16].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    let half = |out: &mut Vec<u8>, at: usize, n: u16| out[at..at + 2].copy_from_slice(&n.to_le_bytes());
    let wide = |out: &mut Vec<u8>, at: usize, n: u64| out[at..at + 8].copy_from_slice(&n.to_le_bytes());
    half(&mut out, 16, 3);
    half(&mut out, 18, 62);
    out[20] = 1;
    wide(&mut out, 32, 64);
    wide(&mut out, 40, table);
    for (at, n) in [(52, 64), (54, 56), (56, 1), (58, 64), (60, sections.len() as u16), (62, 5)] {
        half(&mut out, at, n);
    }
    // The segment: loaded, readable and executable, from 0 on.
    out[64] = 1;
    out[68] = 5;
    wide(&mut out, 96, LOADED as u64);
    wide(&mut out, 104, LOADED as u64);
    wide(&mut out, 112, 0x1000);
    out
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::from("0x"), |out, b| out + &format!("{b:02x}"))
}

const PROFILE: &str = r#"
[[rule]]
id = "shadowed"
action = "drop-shadowed"
[[rule]]
id = "strip"
action = "strip"
paths = ["*"]
"#;

/// Slims an image of these layers with the profile `strip.toml` and more arguments; the report and the image before and after.
#[track_caller]
fn slim(layers: &[String], comp: Comp, args: &[&str]) -> (Value, ImageView, ImageView) {
    let dir = Dir::new();
    let layers: Vec<Vec<u8>> = layers.iter().map(|text| layer(text)).collect();
    Archive::new(Image::new(layers).comp(comp), Form::OciTar).write(dir.path());
    dir.write("strip.toml", PROFILE);
    let mut all = vec!["in.tar", "-o", "out.tar", "--report", "r.json"];
    if !args.contains(&"-p") {
        all.extend(["-p", "strip.toml"]);
    }
    all.extend(args);
    dir.run(&all).ok();
    let (mut before, mut after) = (open(&dir.join("in.tar")), open(&dir.join("out.tar")));
    let squash = args.contains(&"squash").then_some(0);
    let base = args.iter().position(|a| *a == "--base").map_or(0, |i| args[i + 1].parse().unwrap());
    let bad = well_formed(&before, &after, Checks { squash, base });
    assert!(bad.is_empty(), "{args:?} {bad:#?}");
    let report: Value = serde_json::from_slice(&std::fs::read(dir.join("r.json")).unwrap()).unwrap();
    (report["images"][0].clone(), before.images.remove(0), after.images.remove(0))
}

#[track_caller]
fn content(tree: &Tree, path: &str) -> Vec<u8> {
    let node = tree.names.get(path.as_bytes()).unwrap_or_else(|| panic!("no {path}"));
    let What::File(content) = &node.what else { panic!("{path} is no file") };
    content.to_vec()
}

/// Whether the file is stripped, and its loaded bytes are those of the program but for the header's account of its sections.
#[track_caller]
fn is_stripped(tree: &Tree, path: &str, seed: u8) -> bool {
    let (before, after) = (program(seed), content(tree, path));
    assert_eq!(before[64..LOADED], after[64..LOADED], "{path}: loaded bytes");
    assert!(after == before || after.len() < before.len() - 10_000, "{path}: {} bytes", after.len());
    after != before
}

#[test]
fn one_rewrite_for_all_names_with_metadata_as_it_was() {
    let file = |path: &str, seed| {
        format!(
            "file {path} mode=4755 uid=7 gid=8 mtime=1700000000.5 xattr.user.a=0x00ff content={}\n",
            hex(&program(seed))
        )
    };
    let lower = format!(
        "dir usr\n{}link usr/other -> usr/tool\nsym usr/sym -> tool\n{}",
        file("usr/tool", 1),
        file("usr/stays", 2)
    );
    let upper = format!("link usr/later -> usr/stays\n{}", file("usr/new", 3));
    for comp in [Comp::None, Comp::Gzip, Comp::Zstd] {
        for args in [&[][..], &["--layers", "squash"], &["--threads", "1"]] {
            let (report, before, after) = slim(&[lower.clone(), upper.clone()], comp, args);
            let (old, new) = (before.tree().unwrap(), after.tree().unwrap());
            assert_eq!(old.names.keys().collect::<Vec<_>>(), new.names.keys().collect::<Vec<_>>());
            for (path, node) in &old.names {
                let now = &new.names[path];
                assert_eq!(
                    (node.mode, node.uid, node.gid, node.mtime, &node.records),
                    (now.mode, now.uid, now.gid, now.mtime, &now.records)
                );
            }
            for (path, seed) in [("usr/tool", 1), ("usr/other", 1), ("usr/stays", 2), ("usr/later", 2), ("usr/new", 3)]
            {
                assert!(is_stripped(&new, path, seed), "{path} {comp:?} {args:?}");
            }
            assert_eq!(report["stripped"]["files"], 3, "{report}");
            let bytes =
                report["rules"].as_array().unwrap().iter().find(|r| r["id"] == "strip").unwrap()["bytes"].clone();
            assert_eq!(report["stripped"]["bytes"], bytes);
            assert!(bytes.as_u64().unwrap() > 30_000);
        }
    }
}

#[test]
fn compressed_or_plain_it_comes_to_the_same_and_twice_to_no_more() {
    let text = format!("file a content={}\nfile b content=hello", hex(&program(9)));
    let diff_ids = |view: &ImageView| view.layers.iter().map(|l| sha256(&l.tar)).collect::<Vec<_>>();
    let plain = diff_ids(&slim(std::slice::from_ref(&text), Comp::None, &[]).2);
    for comp in [Comp::Gzip, Comp::Zstd] {
        assert_eq!(diff_ids(&slim(std::slice::from_ref(&text), comp, &[]).2), plain);
    }
    let dir = Dir::new();
    Archive::new(Image::new(vec![layer(&text)]), Form::Docker).write(dir.path());
    dir.write("strip.toml", PROFILE);
    dir.run(&["in.tar", "-p", "strip.toml", "-o", "one.tar"]).ok();
    dir.run(&["one.tar", "-p", "strip.toml", "-o", "two.tar"]).ok();
    assert!(std::fs::read(dir.join("one.tar")).unwrap() == std::fs::read(dir.join("two.tar")).unwrap());
}

#[test]
fn checksums_that_package_managers_keep_follow() {
    let (so, tool) = (program(1), program(2));
    let site = "usr/lib/python3/site-packages";
    let record = format!(
        "a/m.so,sha256=OLD,{}\\na/m.py,sha256=KEEP,5\\n../../../bin/tool,sha256=OLD,{}\\na-1.dist-info/RECORD,,\\n",
        so.len(),
        tool.len()
    );
    let md5 = "0123456789abcdef0123456789abcdef";
    let text = format!(
        "dir usr\nsym bin -> usr/bin\nfile {site}/a/m.so content={}\nfile {site}/a/m.py content=x=1\\n\nfile usr/bin/tool mode=0755 content={}\n\
         file {site}/a-1.dist-info/RECORD content=\"{record}\"\n\
         file var/lib/dpkg/info/t.md5sums content=\"{md5}  bin/tool\\n{md5}  etc/x\\n\"\n\
         file lib/apk/db/installed content=\"P:t\\nF:usr/bin\\nR:tool\\na:0:0:755\\nZ:Q1OLD=\\nR:x\\nZ:Q1KEEP=\\n\"",
        hex(&so),
        hex(&tool)
    );
    for args in [&[][..], &["--layers", "squash"]] {
        let (_, _, after) = slim(std::slice::from_ref(&text), Comp::Gzip, args);
        let tree = after.tree().unwrap();
        let (so, tool) = (content(&tree, &format!("{site}/a/m.so")), content(&tree, "usr/bin/tool"));
        let text = |path: &str| String::from_utf8(content(&tree, path)).unwrap();
        let sum = |bytes: &[u8]| {
            let digest = sha256(bytes);
            let raw = crate::builder::text::unhex(digest.strip_prefix("sha256:").unwrap_or(&digest));
            python_base64(&raw, true)
        };
        assert_eq!(
            text(&format!("{site}/a-1.dist-info/RECORD")),
            format!(
                "a/m.so,sha256={},{}\na/m.py,sha256=KEEP,5\n../../../bin/tool,sha256={},{}\na-1.dist-info/RECORD,,\n",
                sum(&so),
                so.len(),
                sum(&tool),
                tool.len()
            )
        );
        let dpkg = text("var/lib/dpkg/info/t.md5sums");
        assert_eq!(dpkg, format!("{}  bin/tool\n{md5}  etc/x\n", of_host("md5sum", &tool)));
        let sha1 = crate::builder::text::unhex(&of_host("sha1sum", &tool));
        let apk = format!("P:t\nF:usr/bin\nR:tool\na:0:0:755\nZ:Q1{}\nR:x\nZ:Q1KEEP=\n", python_base64(&sha1, false));
        assert_eq!(text("lib/apk/db/installed"), apk);
    }
}

/// What coreutils say of some bytes.
pub fn of_host(tool: &str, bytes: &[u8]) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut child = Command::new(tool).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let out = child.wait_with_output().unwrap().stdout;
    String::from_utf8(out).unwrap().split_whitespace().next().unwrap().to_owned()
}

pub fn python_base64(raw: &[u8], url: bool) -> String {
    const PLAIN: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in raw.chunks(3) {
        let n = chunk.iter().enumerate().fold(0u32, |n, (i, b)| n | u32::from(*b) << (16 - 8 * i));
        (0..=chunk.len()).for_each(|i| out.push(char::from(PLAIN[(n >> (18 - 6 * i) & 63) as usize])));
        if !url {
            (chunk.len()..3).for_each(|_| out.push('='));
        }
    }
    if url { out.replace('+', "-").replace('/', "_") } else { out }
}

#[test]
fn what_is_protected_verified_or_in_the_base_stays() {
    let file = |path: &str, seed| format!("file {path} content={}\n", hex(&program(seed)));
    let lower = file("base", 1);
    let upper = [
        file("kept", 2),
        file("lib/crypto.so.3", 3),
        "file lib/.crypto.so.3.hmac content=sum\n".to_owned(),
        file("fips.so", 4),
        file("lib/libgcrypt.so.20.2.5", 10),
        "sym lib/libgcrypt.so.20 -> libgcrypt.so.20.2.5\nfile lib/.libgcrypt.so.20.hmac content=sum\n".to_owned(),
        file("bin/ssh2", 11),
        "file bin/fipscheck/ssh2.hmac content=sum\n".to_owned(),
        format!("file module.ko content={}\n", hex(&[&program(12)[..16], &[1, 0], &program(12)[18..]].concat())),
        format!("file ima xattr.security.ima=0x01 content={}\n", hex(&program(5))),
        file("lib/libc.so.6", 6),
        file("goes", 7),
        format!("file sfx content={}\n", hex(&[program(8), b"PK appended".repeat(100)].concat())),
    ]
    .concat();
    let (report, _, after) = slim(&[lower, upper], Comp::None, &["--protect", "kept", "--base", "1"]);
    let tree = after.tree().unwrap();
    for (path, seed) in [
        ("base", 1),
        ("kept", 2),
        ("lib/crypto.so.3", 3),
        ("fips.so", 4),
        ("ima", 5),
        ("lib/libgcrypt.so.20.2.5", 10),
        ("bin/ssh2", 11),
    ] {
        assert!(!is_stripped(&tree, path, seed), "{path}");
    }
    assert!(is_stripped(&tree, "goes", 7));
    assert_eq!(content(&tree, "sfx").len(), program(8).len() + 1100);
    // The C library keeps its symbols and loses its debug data.
    let libc = content(&tree, "lib/libc.so.6");
    assert!((5_000..6_000).contains(&(program(6).len() - libc.len())), "{}", libc.len());
    let left = report["stripped"]["left"].as_array().unwrap();
    let count = |id: &str| left.iter().find(|l| l["id"] == id).map_or(0, |l| l["files"].as_u64().unwrap());
    let counts = ["protected", "self-checking", "appended", "relocatable"].map(count);
    assert_eq!(counts, [1, 5, 1, 1], "{left:#?}");
}

#[test]
fn the_level_is_the_last_rules_and_hidden_files_stay() {
    let dir = Dir::new();
    let text = format!("file a content={}\nfile opt/b content={0}", hex(&program(1)));
    Archive::new(Image::new(vec![layer(&text), layer("whiteout a\nfile c content=c")]), Form::OciTar).write(dir.path());
    // Without the rule `shadowed`: what is hidden is in no container, so nobody strips it.
    dir.write(
        "p.toml",
        "[[rule]]\nid = \"all\"\naction = \"strip\"\npaths = [\"*\"]\n\
         [[rule]]\nid = \"some\"\naction = \"strip\"\nlevel = \"debug\"\npaths = [\"opt\"]\n",
    );
    dir.run(&["in.tar", "-p", "p.toml", "-o", "out.tar"]).ok();
    let after = open(&dir.join("out.tar")).images.remove(0);
    let lower = crate::oracle::replay::replay(&[after.layers[0].tar.as_slice()]).unwrap();
    assert!(!is_stripped(&lower, "a", 1));
    let lost = program(1).len() - content(&lower, "opt/b").len();
    assert!((5_000..6_000).contains(&lost), "the debug data alone: {lost}");
}

#[test]
fn a_global_header_hides_nothing_of_it() {
    let text = format!("global mtime=1600000000\nfile a content={}\nfile b content=b", hex(&program(1)));
    for args in [&[][..], &["--layers", "squash"]] {
        let (report, _, after) = slim(&[text.clone(), "file c content=c".to_owned()], Comp::None, args);
        assert!(is_stripped(&after.tree().unwrap(), "a", 1), "{args:?}");
        assert_eq!(report["stripped"]["files"], 1);
    }
}

#[test]
fn what_a_checksum_in_the_base_tells_of_is_left_alone() {
    let md5 = "0123456789abcdef0123456789abcdef";
    let lower = format!("file var/lib/dpkg/info/t.md5sums content=\"{md5}  usr/bin/t\\n\"");
    let upper = format!("file usr/bin/t content={}\nfile usr/bin/u content={0}", hex(&program(1)));
    let (report, _, after) = slim(&[lower, upper], Comp::None, &["--base", "1"]);
    let tree = after.tree().unwrap();
    assert!(!is_stripped(&tree, "usr/bin/t", 1) && is_stripped(&tree, "usr/bin/u", 1));
    assert_eq!(report["stripped"]["left"][0]["id"], "recorded");
}

#[test]
fn an_exception_for_one_name_is_one_for_the_file() {
    let dir = Dir::new();
    let text = format!("file a/x content={}\nlink e/x -> a/x\nfile a/y content={0}\nlink b/y -> a/y", hex(&program(1)));
    Archive::new(Image::new(vec![layer(&text)]), Form::OciTar).write(dir.path());
    dir.write("p.toml", "[[rule]]\nid = \"s\"\naction = \"strip\"\npaths = [\"*\"]\nexcept = [\"e\"]\n");
    dir.run(&["in.tar", "-p", "p.toml", "-o", "out.tar"]).ok();
    let tree = open(&dir.join("out.tar")).images.remove(0).tree().unwrap();
    assert!(!is_stripped(&tree, "a/x", 1) && is_stripped(&tree, "b/y", 1));
}
