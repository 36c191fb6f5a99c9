//! Files whose checksum stands elsewhere in the image keep their bytes: it is seen wherever it is and however it is written, and
//! what it is not of is stripped as ever.

use crate::builder::tar::TarEntry;
use crate::builder::text::unhex;
use crate::builder::{Archive, Comp, Form, Image};
use crate::oracle::open;
use crate::oracle::replay::What;
use crate::run::Dir;
use crate::strip::{hex, of_host, program, python_base64};
use serde_json::{Value, json};

const PROFILE: &str = "[[rule]]\nid = 'shadowed'\naction = 'drop-shadowed'\n\
                       [[rule]]\nid = 'strip'\naction = 'strip'\npaths = ['*']\n";

/// A file of a layer, or a hard link to one.
enum Member {
    File(Vec<u8>),
    Link(&'static str),
}

/// Paths and what is there.
type Members = Vec<(String, Member)>;

fn file(path: &str, content: impl AsRef<[u8]>) -> (String, Member) {
    (path.to_owned(), Member::File(content.as_ref().to_vec()))
}

fn link(path: &str, to: &'static str) -> (String, Member) {
    (path.to_owned(), Member::Link(to))
}

fn layer(members: &Members) -> Vec<u8> {
    let mut tar = Vec::new();
    for (path, member) in members {
        let mut entry = TarEntry::new(path.as_bytes(), if matches!(member, Member::File(_)) { b'0' } else { b'1' });
        match member {
            Member::File(content) => entry.content.clone_from(content),
            Member::Link(to) => entry.link = to.as_bytes().to_vec(),
        }
        entry.write(&mut tar);
    }
    tar.resize(tar.len().next_multiple_of(512) + 1024, 0);
    tar
}

/// Paths, and the contents of files.
type Files = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// What became of an image.
struct Slimmed {
    report: Value,
    before: Files,
    after: Files,
    dir: Dir,
}

impl Slimmed {
    fn content<'a>(all: &'a [(Vec<u8>, Option<Vec<u8>>)], path: &str) -> Option<&'a Vec<u8>> {
        all.iter().find(|(name, _)| name == path.as_bytes()).and_then(|(_, content)| content.as_ref())
    }

    #[track_caller]
    fn is_changed(&self, path: &str) -> bool {
        let after = Self::content(&self.after, path).unwrap_or_else(|| panic!("{path} is gone"));
        after != Self::content(&self.before, path).unwrap()
    }

    fn is_gone(&self, path: &str) -> bool {
        !self.after.iter().any(|(name, _)| name == path.as_bytes())
    }

    /// The ids of the reasons why files are left alone, with how many.
    fn left(&self, id: &str) -> u64 {
        let left = self.report["stripped"]["left"].as_array().unwrap();
        left.iter().filter(|l| l["id"] == id).map(|l| l["files"].as_u64().unwrap()).sum()
    }
}

fn files(path: &std::path::Path) -> Files {
    let tree = open(path).images.remove(0).tree().unwrap();
    let content = |what: &What| if let What::File(content) = what { Some(content.to_vec()) } else { None };
    tree.names.iter().map(|(path, node)| (path.to_vec(), content(&node.what))).collect()
}

#[track_caller]
fn slim(members: &Members, comp: Comp, profile: &str) -> Slimmed {
    let dir = Dir::new();
    Archive::new(Image::new(vec![layer(members)]).comp(comp), Form::OciTar).write(dir.path());
    dir.write("p.toml", profile);
    dir.run(&["in.tar", "-p", "p.toml", "-o", "out.tar", "--report", "r.json"]).ok();
    let report: Value = serde_json::from_slice(&std::fs::read(dir.join("r.json")).unwrap()).unwrap();
    let (before, after) = (files(&dir.join("in.tar")), files(&dir.join("out.tar")));
    Slimmed { report: report["images"][0].clone(), before, after, dir }
}

/// The program is left alone where `texts` are in the image, whether layers are compressed or not, and `other`, of which one byte
/// differs, is stripped; without the texts both are.
#[track_caller]
fn holds(path: &str, texts: &[(&str, String)]) {
    let base = || vec![file(path, program(1)), file("opt/other/other", program(2))];
    for comp in [Comp::None, Comp::Gzip] {
        let mut members = base();
        members.extend(texts.iter().map(|(name, text)| file(name, text)));
        let slimmed = slim(&members, comp, PROFILE);
        assert!(!slimmed.is_changed(path), "{path} {texts:?} {comp:?}");
        assert!(slimmed.is_changed("opt/other/other"), "{texts:?} {comp:?}");
    }
    assert!(slim(&base(), Comp::None, PROFILE).is_changed(path));
}

fn sum(tool: &str) -> String {
    of_host(tool, &program(1))
}

