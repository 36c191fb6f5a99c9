use super::*;
use crate::tar::Meta;
use crate::tree::{NodeId, Type};

/// Makes a layer from lines: `dir/`, `file`, `link=>target`, `sym->target`, `.wh.x`. Files have one block of data.
pub(crate) fn layer(lines: &[&str]) -> Vec<Member> {
    let mut at = 0;
    let member = |line: &&str| {
        let (path, kind) = if let Some((path, target)) = line.split_once("=>") {
            (path, Kind::hard_link(target))
        } else if let Some((path, target)) = line.split_once("->") {
            (path, Kind::symlink(target))
        } else if let Some(path) = line.strip_suffix('/') {
            (path, Kind::Dir)
        } else {
            (*line, Kind::File)
        };
        let (start, stored) = (at, if kind == Kind::File && !line.contains(".wh.") { 512 } else { 0 });
        at += 512 + stored;
        let (path, meta) = (path.as_bytes().to_vec().into_boxed_slice().into(), Meta::default());
        Member { start, stored, head: 1, flag: b'0', global: false, path, kind, meta, sparse: None }
    };
    lines.iter().map(member).collect()
}

/// Lists `path@layer.member` of each name's holder, `path/` for implied directories.
fn dump(tree: &Tree) -> Vec<String> {
    let show = |id| {
        let inode = tree.inode_of(id);
        let slash = if inode.kind == Type::Dir { "/" } else { "" };
        let at = inode.holder().map(|at| format!("@{}.{}", at.layer, at.member)).unwrap_or_default();
        format!("{}{slash}{at}", tree.path(id))
    };
    tree.ids().skip(1).map(show).collect()
}

fn merged(layers: &[&[&str]]) -> Vec<String> {
    try_merged(layers).unwrap()
}

fn try_merged(layers: &[&[&str]]) -> Result<Vec<String>> {
    let layers: Vec<_> = layers.iter().map(|l| layer(l)).collect();
    let slices: Vec<_> = layers.iter().map(Vec::as_slice).collect();
    merge(&slices, 0).map(|m| dump(&m.tree))
}

#[test]
fn the_last_entry_wins_and_directories_merge() {
    assert_eq!(merged(&[&["a/", "a/x", "a/x", "a/"], &["a/", "a/y"]]), ["a/@1.0", "a/x@0.2", "a/y@1.1"]);
    assert_eq!(merged(&[&["a/", "a/x"], &["a"]]), ["a@1.0"]);
    assert_eq!(merged(&[&["a"], &["a/x"]]), ["a/", "a/x@1.0"]);
    assert_eq!(merged(&[&["a/", "a/x", "a"]]), ["a@0.2"]);
    assert_eq!(merged(&[&["a", "a/x"]]), ["a/", "a/x@0.1"]);
}

#[test]
fn whiteouts_hide_lower_layers_only() {
    assert_eq!(merged(&[&["f"], &["f", ".wh.f"]]), ["f@1.0"]);
    assert_eq!(merged(&[&["f"], &[".wh.f", "f"]]), ["f@1.1"]);
    assert_eq!(merged(&[&["d/", "d/x"], &["d/", "d/y", ".wh.d"]]), ["d/@1.0", "d/y@1.1"]);
    assert_eq!(merged(&[&["d/", "d/x"], &[".wh.d"], &["d/y"]]), ["d/", "d/y@2.0"]);
    assert_eq!(
        merged(&[&["d/x", "foobar"], &["d/.wh.nope", "none/.wh.x", ".wh.foo"]]),
        ["d/", "d/x@0.0", "foobar@0.1"]
    );
    assert_eq!(merged(&[&["..."], &[".wh....", ".wh..", ".wh..."]]), [""; 0]);
}

#[test]
fn opaque_whiteouts_hide_lower_children_wherever_they_stand() {
    assert_eq!(merged(&[&["d/", "d/x"], &["d/y", "d/.wh..wh..opq"]]), ["d/@0.0", "d/y@1.0"]);
    assert_eq!(merged(&[&["d/x", "f"], &[".wh..wh..opq", "g"]]), ["g@1.1"]);
}

#[test]
fn bookkeeping_of_aufs_is_never_there() {
    assert_eq!(merged(&[&[".wh..wh.plnk/", ".wh..wh.plnk/1.2", ".wh..wh.orph/", ".wh..wh.aufs", "a"]]), ["a@0.4"]);
}

