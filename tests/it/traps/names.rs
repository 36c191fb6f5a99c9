//! Names and tar forms.

use crate::builder::layer;
use crate::case::Case;

/// A file of that name: untouched, rewritten beside something that goes, hidden by a whiteout, and as a group's new holder.
fn all_ways(name: &str, set: &str) {
    let title = |way: &str| format!("{way}: {set} {}", &name[..name.len().min(40)]);
    let file = format!("set {set}\nfile \"{name}\" content=f-content");
    Case::new(&title("untouched")).layer(&file).run();
    Case::new(&title("rewritten"))
        .layer(&format!("{file}\nfile x content=gone-content"))
        .layer("whiteout x")
        .keep()
        .squash()
        .run();
    Case::new(&title("hidden"))
        .layer(&format!("{file}\nfile x content=kept"))
        .layer(&format!("set {set}\nwhiteout \"{name}\""))
        .keep()
        .squash()
        .base(1)
        .run();
    Case::new(&title("re-homed"))
        .layer(&format!("file x content=old-content\nset {set}\nlink \"{name}\" -> x"))
        .layer("whiteout x")
        .keep()
        .squash()
        .run();
    Case::new(&title("link"))
        .layer(&format!("{file}\nlink l -> \"{name}\"\nsym s -> \"{name}\"\nfile x content=gone-content"))
        .layer("whiteout x")
        .linked(&["l"])
        .keep()
        .squash()
        .run();
}

#[test]
fn names_of_exactly_99_100_101_bytes_and_more() {
    for n in [99, 100, 101, 155, 156, 255, 256, 257, 1000] {
        for set in ["long=gnu", "long=pax", "prefix="] {
            // Components have 255 bytes at most, whiteouts 4 less.
            let name: String = "n"
                .repeat(n)
                .as_bytes()
                .chunks(200)
                .map(|c| String::from_utf8_lossy(c).into_owned())
                .collect::<Vec<_>>()
                .join("/");
            all_ways(&name, set);
        }
    }
}

#[test]
fn ustar_prefixes() {
    for (a, b) in [(50, 60), (100, 100), (155, 100), (154, 99), (1, 100)] {
        all_ways(&format!("{}/{}", "p".repeat(a), "n".repeat(b)), "prefix=");
    }
}

#[test]
fn names_with_odd_bytes() {
    for name in [
        r"\xff\xfe\x80",
        r"a\nb",
        r"tab\tx",
        r#"quo\"te"#,
        "quo'te",
        r"back\\slash",
        r"\x01\x7f",
        r"\040lead",
        r"trail\040",
        "-dash",
        "--help",
        "a=b",
        "#x",
        "%41",
    ] {
        for set in ["prefix=", "long=pax", "prefix=./"] {
            all_ways(name, set);
        }
    }
}

#[test]
fn all_spellings_of_a_path_are_one() {
    for a in ["x/y", "./x/y", "/x/y", "x//y", "x/./y", ".//x///y"] {
        for b in ["x/y", "./x/y", "/x//y"] {
            Case::new(&format!("{a}, then {b}"))
                .layer(&format!("file {a} content=old-content"))
                .layer(&format!("file {b} content=new-content"))
                .want("x/y", "new-content")
                .keep()
                .squash()
                .run();
            Case::new(&format!("{a}, whiteout {b}"))
                .layer(&format!("file {a} content=old-content\nfile z content=z"))
                .layer(&format!("whiteout {b}"))
                .gone("x/y")
                .keep()
                .squash()
                .base(1)
                .run();
        }
        Case::new(&format!("{a}, opaque"))
            .layer(&format!("file {a} content=old-content"))
            .layer("opaque ./x/\nfile ./x/z content=z")
            .gone("x/y")
            .keep()
            .squash()
            .run();
        Case::new(&format!("{a} alone"))
            .layer(&format!("file {a} content=content\nlink ./l -> {a}"))
            .linked(&["x/y", "l"])
            .run();
    }
    Case::new("directories")
        .layer("dir ./x mode=0700\nfile ./x/a content=gone-content")
        .layer("dir x/ mode=0711\nwhiteout /x/a")
        .want("x", "0711")
        .run();
}

/// `a/../b` is b or an error.
#[test]
fn dots_within_a_name() {
    Case::new("a/../b").layer("dir a\nfile a/../b content=b-content").fails_or_right().run();
}

#[test]
fn nothing_leaves_the_root() {
    for name in ["../x", "a/../../x", "/../x", "../../../../tmp/slim-escape"] {
        Case::new(name).layer(&format!("file ok\nfile {name} content=evil")).fails(&[".."]).keep().squash().run();
        Case::new(name).layer(&format!("file ok\nlink l -> {name}")).fails(&["l"]).keep().squash().run();
    }
    assert!(!std::path::Path::new("/tmp/slim-escape").exists());
}

