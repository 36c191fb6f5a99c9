//! Sparse files: their content is the expanded one, and they stay sparse.

use super::names::squashed;
use crate::builder::{Archive, Form, Image, layer};
use crate::case::Case;
use crate::oracle::{open, tar};
use crate::run::Dir;

const FORMS: [&str; 4] = ["old", "0.0", "0.1", "1.0"];
/// Chunks: in the header alone, one extension block, two, none at all, and data to the very end.
const MAPS: [&str; 5] = ["0+512,8192+100", "step:10", "step:40", "", "199488+512"];

fn line(name: &str, form: &str, map: &str) -> String {
    format!("file {name} sparse={form} map={map} size=200000 content=pattern mode=0600 uid=5 mtime=5.5")
}

#[test]
fn expanded_content_in_every_form() {
    for form in FORMS {
        for map in MAPS {
            let file = line("d/s", form, map);
            let title = format!("{form} {map}");
            Case::new(&title).layer(&file).want("d/s", "200000 bytes").run();
            Case::new(&title)
                .layer(&format!("{file}\nfile x content=gone-content\nfile y content=after"))
                .layer("whiteout x")
                .want("d/s", "200000")
                .run();
        }
    }
}

#[test]
fn when_their_first_name_goes() {
    for form in FORMS {
        for map in MAPS {
            for (name, long) in [("b", "pax"), (&*"n".repeat(150), "gnu"), (&*"n".repeat(150), "pax")] {
                Case::new(&format!("{form} {map} {long}"))
                    .layer(&format!("{}\nset long={long}\nlink {name} -> s\nlink z -> s", line("s", form, map)))
                    .layer("whiteout s")
                    .want(name, "200000 bytes")
                    .linked(&[name, "z"])
                    .keep()
                    .squash()
                    .base(1)
                    .run();
            }
        }
    }
}

#[test]
fn overwritten_and_deleted() {
    for form in FORMS {
        Case::new(form)
            .layer(&format!("{}\nfile k content=kept", line("s", form, "step:10")))
            .layer("file s content=new")
            .want("s", "new")
            .run();
        Case::new(form)
            .layer("file s content=old-content")
            .layer(&line("s", form, "step:10"))
            .want("s", "200000")
            .run();
        Case::new(form)
            .layer(&format!("{}\nfile k content=kept", line("s", form, "step:10")))
            .layer("whiteout s")
            .gone("s")
            .run();
    }
}

/// A squash may write another form, but never the zeros, and none that engines refuse.
#[test]
fn they_stay_sparse_and_a_squash_writes_no_old_gnu_form() {
    for form in FORMS {
        let text = format!("file s sparse={form} map=step:30 size=50000000 content=pattern\nlink t -> s");
        let members = squashed(&text);
        assert!(members.iter().all(|m| m.flag != b'S'), "{form}");
        let s = members.iter().find(|m| m.name == b"s").unwrap();
        assert_eq!(s.content.len(), 50_000_000, "{form}");
        assert!(s.sparse && s.stored < 1_000_000, "{form}: {} bytes are stored", s.stored);
        let dir = Dir::new();
        let layers = vec![layer(&format!("file x content=gone-content\n{text}")), layer("whiteout x\nwhiteout s")];
        Archive::new(Image::new(layers), Form::OciTar).write(dir.path());
        dir.run(&["in.tar", "-p", "shadowed.toml", "-o", "out.tar"]).ok();
        let view = open(&dir.join("out.tar"));
        let members = tar::read(&view.images[0].layers[0].tar).unwrap();
        let t = members.iter().find(|m| m.name == b"t").unwrap();
        assert!(
            t.sparse && t.stored < 1_000_000 && t.content.len() == 50_000_000,
            "{form}: {} bytes are stored",
            t.stored
        );
    }
}

#[test]
fn several_in_a_layer_and_links_between_them() {
    let mut text = String::new();
    for form in FORMS {
        text.push_str(&format!(
            "{}\nlink l{form} -> s{form} mode=0600 uid=5 mtime=5.5\n",
            line(&format!("s{form}"), form, "step:25")
        ));
    }
    Case::new("several")
        .layer(&format!("{text}file x content=gone-content"))
        .layer("whiteout x\nwhiteout s0.1\nwhiteout lold")
        .linked(&["sold"])
        .want("l0.1", "200000")
        .run();
}

#[test]
fn a_sparse_file_without_any_data() {
    for form in FORMS {
        Case::new(form)
            .layer(&format!("file s sparse={form} map= size=4096\nfile x content=gone-content"))
            .layer("whiteout x")
            .want("s", "4096 bytes")
            .run();
    }
}

#[test]
fn xattrs_and_long_names_beside_the_map() {
    let name = format!("{}/{}", "d".repeat(120), "n".repeat(120));
    for form in ["0.0", "0.1", "1.0"] {
        let text = format!(
            "file {name} sparse={form} map=step:3 size=9000 content=pattern xattr.user.x=0x0a00ff mtime=-1.5\nfile x content=gone-content"
        );
        Case::new(form).layer(&text).layer("whiteout x").want(&name, "user.x").run();
        Case::new(form)
            .layer(&format!("{text}\nlink short -> {name}"))
            .layer(&format!("whiteout {name}\nwhiteout x"))
            .want("short", "user.x")
            .run();
    }
}
