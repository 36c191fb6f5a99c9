//! Hard links.

use crate::case::Case;

#[test]
fn target_overwritten_later_leaves_the_others_old_and_linked() {
    Case::new("overwritten")
        .layer("file a content=old-content mode=0640 uid=7 xattr.user.x=1\nlink b -> a\nlink c -> a")
        .layer("file a content=new-content")
        .want("a", "new-content")
        .want("b", "old-content")
        .want("b", "0640 7:0")
        .linked(&["b", "c"])
        .unlinked("a", "b")
        .run();
}

#[test]
fn a_group_replaced_by_another_group() {
    Case::new("group over group")
        .layer("file a content=old-content\nlink b -> a\nlink c -> a")
        .layer("file a content=new-content\nlink b -> a")
        .linked(&["a", "b"])
        .want("a", "new-content")
        .want("c", "old-content")
        .unlinked("a", "c")
        .run();
}

#[test]
fn a_group_replaced_whole_is_gone() {
    Case::new("whole group")
        .layer("file a content=old-content\nlink b -> a")
        .layer("file b content=new-content\nlink a -> b")
        .linked(&["a", "b"])
        .want("a", "new-content")
        .run();
}

#[test]
fn target_deleted_by_name() {
    Case::new("deleted by name")
        .layer("file a content=old-content xattr.user.x=0x0001\nlink b -> a\nlink c -> a")
        .layer("whiteout a")
        .gone("a")
        .linked(&["b", "c"])
        .want("b", "old-content")
        .run();
}

#[test]
fn target_deleted_with_its_parent() {
    Case::new("deleted with its parent")
        .layer("dir d mode=0700\nfile d/a content=old-content\nlink b -> d/a\nlink e/c -> d/a")
        .layer("whiteout d")
        .gone("d")
        .linked(&["b", "e/c"])
        .want("b", "old-content")
        .run();
}

#[test]
fn target_deleted_by_an_opaque_whiteout() {
    Case::new("deleted by an opaque marker")
        .layer("dir d mode=0700\nfile d/a content=old-content\nlink b -> d/a\nlink c -> d/a")
        .layer("opaque d\nfile d/n content=x")
        .gone("d/a")
        .linked(&["b", "c"])
        .want("d", "0700")
        .run();
}

#[test]
fn the_new_holder_of_the_data_has_a_long_name() {
    for (long, n) in [("gnu", 101), ("pax", 101), ("gnu", 300), ("pax", 300), ("pax", 99), ("pax", 100)] {
        let name = format!("d/{}", "n".repeat(n));
        Case::new(&format!("holder of {n} bytes, {long}"))
            .layer(&format!(
                "set long={long}\nfile a content=old-content mtime=5.25\nlink {name} -> a mtime=5.25\nlink {name}2 -> {name} mtime=5.25"
            ))
            .layer("whiteout a")
            .want(&name, "old-content")
            .linked(&[&name, &format!("{name}2")])
            .run();
    }
}

#[test]
fn the_old_holder_of_the_data_has_a_long_name() {
    let name = "n".repeat(200);
    for long in ["gnu", "pax"] {
        Case::new(long)
            .layer(&format!("set long={long}\nfile {name} content=old-content\nlink b -> {name}\nlink c -> {name}"))
            .layer(&format!("whiteout {name}"))
            .linked(&["b", "c"])
            .run();
    }
}

#[test]
fn target_becomes_a_symlink_or_a_directory() {
    for (text, kind) in [("sym a -> b", "-> b"), ("dir a", "Dir"), ("file a/x content=y", "Dir"), ("fifo a", "Fifo")] {
        Case::new(text)
            .layer("file a content=old-content\nlink b -> a\nlink c -> a")
            .layer(text)
            .want("a", kind)
            .want("b", "old-content")
            .linked(&["b", "c"])
            .run();
    }
}

/// Overlay engines refuse such a layer; here it is one file. What is written never has a link to another layer.
#[test]
fn a_link_to_a_lower_layer_is_one_file_with_its_target() {
    Case::new("link to a lower layer")
        .layer("file a content=old-content mode=0600")
        .layer("link b -> a mode=0600")
        .linked(&["a", "b"])
        .run();
    Case::new("from two layers")
        .layer("file a content=old-content")
        .layer("link b -> a")
        .layer("link c -> b")
        .linked(&["a", "b", "c"])
        .run();
}

#[test]
fn a_link_to_a_lower_layer_outlives_its_target() {
    Case::new("overwritten after it")
        .layer("file a content=old-content")
        .layer("link b -> a\nlink c -> a")
        .layer("file a content=new-content")
        .linked(&["b", "c"])
        .want("b", "old-content")
        .want("a", "new-content")
        .run();
    Case::new("deleted after it")
        .layer("file a content=old-content")
        .layer("link b -> a")
        .layer("whiteout a")
        .want("b", "old-content")
        .gone("a")
        .run();
}

#[test]
fn a_link_to_a_symlink_is_that_symlink() {
    Case::new("link to a symlink")
        .layer("file f content=content\nsym s -> f uid=3\nlink t -> s uid=3 mode=0777")
        .want("t", "-> f")
        .linked(&["s", "t"])
        .run();
    Case::new("its first name goes")
        .layer("sym s -> nowhere\nlink t -> s mode=0777")
        .layer("whiteout s")
        .want("t", "-> nowhere")
        .run();
}