fn in_base64(tool: &str, url: bool) -> String {
    python_base64(&unhex(&sum(tool)), url)
}

#[test]
fn a_digest_in_any_text_holds_its_file() {
    let tool = "opt/tool/tool";
    for (name, text) in [
        ("opt/tool/SHA256SUMS", format!("{}  tool\n", sum("sha256sum"))),
        ("opt/SHA256SUMS", format!("{} *tool/tool\r\n", sum("sha256sum").to_uppercase())),
        (
            "opt/tool/MANIFEST.txt",
            format!("-----BEGIN PGP SIGNED MESSAGE-----\n{{\"tool\": \"{}\"}}\n", sum("sha256sum")),
        ),
        ("opt/tool/tool_SUMS", sum("sha256sum")),
        ("etc/tools.json", format!("{{\"tool\":{{\"integrity\":\"sha256-{}\"}}}}", in_base64("sha256sum", false))),
        ("etc/tools.json", format!("{{\"x\":\"sha512-{}\",\"file\":\"tool\"}}", in_base64("sha512sum", false))),
        ("etc/tools.yaml", format!("tools:\n- path: /opt/tool/tool\n  sha384: {}\n", in_base64("sha384sum", true))),
        (
            "start.sh",
            format!("#!/bin/sh\necho \"{}  /opt/tool/tool\" | sha256sum -c && exec /opt/tool/tool\n", sum("sha256sum")),
        ),
        ("usr/bin/start", format!("#!/bin/sh\nSUM={}\n", sum("sha256sum"))),
        ("opt/sums", format!("{}  tool/tool\n", sum("sha512sum"))),
        ("opt/tool/manifest.json", format!("{{\"md5\": \"{}\"}}", sum("md5sum"))),
        ("etc/sums.md5", format!("{} */opt/tool/tool\n", sum("md5sum"))),
        ("etc/SHA1SUM", format!("SHA1 (tool) = {}\n", sum("sha1sum"))),
        ("etc/checksums.csv", format!("tool,{}\n", in_base64("md5sum", false))),
        // What is made in a way that slim does not know holds what the text names.
        ("opt/tool.blake2b", format!("{}  tool\n", sum("b2sum"))),
        ("start.sh", format!("#!/bin/sh\necho '{}  /opt/tool/tool' | sha224sum -c\n", sum("sha224sum"))),
        // A long list is one where its name says so.
        ("opt/SHA256SUMS", format!("{}{}  tool/tool\n", "# much else\n".repeat(100_000), sum("sha256sum"))),
    ] {
        holds(tool, &[(name, text)]);
    }
}

#[test]
fn what_goes_or_is_of_archives_holds_nothing() {
    let rule = "[[rule]]\nid = 'd'\naction = 'drop'\nguard = 'none'\npaths = ['opt/sums']\n";
    let text = format!("{}  tool\n", sum("sha256sum"));
    for (name, profile) in [
        ("opt/sums", format!("{PROFILE}{rule}")),
        ("opt/package-lock.json", PROFILE.to_owned()),
        ("opt/x.bin", PROFILE.to_owned()),
    ] {
        let text = if name == "opt/x.bin" { format!("\0{text}") } else { text.clone() };
        let members = vec![file("opt/tool", program(1)), file(name, &text)];
        let slimmed = slim(&members, Comp::None, &profile);
        assert!(slimmed.is_changed("opt/tool"), "{name}");
    }
    // An identifier that is as long as MD5 of another file, and a list in which a byte is wrong.
    let wrong = format!("{}  tool\n{}  tool\n", sum("sha256sum").replace('a', "b"), of_host("md5sum", b"x"));
    let slimmed = slim(&vec![file("opt/tool", program(1)), file("opt/SHA256SUMS", wrong)], Comp::Zstd, PROFILE);
    assert!(slimmed.is_changed("opt/tool"));
}

#[test]
fn the_text_is_told_of() {
    let members = vec![file("opt/tool", program(1)), file("opt/list", format!("{}  tool\n", sum("sha256sum")))];
    let slimmed = slim(&members, Comp::None, PROFILE);
    let left = &slimmed.report["stripped"]["left"][0];
    assert_eq!((&left["id"], &left["reason"]), (&json!("stated"), &json!("its checksum is in opt/list")), "{left}");
    let plan = slimmed.dir.run(&["plan", "in.tar", "-p", "p.toml", "opt/tool"]).ok();
    assert!(plan.text().contains("its checksum is in opt/list"), "{}", plan.text());
}

