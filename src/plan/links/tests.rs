use super::super::{decide, finish, rewrites};
use super::*;
use crate::image::ImageFacts;
use crate::layer::LayerIndex;
use crate::plan::made::Made;
use crate::profile::{self, Matcher};
use crate::tree::merge::{merge, tests::layer};

const RULES: &str = "[[rule]]\nid = 'shadowed'\naction = 'drop-shadowed'\n\
                     [[rule]]\nid = 'l'\naction = 'hardlink'\npaths = ['*']\n";

/// Returns the members that would be hashed, and the links if all have the same content except those in `differ`.
fn links_of(lines: &[&str], differ: &[&str]) -> (Vec<String>, Vec<(String, String, u64)>) {
    let index = LayerIndex { members: layer(lines), ..LayerIndex::default() };
    let layers = [&index];
    let merged = merge(&[index.members.as_slice()], 0).unwrap();
    let names = ["./case.toml".to_owned()];
    let request = profile::Request { profiles: &names, ..Default::default() };
    let profile = profile::resolve(&request, &|_| Ok(RULES.to_owned())).unwrap();
    let matcher = Matcher::new(&profile).unwrap();
    let facts = ImageFacts::default();
    let request = Request {
        facts: &facts,
        layers: &layers,
        merged: &merged,
        profile: &profile,
        matcher: &matcher,
        named: None,
        squash: false,
        base: 0,
        cut: &crate::plan::cut::WHOLE,
    };
    let verdicts = decide(&request).unwrap();
    let rewrites = rewrites(&request, &verdicts, &Made::default());
    let found = candidates(&request, &verdicts.proposals, &verdicts.decided.dropped, &rewrites);
    let path = |at: &MemberId| index.members[at.member as usize].path.to_string();
    let hash = |at: &MemberId| {
        let own = if differ.contains(&&*path(at)) { path(at) } else { String::new() };
        (*at, Digest::of(own.as_bytes()))
    };
    let unknown = found.unknown();
    let links = links(&request, &found, &rewrites, &unknown.iter().map(hash).collect(), &Pinned::default());
    let shown = links.all.iter().map(|l| {
        let path = |node| merged.tree.path(node).to_string();
        (path(l.node), path(l.first), l.bytes)
    });
    let shown: Vec<_> = shown.collect();
    assert_eq!(finish(&request, verdicts, rewrites, links).links.all.len(), shown.len());
    (unknown.iter().map(path).collect(), shown)
}

#[test]
fn the_first_in_the_layer_has_the_data() {
    let (unknown, links) = links_of(&["z", "d/", "d/a", "m"], &["m"]);
    assert_eq!(unknown, ["z", "d/a", "m"]);
    assert_eq!(links, [("d/a".into(), "z".into(), 512)]);
}

#[test]
fn what_has_several_names_or_another_spelling_is_not_looked_at() {
    assert_eq!(links_of(&["a", "b=>a", "c"], &[]), (vec![], vec![]));
    assert_eq!(links_of(&["a", "s->a", "lib/ledger.dist-info/RECORD"], &[]), (vec![], vec![]));
}

#[test]
fn a_link_that_takes_no_less_is_none() {
    // The path of the first file needs a header of its own in the link.
    let long = format!("{}/x", "long".repeat(30));
    assert_eq!(links_of(&[&long, "b"], &[]).1, []);
    assert_eq!(links_of(&["b", "c"], &[]).1.len(), 1);
}