#[test]
fn links_to_fifos_and_devices_stay_one_inode() {
    for (line, kind) in
        [("fifo p mode=0600", "Fifo"), ("char p 1 3 mode=0600", "Char(1, 3)"), ("block p 8 1 mode=0600", "Block(8, 1)")]
    {
        let first = format!("{line}\nlink q -> p mode=0600\nlink r -> p mode=0600");
        Case::new(line).layer(&first).layer("file other").linked(&["p", "q", "r"]).want("q", kind).run();
        Case::new(line).layer(&first).layer("whiteout p").linked(&["q", "r"]).want("q", kind).run();
    }
}

/// The obvious group, or an error that names it.
#[test]
fn a_link_to_itself_or_before_its_target() {
    Case::new("to itself, there already").layer("file a content=content\nlink a -> a").fails_or_right().run();
    Case::new("to itself alone").layer("file f\nlink a -> a").fails(&["a"]).keep().squash().run();
    Case::new("before its target").layer("link b -> a\nfile a content=content").fails_or_right().run();
    Case::new("two before")
        .layer("link c -> b\nlink b -> a\nfile a content=content\nlink d -> c")
        .fails_or_right()
        .run();
    Case::new("in a ring").layer("file f\nlink a -> b\nlink b -> a").fails(&["a"]).keep().squash().run();
}

#[test]
fn a_link_to_nothing_is_an_error_that_names_it() {
    Case::new("to nothing")
        .layer("file f\nlink dir/name -> no/such/file")
        .fails(&["dir/name", "no/such/file"])
        .keep()
        .squash()
        .run();
    Case::new("to a directory").layer("dir d\nlink dir/name -> d").fails(&["dir/name"]).keep().squash().run();
    Case::new("out of the root")
        .layer("file f\nlink dir/name -> ../../etc/passwd")
        .fails(&["dir/name"])
        .keep()
        .squash()
        .run();
}

#[test]
fn a_link_header_with_other_metadata_than_its_target() {
    let layer = "file a content=content mode=0600 uid=1 gid=2 mtime=5.5 xattr.user.x=1\n\
                 link b -> a mode=0777 uid=9 gid=9 mtime=9 xattr.user.y=2";
    Case::new("unchanged").layer(layer).want("b", "0600 1:2").linked(&["a", "b"]).run();
    Case::new("rewritten").layer(layer).layer("whiteout a").want("b", "0600 1:2").want("b", "user.x=1").run();
    Case::new("rewritten beside")
        .layer(&format!("{layer}\nfile x content=gone-content"))
        .layer("whiteout x")
        .linked(&["a", "b"])
        .run();
}

#[test]
fn link_names_in_every_spelling() {
    for target in ["./a", "/a", ".//a", "d/../a", "a/.", "//a"] {
        Case::new(target)
            .layer(&format!("dir d\nfile a content=content\nlink d/b -> {target}\nlink c -> {target}"))
            .linked(&["a", "c", "d/b"])
            .run();
        Case::new(target)
            .layer(&format!("dir d\nfile a content=old-content\nlink d/b -> {target}\nlink c -> {target}"))
            .layer("whiteout a")
            .linked(&["c", "d/b"])
            .run();
    }
    Case::new("d//a")
        .layer("file d/a content=old-content\nlink b -> d//a\nlink c -> ./d/./a")
        .layer("whiteout d")
        .linked(&["b", "c"])
        .run();
}

#[test]
fn links_below_a_symlink_of_their_layer() {
    Case::new("below a symlink")
        .layer("dir usr/lib\nsym lib -> usr/lib\nfile lib/a content=content\nlink b -> lib/a\nlink lib/c -> usr/lib/a")
        .linked(&["usr/lib/a", "usr/lib/c", "b"])
        .run();
}

#[test]
fn a_target_overwritten_in_its_own_layer_leaves_the_link_old() {
    Case::new("in its own layer")
        .layer("file a content=old-content\nlink b -> a\nfile a content=new-content")
        .want("b", "old-content")
        .want("a", "new-content")
        .unlinked("a", "b")
        .run();
}

/// The group is in one layer afterwards, with the data first and every header alike: the check of outputs sees to it.
#[test]
fn groups_that_span_layers_by_rewriting_parts() {
    Case::new("partly rewritten twice")
        .layer("file a content=first-content\nlink b -> a\nlink c -> a\nlink d -> a")
        .layer("file b content=second-content\nlink c -> b")
        .layer("file c content=third-content")
        .linked(&["a", "d"])
        .want("b", "second-content")
        .want("c", "third-content")
        .run();
}

#[test]
fn a_capability_on_a_group() {
    let cap = "0x0100000200000000000000000000000000000000";
    Case::new("capability")
        .layer(&format!("file a content=content xattr.security.capability={cap}\nlink b -> a\nlink c -> a"))
        .layer("whiteout a")
        .linked(&["b", "c"])
        .want("c", "security.capability")
        .run();
}

#[test]
fn empty_files_have_groups_too() {
    Case::new("empty").layer("file a\nlink b -> a\nlink c -> a").layer("whiteout a").linked(&["b", "c"]).run();
}

/// A link entry with a size and a body of its own, as cpio-born pax archives have: the oracle cannot tell, but a crash is wrong.
#[test]
fn names_of_a_group_deleted_and_added_again() {
    Case::new("deleted and added")
        .layer("file a content=old-content\nlink b -> a")
        .layer("whiteout a")
        .layer("file a content=new-content")
        .want("a", "new-content")
        .want("b", "old-content")
        .unlinked("a", "b")
        .run();
    Case::new("a moves away")
        .layer("file d/a content=old-content\nlink e/b -> d/a")
        .layer("whiteout d\nfile d/a content=new-content\nlink d/c -> d/a")
        .linked(&["d/a", "d/c"])
        .want("e/b", "old-content")
        .run();
}