#[test]
fn a_lock_file_with_the_checksum_of_a_directory_holds_it() {
    let dir = "app/.terraform/providers/registry.example.org/acme/thing/1.0.0/linux_amd64";
    let readme = "# Thing\n";
    let list = format!(
        "{}  LICENSE.txt\n{}  bin/helper\n{}  terraform-provider-thing\n",
        of_host("sha256sum", readme.as_bytes()),
        of_host("sha256sum", &program(3)),
        sum("sha256sum")
    );
    let digest = python_base64(&unhex(&of_host("sha256sum", list.as_bytes())), false);
    for (token, held) in [(digest.clone(), true), (digest.to_lowercase(), false)] {
        let members = vec![
            file(&format!("{dir}/terraform-provider-thing"), program(1)),
            file(&format!("{dir}/bin/helper"), program(3)),
            file(&format!("{dir}/LICENSE.txt"), readme),
            file("app/.terraform.lock.hcl", format!("provider \"x\" {{\n  hashes = [\n    \"h1:{token}\",\n  ]\n}}\n")),
            file("usr/bin/other", program(2)),
        ];
        for comp in [Comp::None, Comp::Gzip] {
            let slimmed = slim(&members, comp, PROFILE);
            assert_ne!(slimmed.is_changed(&format!("{dir}/terraform-provider-thing")), held);
            assert_ne!(slimmed.is_changed(&format!("{dir}/bin/helper")), held);
            assert!(slimmed.is_changed("usr/bin/other"));
        }
    }
}

#[test]
fn a_signature_or_checksum_beside_a_file_holds_it() {
    let ends = [
        ".sig",
        ".asc",
        ".sum",
        ".sha256",
        ".SHA512",
        ".sha1",
        ".md5",
        ".sha256sum",
        "_SHA256SUM",
        ".minisig",
        ".sigstore",
        ".sigstore.json",
        ".sign",
        ".b2sum",
    ];
    let mut members = vec![file("opt/plain", program(40)), file("opt/plain.txt", "x"), file("opt/plain-1.sig", "x")];
    for (i, end) in ends.iter().enumerate() {
        members.extend([file(&format!("opt/t{i}"), program(i as u8)), file(&format!("opt/t{i}{end}"), "sum")]);
    }
    let slimmed = slim(&members, Comp::None, PROFILE);
    for (i, end) in ends.iter().enumerate() {
        assert!(!slimmed.is_changed(&format!("opt/t{i}")), "{end}");
    }
    assert!(slimmed.is_changed("opt/plain"));
    assert_eq!(slimmed.left("self-checking"), ends.len() as u64);
}

#[test]
fn stores_keep_the_bytes_of_all_names_and_go_where_a_rule_takes_them() {
    let digest = of_host("sha256sum", &program(1));
    let stores = [
        "sysroot/ostree/repo/objects/ab/cd.file".to_owned(),
        "var/lib/flatpak/repo/objects/ab/cd.file".to_owned(),
        format!("srv/app/.git/lfs/objects/ab/cd/{digest}"),
        format!("srv/git/x.git/lfs/objects/ab/cd/{digest}"),
        "nix/store/abc-tool/bin/tool".to_owned(),
        "nix/store/.links/abc".to_owned(),
        format!("srv/layout/blobs/sha256/{digest}"),
        "root/.local/share/pnpm/store/v3/files/ab/cd-exec".to_owned(),
        format!("root/.cache/bazel/cache/repos/v1/content_addressable/sha256/{digest}/file"),
        format!("srv/cache/cas/ab/{digest}"),
        format!("root/.cache/huggingface/hub/models--a--b/blobs/{digest}"),
        format!("var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/{digest}"),
    ];
    let mut members: Members = stores.iter().enumerate().map(|(i, path)| file(path, program(i as u8))).collect();
    members.push(file("usr/bin/other", program(90)));
    members.push(link("usr/bin/foo", "sysroot/ostree/repo/objects/ab/cd.file"));
    members.push(link("app/node_modules/x/x.node", "root/.local/share/pnpm/store/v3/files/ab/cd-exec"));
    let slimmed = slim(&members, Comp::Gzip, PROFILE);
    for path in stores.iter().map(String::as_str).chain(["usr/bin/foo", "app/node_modules/x/x.node"]) {
        assert!(!slimmed.is_changed(path), "{path}");
    }
    assert!(slimmed.is_changed("usr/bin/other"));
    assert_eq!(slimmed.left("protected"), stores.len() as u64);
    // A rule takes a store all the same, but for what has another name that stays: that is the store's still.
    let drop =
        "[[rule]]\nid = 'd'\naction = 'drop'\nguard = 'none'\npaths = ['**/pnpm/store', 'var/lib/flatpak', 'srv']\n";
    let slimmed = slim(&members, Comp::None, &format!("{PROFILE}{drop}"));
    let gone: Vec<&String> = stores.iter().filter(|path| slimmed.is_gone(path)).collect();
    assert_eq!(gone, [&stores[1], &stores[2], &stores[3], &stores[6], &stores[9]]);
    assert!(!slimmed.is_changed("app/node_modules/x/x.node"));
}

