//! The files at the top of packages.

use crate::tree::{NodeId, Tree};
use std::collections::HashMap;

/// Files that rules would drop at the top of packages, beside their `package.json`: by name in small letters, and `README.md`
/// also by `README`, as a word in capitals is hardly anything but the name of a file.
#[derive(Default)]
pub(super) struct Tops(pub(super) HashMap<Vec<u8>, Vec<NodeId>>);

impl Tops {
    pub(super) fn new(tree: &Tree, goes: impl Fn(NodeId) -> bool) -> Self {
        let mut tops: HashMap<Vec<u8>, Vec<NodeId>> = HashMap::new();
        let is_top = |id: &NodeId| goes(*id) && tree.child(tree.node(*id).parent, b"package.json").is_some();
        for id in tree.ids().filter(is_top) {
            let name = tree.name(id);
            tops.entry(name.to_ascii_lowercase()).or_default().push(id);
            let stem = name.split(|&c| c == b'.').next().unwrap_or_default();
            if stem.len() < name.len()
                && stem.iter().any(u8::is_ascii_uppercase)
                && !stem.iter().any(u8::is_ascii_lowercase)
            {
                tops.entry(stem.to_vec()).or_default().push(id);
            }
        }
        Self(tops)
    }

    /// Returns those with the name that a path ends with, whatever their case; none for a path with more in it than that name.
    pub(super) fn named(&self, text: &str) -> [&[NodeId]; 2] {
        let name = text.rsplit('/').next().unwrap_or_default();
        let above = text[..text.len() - name.len()].split('/');
        if self.0.is_empty() || !above.into_iter().all(|part| matches!(part, "" | "." | ".." | "*")) {
            return [&[], &[]];
        }
        let lower = name.to_ascii_lowercase();
        let list = |name: &str| self.0.get(name.as_bytes()).map_or(&[][..], Vec::as_slice);
        [list(&lower), if lower == name { &[] } else { list(name) }]
    }
}