#[test]
fn symbolic_links_are_followed_within_a_layer_only() {
    assert_eq!(merged(&[&["lib->usr/lib", "lib/x"]]), ["lib@0.0", "usr/", "usr/lib/", "usr/lib/x@0.1"]);
    assert_eq!(
        merged(&[&["lib->usr/lib", "usr/lib/x"], &["lib/y"]]),
        ["lib/", "lib/y@1.0", "usr/", "usr/lib/", "usr/lib/x@0.1"]
    );
    let lower: &[&str] = &["lib->usr/lib", "usr/lib/x"];
    assert_eq!(merged(&[lower, &["lib/.wh.x"]]), ["lib/", "usr/", "usr/lib/", "usr/lib/x@0.1"]);
    assert_eq!(merged(&[lower, &["lib->/usr/lib", "lib/.wh.x"]]), ["lib@1.0", "usr/", "usr/lib/"]);
    let e = try_merged(&[&["a->b", "b->a", "a/x"]]).unwrap_err();
    assert!(e.to_string().starts_with("layer 1 of 1: member a/x: "), "{e}");
}

#[test]
fn hard_links_share_what_their_target_was() {
    assert_eq!(merged(&[&["a", "b=>a", "a"]]), ["a@0.2", "b@0.0"]);
    assert_eq!(merged(&[&["a", "b=>a"], &["a"]]), ["a@1.0", "b@0.0"]);
    assert_eq!(merged(&[&["b=>a", "c=>b", "a"]]), ["a@0.2", "b@0.2", "c@0.2"]);
    assert_eq!(merged(&[&["a"], &["b=>a"], &["a"]]), ["a@2.0", "b@0.0"]);
    assert_eq!(merged(&[&["a"], &["b=>a", ".wh.a"]]), ["b@0.0"]);
    assert_eq!(merged(&[&["a", "a=>a"]]), ["a@0.0"]);
    for bad in [&["a=>a"][..], &["a=>gone"], &["d/", "l=>d"], &["x=>y", "y=>x"]] {
        let e = try_merged(&[bad]).unwrap_err();
        assert!(e.to_string().contains("hard link to"), "{e}");
    }
}

#[test]
fn a_path_resolves_as_the_kernel_does_it() {
    let layers =
        [layer(&["bin->usr/bin", "usr/bin/sh->dash", "usr/bin/dash", "loop->loop", "up->../../usr", "dead->nope"])];
    let tree = merge(&[&layers[0]], 0).unwrap().tree;
    let target = |path: &str| {
        let found = tree.resolve(NodeId::ROOT, path.as_bytes());
        (found.links.len(), found.target.map(|t| tree.path(t).to_string()))
    };
    assert_eq!(target("/bin/sh"), (2, Some("usr/bin/dash".to_owned())));
    assert_eq!(target("up/bin/../bin/dash"), (1, Some("usr/bin/dash".to_owned())));
    assert_eq!(target("dead").1, None);
    assert_eq!(target("loop").1, None);
}

#[test]
fn names_are_found_by_their_first_bytes_and_by_all() {
    let mut names = vec!["a", "a.py", "a-b", "abcdefgh", "abcdefgh.py", "abcdefghi", "abcdefgh\u{7f}", "b", "a\u{1}"];
    let lines: Vec<String> = names.iter().map(|name| format!("d/{name}")).collect();
    let layer = layer(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let tree = merge(&[&layer], 0).unwrap().tree;
    let dir = tree.lookup(b"d").unwrap();
    names.sort_unstable();
    for asked in ["", "a", "a.", "abcdefg", "abcdefgh", "abcdefgh.", "abcdefghz", "b", "c"] {
        let from: Vec<_> = tree.children_from(dir, asked.as_bytes()).iter().map(|&id| tree.name(id)).collect();
        let expected: Vec<_> = names.iter().filter(|name| **name >= asked).collect();
        assert_eq!(from, expected, "{asked}");
        assert_eq!(tree.child(dir, asked.as_bytes()).is_some(), names.contains(&asked), "{asked}");
    }
    for id in tree.ids() {
        let path = tree.path(id);
        assert!(tree.is_at(id, &path));
        for other in [&b"x"[..], b"d", b"", b"/d", b"d/", b"xd/a"] {
            assert_eq!(tree.is_at(id, other), *path == *other, "{path} {}", String::from_utf8_lossy(other));
        }
    }
}

#[test]
fn a_whiteout_below_a_symlink_of_a_lower_layer_makes_directories() {
    let lower: &[&str] = &["u/", "u/a", "l->u"];
    assert_eq!(merged(&[lower, &["l/.wh.a"]]), ["l/", "u/@0.0", "u/a@0.1"]);
    assert_eq!(merged(&[lower, &["l/s/.wh..wh..opq"]]), ["l/", "l/s/", "u/@0.0", "u/a@0.1"]);
    assert_eq!(merged(&[lower, &["l/.wh.a"], &["l->u"]]), ["l@2.0", "u/@0.0", "u/a@0.1"]);
    // The whiteout of the link itself comes first, and nothing is below it then.
    assert_eq!(merged(&[lower, &["l/.wh.a", ".wh.l"]]), ["u/@0.0", "u/a@0.1"]);
    assert_eq!(merged(&[lower, &["n/.wh.a", "u/n/.wh.a"]]), ["l@0.2", "u/@0.0", "u/a@0.1"]);
}
