//! Whiteouts, opaque ones too.

use crate::case::Case;

#[test]
fn the_same_path_added_in_that_layer_stays() {
    for layer in ["whiteout a\nfile a content=new-content", "file a content=new-content\nwhiteout a"] {
        Case::new(layer).layer("file a content=old-content").layer(layer).want("a", "new-content").run();
    }
}

#[test]
fn a_directory_deleted_and_added_again_has_no_old_children() {
    for layer in
        ["whiteout d\ndir d mode=0700\nfile d/n content=new", "dir d mode=0700\nfile d/n content=new\nwhiteout d"]
    {
        Case::new(layer)
            .layer("dir d\nfile d/a content=old-content\nfile d/e/b content=old-content")
            .layer(layer)
            .gone("d/a")
            .gone("d/e")
            .want("d", "0700")
            .run();
    }
}

#[test]
fn removed_and_recreated_several_times() {
    Case::new("several times")
        .layer("dir d\nfile d/a content=content-1\nfile d/b content=content-1b")
        .layer("whiteout d")
        .layer("dir d mode=0711\nfile d/c content=content-3")
        .layer("whiteout d")
        .layer("file d/a content=content-5")
        .want("d/a", "content-5")
        .want("d", "0755")
        .gone("d/b")
        .gone("d/c")
        .run();
    Case::new("a file")
        .layer("file a content=content-1")
        .layer("whiteout a")
        .layer("file a content=content-3")
        .layer("whiteout a")
        .layer("file b content=content-5")
        .gone("a")
        .run();
}

#[test]
fn parent_deleted_and_one_child_added_again() {
    Case::new("without an entry")
        .layer("dir d mode=0700 uid=5 xattr.user.x=1\nfile d/a content=old-content\nfile d/b content=old-content2")
        .layer("whiteout d\nfile d/a content=new-content")
        .want("d", "0755 0:0 Dir")
        .want("d/a", "new-content")
        .gone("d/b")
        .run();
    Case::new("in the next layer")
        .layer("dir d mode=0700 uid=5\nfile d/a content=old-content")
        .layer("whiteout d")
        .layer("file d/a content=new-content")
        .want("d", "0755 0:0 Dir")
        .run();
    Case::new("with an entry")
        .layer("dir d mode=0700 uid=5\nfile d/a content=old-content")
        .layer("whiteout d\ndir d mode=0711\nfile d/a content=new-content")
        .want("d", "0711 0:0 Dir")
        .run();
}

#[test]
fn opaque_hides_lower_children_wherever_the_whiteout_stands() {
    let lower = "dir d mode=0700\nfile d/a content=old-content\nfile d/e/b content=old-content2\nfile x content=kept";
    let lines = ["opaque d", "dir d mode=0711", "file d/n content=new-content", "file d/a content=new-content2"];
    for order in [[0, 1, 2, 3], [1, 0, 2, 3], [1, 2, 0, 3], [1, 2, 3, 0]] {
        let layer = order.map(|i| lines[i]).join("\n");
        Case::new(&layer)
            .layer(lower)
            .layer(&layer)
            .want("d", "0711")
            .want("d/a", "new-content2")
            .want("d/n", "new-content")
            .gone("d/e")
            .want("x", "kept")
            .run();
    }
}

#[test]
fn a_layer_above_an_opaque_one_adds_again() {
    Case::new("above")
        .layer("dir d\nfile d/a content=old-content\nfile d/b content=old-content2")
        .layer("dir d\nopaque d\nfile d/n content=second")
        .layer("file d/a content=third")
        .want("d/a", "third")
        .gone("d/b")
        .run();
}

#[test]
fn opaque_in_a_directory_without_an_entry_keeps_its_metadata() {
    Case::new("no entry")
        .layer("dir d mode=0700 uid=5 mtime=5.5 xattr.user.x=1\nfile d/a content=old-content")
        .layer("opaque d\nfile d/n content=new")
        .want("d", "0700 5:0")
        .want("d", "user.x")
        .run();
    Case::new("nothing else in the layer")
        .layer("dir d mode=0700 uid=5 mtime=5.5\nfile d/a content=old-content")
        .layer("opaque d")
        .want("d", "0700 5:0")
        .gone("d/a")
        .run();
}

#[test]
fn opaque_at_the_root_hides_everything() {
    for layer in ["opaque .\nfile n content=new", "file n content=new\nopaque ."] {
        Case::new(layer)
            .layer("dir . mode=0711\ndir d\nfile d/a content=old-content\nfile f content=old-content2\nsym l -> f")
            .layer(layer)
            .want("", "0711")
            .gone("d")
            .gone("f")
            .gone("l")
            .want("n", "new")
            .run();
    }
}

