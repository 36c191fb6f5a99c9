//! The builder and the oracle, tested on each other, on what is known of the formats, and on other tools where they are there.

use crate::builder::{Archive, Comp, Form, Image, layer};
use crate::oracle::{self, Checks, dump, open, replay, tar, well_formed};
use crate::run::Dir;
use std::process::Command;

/// The tree of these layers as text.
#[track_caller]
fn tree(layers: &[&str]) -> String {
    let layers: Vec<_> = layers.iter().map(|t| layer(t)).collect();
    dump(&replay(&layers).unwrap()).values().map(|l| format!("{l}\n")).collect()
}

fn error(layers: &[&str]) -> String {
    let layers: Vec<_> = layers.iter().map(|t| layer(t)).collect();
    replay(&layers).unwrap_err()
}

#[test]
fn every_kind_of_line_is_read_back() {
    let got = tree(&[r#"
        dir   etc mode=1777 uid=1 gid=2 mtime=-1.5 xattr.user.a=0x00ff0a
        file  etc/motd mode=4755 content="hello\n" uname=u gname=g
        link  etc/other -> etc/motd
        sym   lib -> usr/lib
        char  dev/null 1 3
        block dev/sda 8 0
        fifo  run/pipe mode=0
        file  "with\040blank\xff" content=x
    "#]);
    for line in [
        "/etc  1777 1:2 Dir mtime -2+500000000 SCHILY.xattr.user.a=\\x00\\xff\\n\n",
        "/etc/motd  4755 0:0 file \"hello\\n\" mtime 1700000000+000000000 names u:g one inode: etc/motd etc/other\n",
        "/lib  0777 0:0 -> usr/lib mtime",
        "/dev  0755 0:0 Dir mtime any\n",
        "/dev/null  0644 0:0 Char(1, 3)",
        "/dev/sda  0644 0:0 Block(8, 0)",
        "/run/pipe  0000 0:0 Fifo",
        "/with blank\\xff  0644",
        "/  0755 0:0 Dir mtime any\n",
    ] {
        assert!(got.contains(line), "no {line} in\n{got}");
    }
}

#[test]
fn names_of_every_length_survive_in_every_dialect() {
    for n in [1, 99, 100, 101, 154, 155, 156, 255, 256, 300, 3000] {
        for parts in if n > 90 { 1..4 } else { 1..2 } {
            let name = vec!["n".repeat(n / parts); parts].join("/");
            for long in ["", "long=gnu", "long=pax"] {
                let text = format!("file {name} content=a {long}\nlink l -> {name} {long}\nsym s -> {name} {long}");
                let got = tree(&[&text]);
                assert!(got.contains(&format!("/{name}  0644")), "{n} {long}");
                assert!(got.contains(&format!("one inode: l {name}")), "{n} {long}");
                assert!(got.contains(&format!("-> {name} ")), "{n} {long}");
            }
        }
    }
}

#[test]
fn numbers_in_every_form() {
    for how in ["", "ids=base256", "ids=pax"] {
        for id in ["0", "65534", "2097151", "2097152", "3000000", "4294967295"] {
            assert!(
                tree(&[&format!("file a uid={id} gid={id} {how}")]).contains(&format!(" {id}:{id} ")),
                "{id} {how}"
            );
        }
    }
    for (mtime, want) in [
        ("-1", "-1+000000000"),
        ("-0.25", "0+250000000"),
        ("-1.25", "-2+750000000"),
        ("2147483648", "2147483648+0"),
        ("8589934592.000000001", "8589934592+000000001"),
        ("1.1", "1+100000000"),
    ] {
        if mtime != "-0.25" {
            assert!(tree(&[&format!("file a mtime={mtime}")]).contains(&format!("mtime {want}")), "{mtime}");
        }
    }
}

#[test]
fn sparse_files_are_expanded_in_every_form() {
    for form in ["old", "0.0", "0.1", "1.0"] {
        for chunks in [0, 1, 4, 5, 25, 26, 60] {
            let text =
                format!("file d/s sparse={form} map=step:{chunks} size=300000 content=abc\nfile after content=z");
            let members = tar::read(&layer(&text)).unwrap();
            assert_eq!(members[0].name, b"d/s", "{form}");
            let content = &members[0].content;
            assert_eq!(content.len(), 300_000, "{form} {chunks}");
            assert_eq!(content.iter().filter(|&&b| b != 0).count(), 512 * chunks, "{form}");
            if chunks > 1 {
                assert_eq!(&content[4096..4099], b"cab", "{form}");
            }
            assert_eq!(members[1].content.as_slice(), b"z");
        }
    }
}

#[test]
fn whiteouts_hide_lower_layers_only() {
    assert!(!tree(&["file a content=x", "whiteout a"]).contains("/a "));
    assert!(tree(&["file a content=x", "whiteout a\nfile a content=y"]).contains("\"y\""));
    assert!(tree(&["file a content=x", "file a content=y\nwhiteout a"]).contains("\"y\""));
    let got = tree(&["file d/a content=x\nfile d/b content=x", "file d/c content=y\nopaque d"]);
    assert!(got.contains("/d/c ") && !got.contains("/d/a ") && !got.contains("/d/b "), "{got}");
    let got = tree(&["file a content=x\ndir d", "opaque .\nfile b content=y"]);
    assert!(!got.contains("/a ") && !got.contains("/d ") && got.contains("/b "), "{got}");
}

#[test]
fn directories_merge_and_all_else_replaces() {
    let got = tree(&["dir d mode=0700 uid=5\nfile d/x content=x", "file d/y content=y"]);
    assert!(got.contains("/d  0700 5:0") && got.contains("/d/x ") && got.contains("/d/y "), "{got}");
    let got = tree(&["sym lib -> usr/lib\nfile usr/lib/a content=a", "file lib/x content=x"]);
    assert!(got.contains("/lib  0755 0:0 Dir") && got.contains("/lib/x ") && got.contains("/usr/lib/a "), "{got}");
    let got = tree(&["dir usr/lib\nsym lib -> usr/lib\nfile lib/x content=x"]);
    assert!(got.contains("/usr/lib/x ") && !got.contains("\n/lib/x "), "{got}");
    let got = tree(&["dir a\nfile a/b content=x", "file a content=y"]);
    assert!(!got.contains("/a/b"), "{got}");
}

#[test]
fn hard_links_within_and_across_layers() {
    let got = tree(&["file a content=old", "link b -> a", "file a content=new"]);
    assert!(got.contains("/a  0644 0:0 file \"new\"") && got.contains("/b  0644 0:0 file \"old\""), "{got}");
    assert!(tree(&["link b -> a\nfile a content=x"]).contains("one inode: a b"));
    assert!(tree(&["file a content=x\nlink a -> a"]).contains("/a  0644 0:0 file \"x\""));
    assert!(error(&["link b -> a"]).contains("b is a hard link to a"));
    assert!(error(&["dir d\nlink b -> d"]).contains("directory"));
    assert!(error(&["file ../x"]).contains("leaves the root"));
}

#[test]
fn the_check_of_outputs_can_fail() {
    let good = |text: &str| Image::new(vec![layer("file base content=b"), layer(text)]);
    let view = |image: Image| {
        let dir = Dir::new();
        open(&Archive::new(image, Form::OciTar).write(dir.path()))
    };
    let input = view(good("file x content=x"));
    let checks = Checks { squash: None, base: 0 };
    assert_eq!(well_formed(&input, &input, checks), Vec::<String>::new());
    for (text, problem) in [
        ("file a\nwhiteout a", "beside"),
        ("dir d\nfile d/x\nwhiteout d", "beside"),
        ("file a\nfile ./a", "twice"),
        ("opaque .", "at the root"),
        ("link b -> base", "not before it"),
        ("file a\nlink b -> a mode=0600", "other metadata"),
        ("end 0\nfile z", "no end marker"),
    ] {
        let found = well_formed(&input, &view(good(text)), checks).join("\n");
        assert!(found.contains(problem), "{text}: {found}");
    }
    let bottom = view(Image::new(vec![layer("whiteout a"), layer("file x content=x")]));
    assert!(well_formed(&input, &bottom, checks).join("\n").contains("in the bottom layer"));
}

#[test]
fn archives_of_every_layout_are_read_back() {
    let layers = [layer("file a content=aaaa"), layer("file b content=bbbb"), layer("file a content=aaaa")];
    for form in [Form::Docker, Form::Hybrid, Form::OciTar, Form::OciDir] {
        for comp in [Comp::None, Comp::Gzip, Comp::GzipMembers, Comp::Zstd, Comp::ZstdFrames] {
            for schema2 in [false, true] {
                let mut archive = Archive::new(Image::new(layers.to_vec()).comp(comp), form);
                archive.schema2 = schema2;
                archive.items[0].nested = schema2;
                archive.items[0].attest = schema2;
                let dir = Dir::new();
                let view = open(&archive.write(dir.path()));
                assert_eq!(view.problems, Vec::<String>::new());
                assert_eq!(view.images.len(), 1);
                assert_eq!(view.images[0].tars(), layers.iter().map(Vec::as_slice).collect::<Vec<_>>());
                assert_eq!(view.images[0].tags, ["example.com/app:1.0"], "{form:?}");
            }
        }
    }
}

fn there(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok_and(|o| o.status.success())
}

/// What GNU tar unpacks is what the oracle reads.
#[test]
fn gnu_tar_agrees() {
    if !there("tar") {
        return;
    }
    for form in ["old", "0.0", "0.1", "1.0"] {
        for long in ["gnu", "pax"] {
            let name = "n".repeat(if form == "old" { 90 } else { 120 });
            let text = format!(
                "set long={long}\ndir d/ mode=0750 mtime=5\nfile d/{name} sparse={form} map=0+512,8192+100 size=20000 content=pattern\n\
                 file big/{name}/{name} content=hello mode=0600 mtime=1600000000\nlink l/{name}{name} -> big/{name}/{name}\nsym s -> d/{name}{name}"
            );
            let dir = Dir::new();
            let path = dir.write("l.tar", layer(&text));
            let out = Command::new("tar").arg("-xf").arg(&path).current_dir(dir.path()).output().unwrap();
            assert!(out.status.success() && out.stderr.is_empty(), "{form} {}", String::from_utf8_lossy(&out.stderr));
            for m in tar::read(&layer(&text)).unwrap() {
                let path = dir.join(std::str::from_utf8(&m.name).unwrap());
                match m.flag {
                    b'5' => assert!(path.is_dir()),
                    b'2' => assert_eq!(std::fs::read_link(path).unwrap().to_str().unwrap().as_bytes(), m.link),
                    b'1' => assert_eq!(std::fs::read(path).unwrap(), b"hello"),
                    _ => assert!(std::fs::read(path).unwrap() == *m.content, "{form} {long}"),
                }
            }
        }
    }
}

/// skopeo recomputes digests while it copies.
#[test]
fn skopeo_reads_what_the_builder_writes() {
    if !there("skopeo") {
        return;
    }
    for (form, scheme) in [
        (Form::Docker, "docker-archive"),
        (Form::Hybrid, "docker-archive"),
        (Form::OciTar, "oci-archive"),
        (Form::OciDir, "oci"),
    ] {
        let layers = vec![layer("file a content=aaaa"), layer("file b content=bbbb"), layer("file a content=aaaa")];
        let dir = Dir::new();
        let path = Archive::new(Image::new(layers), form).write(dir.path());
        let args = [
            "--insecure-policy",
            "copy",
            &format!("{scheme}:{}", path.display()),
            &format!("dir:{}", dir.join("o").display()),
        ];
        let out = Command::new("skopeo").args(args).output().unwrap();
        assert!(out.status.success(), "{form:?} {}", String::from_utf8_lossy(&out.stderr));
    }
    assert!(oracle::replay::<Vec<u8>>(&[]).is_ok());
}