#[test]
fn what_is_checked_is_no_link_to_another_file() {
    let rule = "[[rule]]\nid = 'h'\naction = 'hardlink'\npaths = ['*']\n";
    let data = |seed: u8| vec![seed; 3000];
    let members = vec![
        file("a/one", data(1)),
        file("a/two", data(1)),
        file("nix/store/x/one", data(2)),
        file("nix/store/x/two", data(2)),
        file("s/one", data(3)),
        file("s/one.sig", "signature"),
        file("s/two", data(3)),
        file("s/three", data(3)),
        file("t/one", data(4)),
        file("t/two", data(4)),
        file("t/SHA256SUMS", format!("{}  one\n", of_host("sha256sum", &data(4)))),
    ];
    let slimmed = slim(&members, Comp::Gzip, rule);
    assert_eq!(slimmed.report["linked"]["files"].as_u64().unwrap_or(99), 2, "{}", slimmed.report);
    assert_eq!(slimmed.before, slimmed.after);
}

#[test]
fn a_command_is_not_run_on_what_a_text_has_the_checksum_of() {
    let rule = "[[rule]]\nid = 'x'\naction = 'external'\ndeterministic = true\npaths = ['*.png', 'nix']\n\
                command = ['sh', '-c', 'head -c 100 \"$0\" > \"$1\"', '{in}', '{out}']\n";
    let png = |seed: u8| vec![seed; 5000];
    let members = vec![
        file("one.png", png(1)),
        file("two.png", png(2)),
        file("nix/store/x/three.png", png(3)),
        file("four.png", png(4)),
        file("four.png.md5", "sum"),
        file("list.json", format!("{{\"one.png\": {{\"md5\": \"{}\"}}}}", of_host("md5sum", &png(1)))),
    ];
    let slimmed = slim(&members, Comp::Gzip, rule);
    assert!(slimmed.is_changed("two.png"));
    for path in ["one.png", "nix/store/x/three.png", "four.png"] {
        assert!(!slimmed.is_changed(path), "{path}");
    }
    let unchanged = slimmed.report["unchanged"].to_string();
    assert!(unchanged.contains("its checksum is in list.json"), "{unchanged}");
}

#[test]
fn analyze_and_slim_agree_where_texts_hold_files() {
    let site = "usr/lib/python3/site-packages";
    let record = |content: &[u8]| {
        let digest = python_base64(&unhex(&of_host("sha256sum", content)), true);
        format!("a/m.so,sha256={digest},{}\na-1.dist-info/RECORD,,\n", content.len())
    };
    let members = vec![
        file(&format!("{site}/a/m.so"), program(1)),
        file(&format!("{site}/a-1.dist-info/RECORD"), record(&program(1))),
        file("opt/SHA256SUMS", format!("{}  /x/m.so\n{}  two\n", sum("sha256sum"), of_host("sha256sum", &program(2)))),
        file("opt/two", program(2)),
        file("opt/three", program(3)),
        file("opt/four", program(4)),
        file("opt/four.json", format!("{{\"sha1\": \"{}\"}}", of_host("sha1sum", &program(4)))),
    ];
    for comp in [Comp::None, Comp::Gzip] {
        let slimmed = slim(&members, comp, PROFILE);
        assert!(!slimmed.is_changed(&format!("{site}/a/m.so")) && !slimmed.is_changed("opt/two"));
        assert!(slimmed.is_changed("opt/three") && !slimmed.is_changed("opt/four"));
        let text = slimmed.dir.run(&["analyze", "in.tar", "-p", "p.toml", "--json", "-"]).ok();
        let analysis: Value = serde_json::from_slice(&text.stdout).unwrap();
        let saved = analysis["slim"]["profiles"][0]["savedBytes"].as_u64().unwrap();
        let tar = |name: &str| -> u64 {
            open(&slimmed.dir.join(name)).images[0].layers.iter().map(|l| l.tar.len() as u64).sum()
        };
        assert_eq!(saved, tar("in.tar") - tar("out.tar"), "{comp:?} {analysis}");
    }
}

#[test]
fn bytes_that_only_look_like_digests_change_nothing() {
    let members = vec![
        file("opt/tool", program(1)),
        file("opt/text", format!("{} and {}", hex(b"0123456789abcdef"), "a".repeat(128))),
    ];
    let slimmed = slim(&members, Comp::None, PROFILE);
    assert!(slimmed.is_changed("opt/tool"));
    assert_eq!(slimmed.left("stated"), 0);
}