#[test]
fn opaque_in_nested_directories() {
    Case::new("nested")
        .layer("file d/e/a content=old-content\nfile d/e/b content=old-content2\nfile d/c content=old-content3")
        .layer("opaque d\ndir d/e mode=0711\nopaque d/e\nfile d/e/b content=new")
        .gone("d/c")
        .gone("d/e/a")
        .want("d/e/b", "new")
        .run();
}

#[test]
fn whiteouts_take_exactly_their_name() {
    Case::new("foo, not foobar")
        .layer("file foo content=old-content\nfile foobar content=kept\nfile foo.bar content=kept2\nfile d/foo content=kept3")
        .layer("whiteout foo")
        .gone("foo")
        .want("foobar", "kept")
        .run();
    let names =
        [r"a\nb", "*", "a*", "[ab]", r"back\\slash", r"\xff\xfe", "-rf", "?", r"tab\t", "{a,b}", r"\040", "$HOME", "~"];
    for name in names {
        Case::new(name)
            .layer(&format!("file \"d/{name}\" content=old-content\nfile d/a content=kept-a\nfile d/b content=kept-b\nfile d/ab content=kept-ab"))
            .layer(&format!("whiteout \"d/{name}\""))
            .want("d/a", "kept-a")
            .want("d/b", "kept-b")
            .want("d/ab", "kept-ab")
            .run();
    }
}

#[test]
fn names_that_look_like_whiteouts() {
    Case::new("...").layer("file ... content=old-content\nfile x content=kept").layer("file .wh....").gone("...").run();
    Case::new("dots in d")
        .layer("file d/... content=old-content\nfile d/x content=kept")
        .layer("file d/.wh....")
        .gone("d/...")
        .run();
    Case::new("foo.wh.bar")
        .layer("file foo content=kept\nfile bar content=kept2\nfile wh.y content=kept3\nfile y content=kept4")
        .layer(
            "file foo.wh.bar content=file1\nfile wh.y content=file2\nfile .wh content=file3\nfile d.wh.e content=file4",
        )
        .want("foo", "kept")
        .want("bar", "kept2")
        .want("y", "kept4")
        .want("foo.wh.bar", "file1")
        .want("wh.y", "file2")
        .want(".wh", "file3")
        .run();
    Case::new("rewritten")
        .layer("file d.wh.e content=file4\nfile f content=gone-content\nfile wh..wh..opq content=file5")
        .layer("whiteout f")
        .want("d.wh.e", "file4")
        .run();
}

#[test]
fn a_whiteout_is_its_name() {
    for line in [
        "file d/.wh.a content=not-empty mode=0777",
        "dir d/.wh.a mode=0700",
        "sym d/.wh.a -> somewhere",
        "char d/.wh.a 0 0",
        "fifo d/.wh.a",
        "file d/.wh.a type=nul mode=0",
        "link d/.wh.a -> d/.wh.b",
    ] {
        let layer = if line.starts_with("link") { format!("whiteout d/b\n{line}") } else { line.to_owned() };
        let case = Case::new(line)
            .layer("file d/a content=old-content\nfile d/b content=b-content\nfile d/c content=kept")
            .layer(&layer);
        case.gone("d/a").want("d/c", "kept").run();
    }
}

#[test]
fn a_whiteout_of_nothing() {
    Case::new("nothing").layer("file a content=a").layer("whiteout no\nfile b content=b").want("b", "file \"b\"").run();
}

#[test]
fn a_whiteout_in_a_missing_directory_does_nothing() {
    Case::new("missing directory")
        .layer("file a content=kept")
        .layer("whiteout no/such/x\nfile b content=b")
        .gone("no")
        .run();
    Case::new("alone in its layer").layer("file a content=kept").layer("whiteout no/such/x").gone("no").run();
    Case::new("twice")
        .layer("file a content=old-content\nfile b content=kept")
        .layer("whiteout a")
        .layer("whiteout a")
        .gone("a")
        .run();
    Case::new("twice in a layer")
        .layer("file a content=old-content\nfile b content=kept")
        .layer("whiteout a\nwhiteout ./a")
        .gone("a")
        .run();
    Case::new("in the first layer")
        .layer("whiteout a\nfile b content=kept\nopaque .\nopaque d")
        .layer("file c content=c")
        .gone("a")
        .run();
    Case::new("below a file").layer("file a content=kept").layer("whiteout a/b").want("a", "kept").run();
}

