//! The meaning of a path that a text, a program or the config names in full: the file, or everything in the directory. A file
//! that only names the place which a rule is about (`/usr/share/doc`, `/tmp`) names nothing in it.

use super::paths::matches;
use super::prepared::variable;
use super::state::{Guard, What};
use crate::plan::Request;
use crate::profile::{Globs, Guard as Kind, Rule, RuleId};
use crate::refs::Target;
use crate::tree::{NodeId, Resolved};
use bstr::BStr;

/// The most names that a wildcard may stand for.
const MOST: usize = 4096;

/// The way in which a path is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// By a string of source code: a test suite whose directory is named is not needed for that.
    Code,
    /// By a script, configuration or the config, which uses what it names.
    Text,
    /// By the data of a program: other strings may follow without a gap.
    Data,
    /// By a symbolic link that leads to it.
    Link,
    /// As a place where the application lives: the working directory, a volume, a home.
    Home,
}

impl Guard<'_> {
    /// Adds the files that would go of those that a path in full stands for; the path may have `*` for computed parts, and `~`
    /// or a variable before it.
    pub(super) fn full(&self, text: &str, naming: Naming, out: &mut Vec<NodeId>) {
        let (first, rest) = text.split_once('/').unwrap_or((text, ""));
        match first {
            "" => self.absolute(text, naming, out),
            "." => self.beside_speaker(rest, out),
            "~" => self.prepared.homes.iter().for_each(|home| self.absolute(&format!("{home}/{rest}"), naming, out)),
            _ => {
                let variable = first.strip_prefix('$').and_then(|name| variable(self.request, name));
                match variable {
                    Some(value) if value.starts_with('/') => {
                        self.absolute(&format!("{value}/{rest}"), naming, out);
                    }
                    _ => self.ending(rest, out),
                }
            }
        }
    }

    /// Adds the file that a script's relative path leads to, from the script's directory or from the container's working
    /// directory.
    fn beside_speaker(&self, path: &str, out: &mut Vec<NodeId>) {
        let own = self.done.speaker.get().map(|file| self.tree.node(file).parent);
        let found = own
            .into_iter()
            .chain(self.prepared.workdir)
            .filter_map(|dir| self.tree.resolve(dir, path.as_bytes()).target);
        found.filter(|&id| !self.tree.is_dir(id)).for_each(|id| self.target(id, Naming::Text, out));
    }

    fn absolute(&self, path: &str, naming: Naming, out: &mut Vec<NodeId>) {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let plain = parts.iter().take_while(|part| !part.contains('*')).count();
        let start = parts[..plain].join("/");
        let resolved = self.tree.resolve(NodeId::ROOT, start.as_bytes());
        out.extend(resolved.links.iter().copied().filter(|&link| self.index.has(link)));
        self.environments_of(&resolved, out);
        match resolved.target {
            Some(target) if plain == parts.len() => self.target(target, naming, out),
            Some(dir) => self.wild(dir, &parts[plain..], naming, out),
            None if plain == parts.len() => self.near(&parts, naming, out),
            None => {}
        }
    }

    pub(super) fn target(&self, target: NodeId, naming: Naming, out: &mut Vec<NodeId>) {
        if self.tree.is_dir(target) {
            self.everything(target, naming, out);
            self.namesakes(target, out);
            return;
        }
        out.extend(Some(target).filter(|&id| self.index.has(id)));
        if naming != Naming::Data {
            self.home_of(target, out);
        }
    }

    /// Returns the virtual environment that a path lies in, as its interpreter finds it. Source:
    /// <https://docs.python.org/3/library/site.html>.
    fn environment_of(&self, id: NodeId) -> Option<NodeId> {
        const MOST_LEVELS: usize = 6;
        let mut dirs = std::iter::once(id).chain(self.tree.ancestors(id)).take(MOST_LEVELS);
        dirs.find(|&dir| self.tree.child(dir, b"pyvenv.cfg").is_some_and(|cfg| self.index.has(cfg)))
    }

    /// Returns the files that would go of the virtual environments that a script's interpreter or a link leads to, or passes
    /// through: `bin/python` in one is itself a link to a place outside.
    pub fn environments(&self, resolved: &Resolved) -> Vec<NodeId> {
        // The referring file is not recorded here: every environment that is led to counts.
        self.done.speaker.set(None);
        let mut out = Vec::new();
        if !self.index.is_empty() {
            self.environments_of(resolved, &mut out);
        }
        out
    }

    fn environments_of(&self, resolved: &Resolved, out: &mut Vec<NodeId>) {
        let places = resolved.links.iter().copied().chain(resolved.target);
        places.filter_map(|id| self.environment_of(id)).for_each(|environment| self.all_below(environment, out));
    }

    /// Adds, in the place that a rule is about, the files with the name of the program that names the place, or of a directory
    /// that the program lies in: maxima's program has `/usr/share/info/` in its data, and reads `maxima.info`.
    fn namesakes(&self, dir: NodeId, out: &mut Vec<NodeId>) {
        let Some(speaker) = self.done.speaker.get() else { return };
        let rules = self.request.profile.rules.iter().zip(&self.prepared.places.roots);
        if !rules.into_iter().any(|(rule, roots)| has_namesakes(rule) && roots.contains(&dir)) {
            return;
        }
        let stem = |id: NodeId| self.tree.name(id).split(|&c| c == b'.').next().unwrap_or_default();
        let above = self.tree.ancestors(speaker).filter(|&id| id != NodeId::ROOT);
        for name in std::iter::once(speaker).chain(above).map(stem).filter(|name| name.len() > 1) {
            let more = self.tree.children_from(dir, name).iter().copied();
            let more = more.take_while(|&id| self.tree.name(id).starts_with(name)).filter(|&id| stem(id) == name);
            more.for_each(|id| out.extend(self.index.below(id).iter().filter(|&&id| self.has_namesakes(id))));
        }
    }

    fn has_namesakes(&self, id: NodeId) -> bool {
        self.rules[id.index()].is_some_and(|rule| has_namesakes(self.rule(rule)))
    }

    fn all_below(&self, dir: NodeId, out: &mut Vec<NodeId>) {
        let below = self.index.below(dir);
        if self.is_new(What::Environment(dir), below.len()) {
            out.extend(below);
        }
    }

    /// Adds everything that would go of a directory, if it lies in the place that the rule is about and is not that place
    /// itself.
    fn everything(&self, dir: NodeId, naming: Naming, out: &mut Vec<NodeId>) {
        let below = self.index.below(dir);
        let suite = || naming == Naming::Code && self.index.is_suite(dir);
        if below.is_empty() || !self.is_new(What::Directory(dir, naming as u8), below.len()) || suite() {
            return;
        }
        let mut known: Vec<(RuleId, bool)> = Vec::new();
        for &id in below {
            let Some(rule) = self.rules[id.index()] else { continue };
            let counts = match known.iter().find(|(known, _)| *known == rule) {
                Some((_, counts)) => *counts,
                None => {
                    let counts = self.is_in(dir, rule, naming);
                    known.push((rule, counts));
                    counts
                }
            };
            if counts {
                out.push(id);
            }
        }
    }

    /// True if a named directory lies in the place that a rule is about.
    fn is_in(&self, dir: NodeId, rule: RuleId, naming: Naming) -> bool {
        let number = rule.index();
        let roots = &self.prepared.places.roots[number];
        // If one place lies in another, such as a package manager's downloads in its cache, the rule is about both.
        if roots.contains(&dir) {
            return naming == Naming::Home && self.is_home(rule);
        }
        if roots.iter().any(|&root| self.is_below(dir, root)) {
            // A program that was built in a temporary directory has that directory's path in its data.
            return naming != Naming::Data || !self.is_home(rule);
        }
        let dropped = self.index.has(dir);
        if self.prepared.places.plain[number]
            .iter()
            .any(|parts| self.ends_with(dir, &parts.split('/').collect::<Vec<_>>()))
        {
            return false;
        }
        let rooted = roots.iter().any(|&root| dir == root || self.is_below(root, dir));
        let above = !matches!(naming, Naming::Home | Naming::Link) && self.guard_of(rule) != Kind::Paths;
        !rooted && (dropped || (above && self.goes_whole(dir)))
    }

    /// True if applications live in the places that a rule is about.
    fn is_home(&self, rule: RuleId) -> bool {
        is_home(self.rule(rule))
    }

    fn is_below(&self, id: NodeId, dir: NodeId) -> bool {
        id > dir && id.0 < self.tree.node(dir).end
    }

    /// Adds the whole directory of a named file, if applications live in the place that the rule is about: the files beside a
    /// program belong to it.
    fn home_of(&self, file: NodeId, out: &mut Vec<NodeId>) {
        for (number, rule) in self.request.profile.numbered_rules().filter(|(_, rule)| is_home(rule)) {
            for &root in self.prepared.places.roots[number.index()].iter().filter(|_| rule.enabled) {
                let top = std::iter::once(file).chain(self.tree.ancestors(file));
                let top = top.into_iter().find(|&id| self.tree.node(id).parent == root && id != root);
                let top = top.filter(|&top| top != file);
                let what = |top| What::Home(top, number);
                if let Some(top) = top.filter(|&top| self.is_new(what(top), self.index.below(top).len())) {
                    let own = |id: &&NodeId| self.rules[id.index()] == Some(number);
                    out.extend(self.index.below(top).iter().filter(own));
                }
            }
        }
    }

    /// Adds the files that wildcards stand for below `dir`. A wildcard directly in the place that a rule is about would stand
    /// for everybody's files, so there a name has to follow it.
    fn wild(&self, dir: NodeId, parts: &[&str], naming: Naming, out: &mut Vec<NodeId>) {
        let mut at = vec![dir];
        for part in parts {
            let dirs = at.iter().copied().filter(|&id| self.tree.is_dir(id));
            at = if part.contains('*') {
                let children = dirs.flat_map(|id| self.tree.children(id)).copied();
                children.filter(|&id| matches(part.as_bytes(), self.tree.name(id))).take(MOST).collect()
            } else {
                dirs.filter_map(|id| self.tree.resolve(id, part.as_bytes()).target).collect()
            };
        }
        let last = parts.last().copied().unwrap_or_default();
        let whole = !last.contains('*');
        // In a directory where applications live, an extension is enough: `/tmp/*.sql`.
        let partly = last.split('*').any(|text| text.len() > 2);
        let counts = |rule: RuleId| whole || (partly && self.is_home(rule)) || self.is_in(dir, rule, naming);
        for id in at {
            if !self.tree.is_dir(id) {
                out.extend(self.rules[id.index()].filter(|&rule| counts(rule)).map(|_| id));
            } else if !self.prepared.places.roots.iter().flatten().any(|&root| dir == root || self.is_below(root, dir))
            {
                self.everything(id, naming, out);
            }
        }
    }

    /// Adds the files that a path means which leads nowhere: a compressed form or parts of the file (`x.info-1.gz` for
    /// `x.info`); in a program's data also the file whose name is followed by other bytes.
    fn near(&self, parts: &[&str], naming: Naming, out: &mut Vec<NodeId>) {
        let Some((last, above)) = parts.split_last() else { return };
        if naming == Naming::Data {
            self.followed(parts, out);
        }
        let above = self.tree.resolve(NodeId::ROOT, above.join("/").as_bytes());
        let Some(dir) = above.target.filter(|&dir| self.tree.is_dir(dir)) else { return };
        let last = last.as_bytes();
        let more = self.tree.children_from(dir, last).iter().copied();
        let more = more.take_while(|&id| self.tree.name(id).starts_with(last)).filter(|&id| {
            let rest = &self.tree.name(id)[last.len()..];
            matches!(rest.first(), Some(b'.' | b'-')) && !self.tree.is_dir(id) && self.index.has(id)
        });
        out.extend(more);
        if naming == Naming::Data {
            let less = (4..last.len()).filter_map(|end| self.tree.child(dir, &last[..end]));
            less.for_each(|id| self.target(id, naming, out));
        }
    }

    /// Adds the file that a path in a program's data begins with, if another string follows it without a gap.
    fn followed(&self, parts: &[&str], out: &mut Vec<NodeId>) {
        let resolve = |count: usize| self.tree.resolve(NodeId::ROOT, parts[..count].join("/").as_bytes()).target;
        let file = (1..parts.len()).rev().find_map(resolve).filter(|&found| !self.tree.is_dir(found));
        file.into_iter().for_each(|file| self.target(file, Naming::Data, out));
    }

    /// Adds the files whose paths end with these components, at least two; the part before them is not known.
    fn ending(&self, rest: &str, out: &mut Vec<NodeId>) {
        let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
        // With a wildcard before the last name this would match a file of every package.
        let [.., above, last] = parts.as_slice() else { return };
        if above.contains('*') || last.contains('*') {
            return;
        }
        let name = BStr::new(last.as_bytes());
        let files = self.index.files.get(name).into_iter().flatten();
        out.extend(files.copied().filter(|&id| self.ends_with(id, &parts)));
        for &dir in self.index.dirs.get(name).into_iter().flatten().filter(|&&dir| self.ends_with(dir, &parts)) {
            self.everything(dir, Naming::Text, out);
        }
    }

    /// Returns the files that would go of a directory that a link outside of /usr leads to. Links in /usr are the
    /// distribution's: between packages' documentation they mean nothing.
    pub fn linked(&self, link: NodeId, resolved: &Resolved) -> Vec<NodeId> {
        let mut out = Vec::new();
        let own = || self.tree.ancestors(link).all(|dir| self.tree.name(dir) != "usr");
        if let Some(dir) = resolved.target.filter(|&dir| !self.index.is_empty() && self.tree.is_dir(dir) && own()) {
            self.done.speaker.set(Some(link));
            self.everything(dir, Naming::Link, &mut out);
        }
        out
    }

    pub(super) fn rule(&self, number: RuleId) -> &Rule {
        self.request.profile.rule(number)
    }

    pub(super) fn guard_of(&self, rule: RuleId) -> Kind {
        self.rule(rule).action.guard()
    }

    /// Adds the files that a reference of a plain text stands for, whatever file has it.
    pub(super) fn plain(&self, target: &Target, out: &mut Vec<NodeId>) {
        match target {
            Target::Path(path) => self.full(path, Naming::Text, out),
            Target::Command(name) => self.read_by(name, out),
            Target::Suite(name) => self.suite(name, out),
            Target::Language(value) => self.language(value, out),
            Target::Library(name) => out.extend(self.library(name)),
            _ => {}
        }
    }

    /// Returns for each rule if the image has a program that follows the comments which name source maps.
    pub(super) fn maps_followed(request: &Request<'_>, dropped: &[Option<RuleId>]) -> Vec<bool> {
        let tree = &request.merged.tree;
        let rules = &request.profile.rules;
        let mut out = vec![false; rules.len()];
        for (rule, out) in rules.iter().zip(&mut out) {
            let followers = rule.action.reading().map_or(&[][..], |reading| &reading.mapped_by);
            let Some(globs) = Globs::new(followers).ok().filter(|_| !followers.is_empty()) else { continue };
            let mut path = Vec::new();
            *out = tree.ids().filter(|id| dropped[id.index()].is_none()).any(|id| {
                tree.path_into(id, &mut path);
                globs.names(&path)
            });
        }
        out
    }
}

/// True if applications live in the places that a rule is about.
pub(super) fn is_home(rule: &Rule) -> bool {
    rule.action.reading().is_some_and(|reading| reading.homes)
}

/// True if a program that names the rule's place means the files there that have its own name.
fn has_namesakes(rule: &Rule) -> bool {
    rule.action.reading().is_some_and(|reading| reading.namesakes)
}