#[test]
fn case_and_composition_are_kept_apart() {
    Case::new("case")
        .layer("file README content=1-upper\nfile Readme content=2-mixed\nfile readme content=3-lower")
        .layer("whiteout Readme")
        .gone("Readme")
        .want("README", "1-upper")
        .want("readme", "3-lower")
        .run();
    Case::new("composition")
        .layer(
            r"file caf\xc3\xa9 content=composed
        file cafe\xcc\x81 content=decomposed",
        )
        .layer(r"whiteout caf\xc3\xa9")
        .want_bytes(b"cafe\xcc\x81", "decomposed")
        .run();
}

#[test]
fn a_path_twice_in_one_layer_the_last_counts() {
    Case::new("file")
        .layer("file a content=first-content\nfile b content=b\nfile ./a content=second-content")
        .want("a", "second-content")
        .run();
    Case::new("directory")
        .layer("dir d mode=0700\nfile d/a content=a\ndir d mode=0711")
        .want("d", "0711")
        .want("d/a", "file")
        .run();
    Case::new("types")
        .layer("file a content=first-content\nsym a -> b\ndir a\nfile a/x content=x")
        .want("a/x", "x")
        .run();
    Case::new("three")
        .layer("file a content=1-content\nfile a content=2-content\nfile a content=3-content")
        .layer("file z content=z")
        .want("a", "3-content")
        .run();
    Case::new("group")
        .layer("file a content=first-content\nlink b -> a\nfile b content=second-content")
        .want("b", "second-content")
        .unlinked("a", "b")
        .run();
}

#[test]
fn old_type_flags() {
    for flag in ["nul", "7", "0"] {
        let file = format!("file a content=a-content type={flag}");
        Case::new(flag).layer(&file).want("a", "a-content").run();
        Case::new(flag)
            .layer(&format!("{file}\nfile x content=gone-content"))
            .layer("whiteout x")
            .want("a", "a-content")
            .run();
        Case::new(flag)
            .layer(&format!("{file}\nlink b -> a\nlink c -> a"))
            .layer("whiteout a")
            .linked(&["b", "c"])
            .run();
    }
    Case::new("directory by its slash")
        .layer("file d/ type=nul magic=none mode=0700\nfile d/a content=a\nfile x content=gone-content")
        .layer("whiteout x")
        .want("d", "Dir")
        .run();
    Case::new("v7")
        .layer("set magic=none\nfile a content=a-content\nsym s -> a\nlink l -> a\nfile x content=gone-content")
        .layer("whiteout x")
        .linked(&["a", "l"])
        .run();
    Case::new("GNU magic")
        .layer("set magic=gnu\nfile a content=a-content uid=3000000\nfile x content=gone-content")
        .layer("whiteout x")
        .want("a", "3000000")
        .run();
}

/// What a squash writes is to be taken by docker and podman, which refuse type flag 7.
#[test]
fn a_squash_writes_no_type_7() {
    let members = squashed("file a content=a-content type=7\nlink b -> a");
    assert!(members.iter().all(|m| m.flag != b'7'), "{members:?}");
    assert!(members.iter().any(|m| m.content.as_slice() == b"a-content"));
}

/// The members of the one layer that a squash of this and another layer leaves.
pub fn squashed(text: &str) -> Vec<crate::oracle::tar::Member> {
    use crate::builder::{Archive, Form, Image};
    let dir = crate::run::Dir::new();
    Archive::new(Image::new(vec![layer(text), layer("file other content=other")]), Form::OciTar).write(dir.path());
    dir.run(&["in.tar", "-p", "none", "--layers", "squash", "-o", "out.tar"]).ok();
    let view = crate::oracle::open(&dir.join("out.tar"));
    assert_eq!(view.images[0].layers.len(), 1);
    crate::oracle::tar::read(&view.images[0].layers[0].tar).unwrap()
}

#[test]
fn directories_without_a_trailing_slash() {
    Case::new("no slash")
        .layer("set slash=no\ndir d mode=0700\ndir d/e mode=0711\nfile d/e/a content=gone-content")
        .layer("set slash=no\nwhiteout d/e/a\ndir d mode=0750")
        .want("d", "0750")
        .want("d/e", "0711")
        .run();
}

#[test]
fn global_headers_stay_in_their_layer() {
    Case::new("mtime, uid")
        .layer("global mtime=5.5 uid=7 uname=glob\nfile a content=a")
        .layer("file b content=b")
        .want("a", "7:0")
        .want("b", "0:0")
        .run();
    Case::new("rewritten")
        .layer("global mtime=5.5 uid=7\nfile a content=a\nfile x content=gone-content")
        .layer("file b content=b\nwhiteout x")
        .want("a", "7:0")
        .want("b", "0:0")
        .run();
    Case::new("in the middle").layer("file a content=a\nglobal gid=8\nfile b content=b\nglobal gid=9\nfile c content=c\nfile x content=gone-content").layer("whiteout x\nfile d content=d").want("a", "0:0").want("b", "0:8").want("c", "0:9").want("d", "0:0").run();
    Case::new("overridden")
        .layer("global mtime=5.5\nfile a content=a pax.mtime=6.5\nfile x content=gone-content")
        .layer("whiteout x")
        .want("a", "mtime 6+5")
        .run();
    Case::new("the member before it goes")
        .layer("file x content=gone-content\nglobal gid=8\nfile b content=b")
        .layer("whiteout x")
        .want("b", "0:8")
        .run();
    Case::new("group")
        .layer("global gid=8 mtime=5.5\nfile a content=old-content\nlink b -> a\nlink c -> a")
        .layer("whiteout a")
        .want("b", "0:8")
        .linked(&["b", "c"])
        .run();
}

