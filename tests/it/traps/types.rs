//! Types that change.

use crate::case::Case;

#[test]
fn a_directory_becomes_a_file() {
    Case::new("dir to file")
        .layer("dir d mode=0700\nfile d/a content=old-content\nfile d/e/b content=old-content")
        .layer("file d content=new-content")
        .want("d", "new-content")
        .gone("d/a")
        .gone("d/e")
        .run();
}

#[test]
fn a_file_becomes_a_directory() {
    Case::new("explicit").layer("file d content=old-content").layer("dir d mode=0700").want("d", "0700").run();
    Case::new("only implied")
        .layer("file d content=old-content mode=0600 uid=4")
        .layer("file d/x content=new")
        .want("d", "0755 0:0 Dir")
        .run();
    Case::new("deep")
        .layer("file d content=old-content")
        .layer("file d/e/f/x content=new")
        .want("d/e/f/x", "new")
        .run();
}

#[test]
fn a_directory_becomes_a_symlink_and_back() {
    Case::new("to a symlink")
        .layer("dir d\nfile d/a content=old-content\nfile t/a content=kept-content")
        .layer("sym d -> t")
        .want("d", "-> t")
        .want("t/a", "kept-content")
        .run();
    Case::new("and back")
        .layer("sym d -> t\nfile t/a content=kept-content")
        .layer("dir d mode=0711\nfile d/b content=new-content")
        .want("d", "0711")
        .want("t/a", "kept-content")
        .gone("t/b")
        .run();
    Case::new("back and forth")
        .layer("dir d\nfile d/a content=first-content")
        .layer("sym d -> t")
        .layer("dir d\nfile d/b content=third-content")
        .layer("sym d -> u")
        .want("d", "-> u")
        .run();
}

#[test]
fn file_fifo_device_symlink() {
    let kinds = [
        "file x content=old-content",
        "fifo x mode=0600",
        "char x 5 1",
        "block x 8 0",
        "sym x -> y",
        "dir x mode=0700",
    ];
    for from in kinds {
        for to in kinds.iter().filter(|to| **to != from) {
            Case::new(&format!("{from}, then {to}")).layer(from).layer(to).keep().squash().base(1).run();
        }
    }
    let mut case = Case::new("all of them");
    for kind in kinds {
        case = case.layer(kind);
    }
    case.want("x", "0700").run();
}

/// Engines differ: umoci and vfs follow the link.
#[test]
fn a_path_below_a_symlink_of_a_lower_layer_makes_a_directory() {
    Case::new("lib")
        .layer("dir usr/lib\nfile usr/lib/a content=a-content\nsym lib -> usr/lib")
        .layer("file lib/x content=x-content")
        .want("lib", "0755 0:0 Dir")
        .want("lib/x", "x-content")
        .gone("usr/lib/x")
        .gone("lib/a")
        .run();
}

#[test]
fn within_one_layer_a_path_below_a_symlink_is_followed() {
    let layer =
        "dir usr/lib mode=0711\nsym lib -> usr/lib\nfile lib/x content=x-content\nfile lib/sub/y content=y-content";
    Case::new("alone").layer(layer).want("usr/lib/x", "x-content").want("lib", "-> usr/lib").run();
    Case::new("later")
        .layer("dir usr mode=0700\nfile f content=gone-content")
        .layer(layer)
        .want("usr/lib/sub/y", "y-content")
        .want("usr", "0700")
        .run();
    Case::new("absolute")
        .layer("dir usr/lib\nsym a/lib -> /usr/lib\nfile a/lib/x content=x")
        .want("usr/lib/x", "x")
        .run();
    Case::new("dots")
        .layer("dir usr/lib\nsym a/lib -> ../usr/./lib\nfile a/lib/x content=x")
        .want("usr/lib/x", "x")
        .run();
    Case::new("above the root").layer("dir usr\nsym a -> ../../usr\nfile a/x content=x").want("usr/x", "x").run();
    Case::new("twice").layer("dir c\nsym a -> b\nsym b -> c\nfile a/x content=x").want("c/x", "x").run();
    Case::new("rewritten")
        .layer(&format!("{layer}\nfile f content=gone-content"))
        .layer("whiteout f")
        .want("usr/lib/x", "x-content")
        .run();
}

#[test]
fn the_target_of_a_followed_symlink_may_lie_below() {
    Case::new("target only below")
        .layer("dir usr/lib mode=0711\nfile usr/lib/a content=a-content")
        .layer("sym lib -> usr/lib\nfile lib/x content=x-content")
        .want("usr/lib", "0711")
        .want("usr/lib/x", "x-content")
        .want("usr/lib/a", "a-content")
        .run();
}

