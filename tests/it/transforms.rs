//! Rules that change files: what becomes a hard link, which bytecode goes or is made anew, and what programs of the user's make.

mod bytecode;
mod compile;
mod external;
mod hardlink;

use crate::builder::{Archive, Comp, Form, Image, layer};
use crate::oracle::archive::ImageView;
use crate::oracle::replay::{Node, What};
use crate::oracle::{Checks, Tree, open, well_formed};
use crate::run::Dir;
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

const HIDDEN: &str = "[[rule]]\nid = \"shadowed\"\naction = \"drop-shadowed\"\n";

/// An image before and after.
struct Slimmed {
    report: Value,
    before: ImageView,
    after: ImageView,
    stderr: String,
}

/// Slims an image of these layers with these rules and more arguments; the output must be well formed.
#[track_caller]
fn slim(layers: &[String], comp: Comp, rules: &str, args: &[&str]) -> Slimmed {
    let dir = Dir::new();
    slim_in(&dir, layers, comp, rules, args)
}

#[track_caller]
fn slim_in(dir: &Dir, layers: &[String], comp: Comp, rules: &str, args: &[&str]) -> Slimmed {
    let layers: Vec<Vec<u8>> = layers.iter().map(|text| layer(text)).collect();
    Archive::new(Image::new(layers).comp(comp), Form::OciTar).write(dir.path());
    dir.write("rules.toml", rules);
    let mut all = vec!["in.tar", "-o", "out.tar", "--report", "r.json", "-p", "rules.toml"];
    all.extend(args);
    let stderr = dir.run(&all).ok().stderr;
    let (mut before, mut after) = (open(&dir.join("in.tar")), open(&dir.join("out.tar")));
    let squash = args.contains(&"squash").then_some(0);
    let base = args.iter().position(|a| *a == "--base").map_or(0, |i| args[i + 1].parse().unwrap());
    let squash = squash.map(|_| base);
    let bad = well_formed(&before, &after, Checks { squash, base });
    assert!(bad.is_empty(), "{args:?} {bad:#?}");
    let report: Value = serde_json::from_slice(&std::fs::read(dir.join("r.json")).unwrap()).unwrap();
    Slimmed { report, before: before.images.remove(0), after: after.images.remove(0), stderr }
}

#[track_caller]
fn content(tree: &Tree, path: &str) -> Vec<u8> {
    let node = tree.names.get(path.as_bytes()).unwrap_or_else(|| panic!("no {path}"));
    let What::File(content) = &node.what else { panic!("{path} is no file") };
    content.to_vec()
}

/// The groups of names that are one file, of more than one name.
fn groups(tree: &Tree) -> Vec<Vec<String>> {
    let mut all: BTreeMap<*const Node, Vec<String>> = BTreeMap::new();
    for (path, node) in tree.names.iter().filter(|(_, node)| node.what != What::Dir) {
        all.entry(Rc::as_ptr(node)).or_default().push(path.escape_ascii().to_string());
    }
    let mut groups: Vec<_> = all.into_values().filter(|names| names.len() > 1).collect();
    groups.sort();
    groups
}

/// Fails unless every name has the content and metadata that it had.
#[track_caller]
fn same_files(before: &Tree, after: &Tree) {
    assert_eq!(before.names.keys().collect::<Vec<_>>(), after.names.keys().collect::<Vec<_>>());
    for (path, old) in &before.names {
        let new = &after.names[path];
        let all = |n: &Node| {
            (n.what.clone(), n.mode, n.uid, n.gid, n.uname.clone(), n.gname.clone(), n.mtime, n.records.clone())
        };
        assert!(all(old) == all(new), "{}: {old:?} became {new:?}", path.escape_ascii());
    }
}

/// What the report says of a rule.
fn rule<'a>(slimmed: &'a Slimmed, id: &str) -> Option<&'a Value> {
    slimmed.report["images"][0]["rules"].as_array().unwrap().iter().find(|r| r["id"] == id)
}