#[test]
fn a_whiteout_of_a_symlink_takes_the_link() {
    Case::new("symlink")
        .layer("file f content=kept\nsym s -> f\ndir d\nfile d/x content=kept2\nsym t -> d")
        .layer("whiteout s\nwhiteout t")
        .gone("s")
        .gone("t")
        .want("d/x", "kept2")
        .run();
}

#[test]
fn a_whiteout_of_an_implied_directory() {
    Case::new("implied")
        .layer("file d/e/a content=old-content\nfile x content=kept")
        .layer("whiteout d")
        .gone("d")
        .run();
    Case::new("implied, inner")
        .layer("file d/e/a content=old-content\nfile x content=kept")
        .layer("whiteout d/e")
        .gone("d/e")
        .want("d", "Dir")
        .run();
}

#[test]
fn aufs_bookkeeping_is_never_in_the_tree() {
    let aufs = "dir .wh..wh.plnk mode=0700\nfile .wh..wh.plnk/1.2 content=aufs-data\nfile .wh..wh.aufs mode=0444\ndir .wh..wh.orph mode=0700";
    Case::new("below").layer(&format!("{aufs}\nfile a content=kept")).layer("file b content=b").want("a", "kept").run();
    Case::new("above")
        .layer("file a content=kept\nfile x content=old-content")
        .layer(&format!("{aufs}\nwhiteout x"))
        .gone("x")
        .gone(".wh..wh.aufs")
        .run();
}

#[test]
fn a_character_device_0_0_is_a_device() {
    Case::new("0/0").layer("file a content=kept").layer("char d/dev 0 0 mode=0600").want("d/dev", "Char(0, 0)").run();
    Case::new("over a file")
        .layer("file a content=old-content")
        .layer("char a 0 0")
        .layer("file b content=b")
        .want("a", "Char(0, 0)")
        .run();
}

/// A directory that an upper layer only implies keeps the lower one's metadata; engines do that only where its parents are
/// written out, so rewritten layers must not make it worse.
#[test]
fn a_lower_private_directory_stays_private() {
    Case::new("private")
        .layer("dir root mode=0700 uid=1\nfile root/a content=old-content")
        .layer("file root/b content=b\nfile root/c content=gone-content")
        .layer("whiteout root/c\nwhiteout root/a")
        .want("root", "0700 1:0")
        .run();
}

#[test]
fn everything_deleted_and_something_new() {
    Case::new("everything")
        .layer("file a content=old-content\ndir d\nfile d/b content=old-content2")
        .layer("whiteout a\nwhiteout d")
        .gone("a")
        .gone("d")
        .run();
    Case::new("then new")
        .layer("file a content=old-content")
        .layer("opaque .")
        .layer("file n content=n")
        .gone("a")
        .run();
}

/// What a base holds can only be hidden, so the rewritten layers above must do that without mistakes.
#[test]
fn a_base_needs_its_whiteouts() {
    Case::new("base")
        .layer("dir d mode=0700\nfile d/a content=base-a\nfile d/b content=base-b\nfile x content=base-x\nsym s -> d")
        .layer("whiteout x\nfile d/c content=old-content")
        .layer("whiteout d\nwhiteout s\nfile x content=new-x")
        .layer("dir d mode=0711\nfile d/b content=new-b\nwhiteout x")
        .gone("d/a")
        .gone("x")
        .want("d", "0711")
        .want("d/b", "new-b")
        .run();
    Case::new("directory to file and back")
        .layer("file d/a content=base-a\nfile d/b content=base-b")
        .layer("file d content=old-content")
        .layer("file d/b content=new-b")
        .gone("d/a")
        .want("d/b", "new-b")
        .run();
    Case::new("file deleted, then a directory")
        .layer("file d content=base-d\nfile e/f content=base-f")
        .layer("whiteout d\nwhiteout e")
        .layer("dir d mode=0700\nfile d/x content=x\nfile e content=e")
        .want("d", "0700")
        .run();
}

#[test]
fn a_whiteout_twice_in_a_layer_that_is_rewritten() {
    Case::new("the same twice, and one of nothing")
        .layer("file c content=base-content\nfile k content=kept")
        .layer("whiteout c\nwhiteout c\nwhiteout a")
        .gone("c")
        .run();
    Case::new("twice beside what goes")
        .layer("file c content=base-content\nfile k content=kept")
        .layer("whiteout c\nfile x content=gone-content\nwhiteout ./c")
        .layer("whiteout x")
        .gone("c")
        .run();
}