/// The link of a lower layer is not followed: what the name would mean through it stays. But docker 20.10 and podman 4 make the
/// directory that a whiteout lies in, and it hides the link.
#[test]
fn a_whiteout_below_a_symlink_of_a_lower_layer_makes_a_directory() {
    let lower = "dir usr/lib\nfile usr/lib/a content=a-content\nsym lib -> usr/lib\nsym to/where -> ../usr/lib\nsym none -> no/such";
    let case = |name: &str, upper: &str| {
        Case::new(name).layer(lower).layer(&format!("{upper}\nfile z content=z")).want("usr/lib/a", "a-content")
    };
    case("a whiteout", "whiteout lib/a").want("lib", " 0755 0:0 Dir").gone("lib/a").run();
    case("of what is not there", "whiteout lib/b").want("lib", " Dir").run();
    case("an opaque marker", "opaque lib").want("lib", " Dir").run();
    case("deeper", "whiteout lib/sub/dir/b").want("lib/sub/dir", " Dir").gone("lib/sub/dir/b").run();
    case("an opaque marker deeper", "opaque lib/sub").want("lib/sub", " Dir").run();
    case("a link below a directory", "whiteout to/where/a").want("to/where", " Dir").want("to", " Dir").run();
    case("a link that leads nowhere", "whiteout none/a").want("none", " Dir").run();
    case("beside a file of the same layer", "whiteout lib/a\nfile lib/n content=n-content")
        .want("lib/n", "n-content")
        .run();
    case("an entry for the directory", "dir lib mode=0700 uid=3\nwhiteout lib/a").want("lib", " 0700 3:0 Dir").run();
    case("a link again", "sym lib -> usr\nwhiteout lib/a").want("lib", "-> usr").run();
    case("only directories are missing", "whiteout to/no/a").gone("to/no").want("to/where", "->").run();
}

#[test]
fn a_whiteout_below_a_symlink_and_layers_above() {
    Case::new("a file comes into it")
        .layer("dir usr/lib\nfile usr/lib/a content=a-content\nsym lib -> usr/lib")
        .layer("whiteout lib/a")
        .layer("file lib/n content=n-content")
        .want("lib/n", "n-content")
        .want("usr/lib/a", "a-content")
        .run();
    Case::new("the link comes back")
        .layer("dir usr/lib\nfile usr/lib/a content=a-content\nsym lib -> usr/lib")
        .layer("whiteout lib/a")
        .layer("sym lib -> usr/lib")
        .want("lib", "-> usr/lib")
        .run();
    Case::new("the directory goes")
        .layer("dir usr/lib\nfile usr/lib/a content=a-content\nsym lib -> usr/lib")
        .layer("whiteout lib/a")
        .layer("whiteout lib\nfile z content=z")
        .gone("lib")
        .run();
    Case::new("the link came with a layer between")
        .layer("dir lib\nfile lib/a content=old-content\ndir usr\nfile usr/a content=a-content")
        .layer("sym lib -> usr")
        .layer("whiteout lib/a")
        .want("lib", " Dir")
        .want("usr/a", "a-content")
        .gone("lib/a")
        .run();
}

#[test]
fn a_whiteout_below_a_symlink_of_its_own_layer() {
    Case::new("followed")
        .layer("dir usr/lib\nfile usr/lib/a content=old-content\nfile usr/lib/b content=b-content")
        .layer("dir usr/lib\nsym lib -> usr/lib\nwhiteout lib/a")
        .gone("usr/lib/a")
        .want("usr/lib/b", "b-content")
        .want("lib", "-> usr/lib")
        .run();
    Case::new("opaque")
        .layer("dir usr/lib\nfile usr/lib/a content=old-content")
        .layer("dir usr/lib\nsym lib -> usr/lib\nopaque lib\nfile lib/n content=n-content")
        .gone("usr/lib/a")
        .want("usr/lib/n", "n-content")
        .run();
}

#[test]
fn symlinks_are_data() {
    let layer = "sym dangling -> no/such\nsym absolute -> /etc/passwd\nsym loop -> loop\nsym up -> ../../../../etc/shadow\nsym dot -> .\n\
                 sym slash -> d/\nsym double -> a//b\nsym \"blank\\040\" -> \" x \"";
    Case::new("as they are").layer(layer).want("up", "-> ../../../../etc/shadow").want("double", "-> a//b").run();
    Case::new("rewritten")
        .layer(&format!("{layer}\nfile f content=gone-content"))
        .layer("whiteout f")
        .want("slash", "-> d/")
        .run();
}

#[test]
fn a_loop_of_symlinks_as_a_parent_is_an_error_or_nothing_worse() {
    Case::new("loop").layer("sym a -> b\nsym b -> a\nfile a/x content=x").fails_or_right().run();
}

#[test]
fn a_directory_over_a_directory_merges() {
    Case::new("merge")
        .layer("dir d mode=0700\nfile d/a content=a")
        .layer("dir d mode=0750 uid=3\nfile d/b content=b")
        .want("d", "0750 3:0")
        .want("d/a", "a")
        .want("d/b", "b")
        .run();
}

#[test]
fn a_file_and_something_below_it_in_one_layer() {
    Case::new("file then child").layer("file a content=old-content\nfile a/b content=new").fails_or_right().run();
    Case::new("child then file")
        .layer("file a/b content=old-content\nfile a content=new")
        .want("a", "new")
        .gone("a/b")
        .run();
    Case::new("symlink over a directory")
        .layer("file a/b content=old-content\nsym a -> c")
        .want("a", "-> c")
        .gone("a/b")
        .run();
}

/// What an entry said of a directory dies with it: its successor, which only a child implies, is 0755 and root's.
#[test]
fn a_directory_that_ended_within_its_layer() {
    Case::new("implied again")
        .layer("dir c/b mode=0700 uid=5\nfile c content=old-content\ndir c mode=0711\nfile c/b/a content=a-content")
        .want("c", "0711")
        .want("c/b", "0755 0:0")
        .run();
}