#[test]
fn a_git_archive_comment_is_no_file() {
    let layer = "global comment=0123456789abcdef0123456789abcdef01234567\ndir src\nfile src/a content=a\nfile src/x content=gone-content";
    Case::new("git archive").layer(layer).layer("whiteout src/x").want("src/a", "file").gone("pax_global_header").run();
}

#[test]
fn empty_layers_and_odd_ends() {
    for (title, tar) in [("1,024 bytes", layer("")), ("10,240 bytes", layer("end 20")), ("0 bytes", Vec::new())] {
        Case::new(title)
            .layer("file a content=old-content\nfile b content=b")
            .tar(tar.clone())
            .layer("whiteout a")
            .gone("a")
            .run();
        Case::new(title).tar(tar.clone()).layer("file b content=b").run();
        Case::new(title).layer("file b content=b").tar(tar.clone()).run();
        Case::new(title).tar(tar).run();
    }
    for end in [0, 1, 2, 3, 20, 200] {
        let first = format!("file a content=a-content\nfile x content=gone-content\nend {end}");
        Case::new(&first).layer(&first).want("a", "a-content").run();
        Case::new(&first).layer(&first).layer("whiteout x\nfile b content=b").want("a", "a-content").run();
    }
    Case::new("garbage after the end")
        .tar([layer("file a content=a-content"), b"garbage".repeat(100)].concat())
        .layer("file b content=b")
        .decided()
        .run();
}

#[test]
fn several_gzip_members_and_zstd_frames() {
    use crate::builder::{Comp, Form};
    Case::new("members and frames")
        .layer(&format!("file a content={}\nfile x content=gone-content", "pattern".repeat(5000)))
        .layer("whiteout x\nfile b content=b")
        .forms(&[
            (Form::OciTar, Comp::GzipMembers),
            (Form::OciTar, Comp::ZstdFrames),
            (Form::Docker, Comp::GzipMembers),
            (Form::Hybrid, Comp::GzipMembers),
            (Form::OciDir, Comp::ZstdFrames),
        ])
        .gone("x")
        .run();
}

#[test]
fn a_header_without_data_in_the_wrong_place() {
    Case::new("rdev of files")
        .layer("file a content=a\nchar c 4095 1048575 mode=0600\nblock b 2097151 0\nfile x content=gone-content")
        .layer("whiteout x")
        .want("c", "Char(4095, 1048575)")
        .run();
}

/// What is kept are the input's bytes: dropping one member gives the layer that was never written with it.
#[test]
fn kept_members_are_the_inputs_bytes() {
    use crate::builder::{Archive, Comp, Form, Image};
    let long = "n".repeat(180);
    let lines = [
        "dir ./d mode=0700 mtime=1.123456789 uname=a gname=b",
        "file d/a content=a-content xattr.user.x=0x00ff0a pax.atime=5.5 pax.VENDOR.x=y",
        "link d/b -> d/a",
        "file x content=gone-content",
        &format!("file {long} content=b long=gnu uid=3000000"),
        &format!("link /abs//{long} -> {long} long=pax uid=3000000"),
        &format!("sym s -> {long} long=gnu mtime=-1.5"),
        "file g1 sparse=old map=step:30 size=900000 content=pattern",
        "file g2 sparse=0.0 map=step:3 size=900000 content=pattern",
        "file g3 sparse=0.1 map=step:3 size=900000 content=pattern",
        "file g4 sparse=1.0 map=step:3 size=900000 content=pattern",
        "file seven content=7 type=7 magic=gnu",
        "file nul content=0 type=nul magic=none",
        r"file \xff\xfe content=bytes",
        "char null 1 3",
        "fifo p mode=0000",
    ];
    let without: Vec<&str> = lines.iter().copied().filter(|l| !l.contains("gone-content")).collect();
    for comp in [Comp::None, Comp::Gzip, Comp::Zstd] {
        for way in [&["--drop", "x"][..], &[]] {
            let mut layers = vec![layer(&lines.join("\n"))];
            layers.push(layer(if way.is_empty() { "whiteout x" } else { "file other" }));
            let dir = crate::run::Dir::new();
            Archive::new(Image::new(layers).comp(comp), Form::OciTar).write(dir.path());
            let mut args = vec!["in.tar", "-o", "out.tar", "-p", "shadowed.toml"];
            args.extend(way);
            dir.run(&args).ok();
            let view = crate::oracle::open(&dir.join("out.tar"));
            assert!(*view.images[0].layers[0].tar == layer(&without.join("\n")), "{comp:?} {way:?}");
        }
    }
}
