//! The references of the image's config: in its environment, working directory, volumes, commands and labels.

use super::named::{Naming, is_home};
use super::state::Guard;
use crate::plan::programs::MOST_WORDS;
use crate::refs::syntax::Syntax;
use crate::tree::NodeId;

/// Variables that name a place for files that are not read again.
const TEMPORARY: [&str; 4] = ["TMPDIR", "TMP", "TEMP", "TEMPDIR"];

impl Guard<'_> {
    /// Returns the files that the image's config runs as modules: the name after `-m`, and names such as `app.main:app`.
    pub fn config_modules(&mut self) -> Vec<NodeId> {
        let mut found = Vec::new();
        if self.index.is_empty() {
            return found;
        }
        let facts = self.request.facts;
        let workdir = self.prepared.workdir.unwrap_or(NodeId::ROOT);
        let mut after_m = false;
        for word in facts.command_words().take(MOST_WORDS) {
            let module = word.split(':').next().unwrap_or_default();
            if after_m || module.contains('.') {
                for root in self.roots.dirs.iter().copied().chain([workdir]) {
                    self.module(root, module, "__main__", &mut found);
                }
            }
            after_m = word == "-m";
        }
        found
    }

    /// Returns the files that the image's config names: in its environment, working directory, volumes, commands and labels.
    pub fn config_paths(&self) -> Vec<NodeId> {
        let mut out = Vec::new();
        let facts = self.request.facts;
        if self.index.is_empty() {
            return out;
        }
        self.done.speaker.set(None);
        self.relative_words(&mut out);
        for (key, value) in &facts.env {
            let temporary = TEMPORARY.contains(&key.as_str());
            for path in value.split([':', ';', ',', ' ']).filter(|path| path.starts_with('/')) {
                self.full(path, Naming::Text, &mut out);
                if !temporary {
                    self.home(path, &mut out);
                }
            }
        }
        let workdir = Some(facts.workdir.as_str()).filter(|dir| !dir.is_empty());
        workdir.into_iter().chain(facts.volumes.iter().map(String::as_str)).for_each(|dir| {
            self.full(dir, Naming::Home, &mut out);
        });
        let Some(search) = &self.prepared.search else { return out };
        let texts = facts.commands().chain(facts.labels.iter().map(|(_, value)| value.as_str()));
        for text in texts.chain(facts.env.iter().map(|(_, value)| value.as_str())) {
            for reference in search.references(text.as_bytes(), Syntax::Shell) {
                self.plain(&reference.target, &mut out);
            }
        }
        // A command of several arguments is a line as well: `pytest --pyargs x`, `env LANG=de x`.
        let line = facts.commands().collect::<Vec<_>>().join(" ");
        search.references(line.as_bytes(), Syntax::Shell).iter().for_each(|reference| {
            self.plain(&reference.target, &mut out);
        });
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Adds directories that words of the commands name relative to the working directory.
    fn relative_words(&self, out: &mut Vec<NodeId>) {
        let facts = self.request.facts;
        let workdir = self.prepared.workdir.unwrap_or(NodeId::ROOT);
        let words = facts.command_words().take(MOST_WORDS);
        for word in words.filter(|word| word.contains('/') && !word.starts_with('/')) {
            let target = self.tree.resolve(workdir, word.as_bytes()).target;
            target.into_iter().for_each(|target| self.target(target, Naming::Text, out));
        }
    }

    /// Adds a directory that a rule is about, if the rule says that applications live there and the path is exactly that
    /// directory.
    fn home(&self, path: &str, out: &mut Vec<NodeId>) {
        let Some(dir) = self.tree.resolve(NodeId::ROOT, path.as_bytes()).target else { return };
        for (number, rule) in self.request.profile.numbered_rules() {
            if is_home(rule) && self.prepared.places.roots[number.index()].contains(&dir) {
                let own = |id: &&NodeId| self.rules[id.index()] == Some(number);
                out.extend(self.index.below(dir).iter().filter(own));
            }
        }
    }
}
