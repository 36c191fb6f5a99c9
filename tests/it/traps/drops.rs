//! `--drop` on paths where the tree makes it interesting: the result is the tree without them, and everything else as it was.

use crate::case::Case;

#[test]
fn a_file_and_a_directory() {
    Case::new("file").layer("file a content=dropped-content\nfile b content=kept").drop("a").dropped(&["a"]).run();
    Case::new("directory").layer("dir d mode=0700\nfile d/a content=dropped-content\nfile d/e/b content=dropped-content2\nfile da content=kept").drop("d").dropped(&["d"]).run();
    Case::new("absolute")
        .layer("file d/a content=dropped-content\nfile d/b content=kept")
        .drop("/d/a")
        .dropped(&["d/a"])
        .run();
    Case::new("anywhere")
        .layer("file d/a.map content=dropped-content\nfile a.map content=dropped-content2\nfile d/b content=kept")
        .drop("**/*.map")
        .dropped(&["d/a.map", "a.map"])
        .run();
    Case::new("rooted")
        .layer("file d/a content=kept-content\nfile a content=dropped-content")
        .drop("a")
        .dropped(&["a"])
        .run();
}

#[test]
fn across_layers() {
    Case::new("in both")
        .layer("file a content=old-content\nfile b content=kept")
        .layer("file a content=new-content")
        .drop("a")
        .dropped(&["a"])
        .run();
    Case::new("above a base")
        .layer("file a content=base-content\nfile b content=kept")
        .layer("file a content=new-content\nfile c content=dropped-content")
        .drop("a")
        .drop("c")
        .dropped(&["a", "c"])
        .keep()
        .squash()
        .base(1)
        .run();
    Case::new("hidden already")
        .layer("file a content=old-content\nfile b content=kept")
        .layer("whiteout a")
        .drop("a")
        .keep()
        .squash()
        .base(1)
        .run();
    Case::new("what a dropped file hid")
        .layer("dir d\nfile d/a content=old-content\nfile k content=kept")
        .layer("file d content=dropped-content")
        .drop("d")
        .dropped(&["d"])
        .keep()
        .squash()
        .base(1)
        .run();
    Case::new("in an opaque directory")
        .layer("file d/a content=old-content\nfile k content=kept")
        .layer("opaque d\nfile d/a content=dropped-content\nfile d/b content=kept2")
        .drop("d/a")
        .dropped(&["d/a"])
        .keep()
        .squash()
        .base(1)
        .run();
    Case::new("deleted and added")
        .layer("file d/a content=old-content\nfile k content=kept")
        .layer("whiteout d\nfile d/a content=dropped-content\nfile d/b content=kept2")
        .drop("d/a")
        .dropped(&["d/a"])
        .keep()
        .squash()
        .base(1)
        .run();
}

/// A whole group goes only when all of its names do.
#[test]
fn names_of_a_hard_link_group() {
    let layer = "file a content=shared-content\nlink b -> a\nlink c -> a\nfile k content=kept";
    Case::new("the data's holder is held").layer(layer).drop("a").linked(&["a", "b", "c"]).run();
    Case::new("all of them").layer(layer).drop("a").drop("b").drop("c").dropped(&["a", "b", "c"]).run();
    Case::new("all that are left").layer(layer).layer("whiteout c").drop("a").drop("b").dropped(&["a", "b"]).run();
    Case::new("holder overwritten")
        .layer(layer)
        .layer("file a content=new-content")
        .drop("a")
        .dropped(&["a"])
        .linked(&["b", "c"])
        .run();
}

#[test]
fn what_a_kept_symlink_points_to_is_held() {
    Case::new("symlink").layer("file a content=content\nsym s -> a").drop("a").want("a", "file").run();
    Case::new("absolute").layer("file d/a content=content\nsym e/s -> /d/a").drop("d/a").want("d/a", "file").run();
    Case::new("dots").layer("file d/a content=content\nsym e/s -> ../d/a").drop("d/a").want("d/a", "file").run();
    Case::new("chain")
        .layer("file a content=content\nsym s -> a\nsym t -> s")
        .drop("a")
        .drop("s")
        .want("a", "file")
        .want("s", "->")
        .run();
    Case::new("both")
        .layer("file a content=dropped-content\nsym s -> a\nfile k content=kept")
        .drop("a")
        .drop("s")
        .dropped(&["a", "s"])
        .run();
    Case::new("the link alone")
        .layer("file a content=content\nsym s -> a")
        .drop("s")
        .dropped(&["s"])
        .want("a", "file")
        .run();
}

#[test]
fn a_directory_with_something_held_stays() {
    Case::new("held below")
        .layer("dir d mode=0700\nfile d/a content=content\nfile d/b content=dropped-content\nsym s -> d/a")
        .drop("d")
        .dropped(&["d/b"])
        .want("d", "0700")
        .run();
}

#[test]
fn protected_paths_stay() {
    use crate::run::Dir;
    use crate::{builder, oracle};
    let dir = Dir::new();
    let image =
        builder::Image::new(vec![builder::layer("file a content=kept-content\nfile b content=dropped-content")]);
    builder::Archive::new(image, builder::Form::OciTar).write(dir.path());
    dir.run(&["in.tar", "-p", "none", "--drop", "*", "--protect", "a", "-o", "out.tar"]).ok();
    let tree = oracle::open(&dir.join("out.tar")).images[0].tree().unwrap();
    assert!(tree.names.contains_key(&b"a"[..]) && !tree.names.contains_key(&b"b"[..]), "{:?}", oracle::dump(&tree));
}

#[test]
fn names_with_special_bytes() {
    for (name, glob) in [
        ("*", r"\*"),
        ("-x", "-x"),
        ("[a]", r"\[a\]"),
        ("[a]", "[[]a[]]"),
        (".hidden", ".*"),
        ("a b", "a b"),
        ("{x}", "[{]x[}]"),
    ] {
        Case::new(name)
            .layer(&format!("file \"{name}\" content=dropped-content\nfile d/k content=kept\nfile ab content=kept2"))
            .drop(glob)
            .dropped(&[name])
            .keep()
            .squash()
            .run();
    }
}

#[test]
fn sparse_files_and_long_names() {
    let name = "n".repeat(200);
    for form in ["old", "0.0", "0.1", "1.0"] {
        Case::new(form).layer(&format!("file s sparse={form} map=step:30 size=900000 content=pattern\nset long=pax\nfile {name} content=dropped-content\nfile k content=kept")).drop("s").drop("n*").dropped(&["s", &name]).run();
    }
}

#[test]
fn everything() {
    Case::new("everything")
        .layer("dir d\nfile d/a content=dropped-content\nfile b content=dropped-content2")
        .layer("file c content=dropped-content3")
        .drop("**")
        .dropped(&["b", "c", "d"])
        .run();
}
