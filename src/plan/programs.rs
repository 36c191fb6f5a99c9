//! The programs and translations that the config's words, `PATH` and languages lead to.

use crate::image::ImageFacts;
use crate::tree::{NodeId, Resolved, Tree};
use bstr::ByteSlice;
use std::collections::{BTreeSet, HashSet};

/// The most words of the config's commands, and directories of `PATH`, that are looked at: no real image comes near.
pub(super) const MOST_WORDS: usize = 1000;

/// Returns the directories of the image's `PATH`, each once.
#[must_use]
pub fn path_dirs(tree: &Tree, image: &ImageFacts) -> Vec<Resolved> {
    let default = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let path = image.env.iter().rev().find(|(key, _)| key == "PATH").map_or(default, |(_, value)| value);
    let mut seen = HashSet::new();
    let dirs = path.split(':').filter(|dir| dir.starts_with('/') && seen.insert(*dir));
    let found = dirs.map(|dir| tree.resolve(NodeId::ROOT, dir.as_bytes()));
    found.filter(|found| found.target.is_some()).take(MOST_WORDS).collect()
}

/// Returns every place along `PATH` where a program is, as a shell may change the variable.
#[must_use]
pub fn on_path(tree: &Tree, program: &[u8], path: &[Resolved]) -> Vec<Resolved> {
    let place = |dir: &Resolved| {
        let mut found = tree.resolve(dir.target?, program);
        found.target?;
        found.links.extend(&dir.links);
        Some(found)
    };
    path.iter().filter_map(place).collect()
}

/// Returns the languages that the image's environment asks for, without territory, charset and modifier.
/// Source: gettext's manual, "Locale Names" and "The LANGUAGE variable".
#[must_use]
pub fn languages(image: &ImageFacts) -> BTreeSet<&str> {
    let set = image.env.iter().filter(|(key, _)| key == "LANG" || key == "LANGUAGE" || key.starts_with("LC_"));
    set.flat_map(|(_, value)| value.split(':')).map(language).collect()
}

pub(super) fn language(name: &str) -> &str {
    name.split(['_', '.', '@']).next().unwrap_or(name)
}

/// Returns the translations for languages, with and without territory, charset and modifier.
pub(super) fn of_languages(tree: &Tree, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = NodeId> {
    let roots = [&b"usr/share/locale"[..], b"usr/share/locale-langpack"];
    let dirs = roots.into_iter().filter_map(|root| tree.lookup(root)).flat_map(|root| tree.children(root));
    let asked = dirs.filter(move |&&id| tree.name(id).to_str().is_ok_and(|name| wanted(language(name))));
    asked.flat_map(|&id| tree.subtree(id))
}

/// Returns the files that Entrypoint, Cmd, Healthcheck and Shell name: as paths, as programs on `PATH`, and as words of a shell
/// line.
#[must_use]
pub fn config_programs(tree: &Tree, image: &ImageFacts, path: &[Resolved]) -> Vec<Resolved> {
    let workdir = tree.resolve(NodeId::ROOT, image.workdir.as_bytes()).target.unwrap_or(NodeId::ROOT);
    let mut seen = HashSet::new();
    let mut out = Vec::new();
    for word in image.command_words().filter(|word| !word.starts_with('-') && seen.insert(*word)).take(MOST_WORDS) {
        out.push(tree.resolve(workdir, word.as_bytes()));
        if !word.contains('/') {
            out.extend(on_path(tree, word.as_bytes(), path));
        }
    }
    out.retain(|found| found.target.is_some_and(|t| !tree.is_dir(t)));
    out
}
