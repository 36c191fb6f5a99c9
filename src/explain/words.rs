//! Reasons in words: as a note beside a path, as a clause, and as a sentence of its own.

use super::{Entry, Explain, How, Kind, Place, Planned, Verdict};
use crate::plan::{SkipReason, TakenBy};
use crate::report::{escape, printable, units, words};
use crate::tree::{NodeId, Type};

impl Explain<'_> {
    /// Returns the id of the rule that takes something.
    #[must_use]
    pub fn rule_id(&self, by: TakenBy) -> &str {
        by.id(self.image.profile)
    }

    /// Describes the reason that a file is not stripped.
    fn left(&self, left: SkipReason) -> (&'static str, String, bool) {
        words::left(left, self.image.tree, self.image.profile)
    }

    /// Describes the reason that holds an entry.
    pub(super) fn told(&self, entry: &Entry) -> Option<words::Explanation> {
        let Planned { tree, profile, plan, .. } = self.image;
        let package = entry.package.and_then(|index| plan.packages.kept.get(index as usize));
        let held = entry.held.map(|held| words::held(held.why, tree, profile));
        held.or_else(|| package.map(|package| words::file_of_kept(package, tree, profile)))
    }

    /// Returns the rule that asks for a held entry.
    fn asks(&self, entry: &Entry) -> Option<TakenBy> {
        let package = entry.package.and_then(|index| self.image.plan.packages.kept.get(index as usize));
        entry.held.map(|held| held.rule).or(package.map(|package| package.rule)).map(TakenBy::Rule)
    }

    /// True if a directory stays because something in it does.
    fn has_kept(&self, entry: &Entry) -> bool {
        let Place::Node(id) = entry.place else { return false };
        let kept = |child: &NodeId| self.image.plan.dropped[child.index()].is_none();
        self.image.tree.children(id).iter().any(kept)
    }

    /// Returns a short name of the reason, which never changes.
    pub(super) fn reason(&self, entry: &Entry) -> &'static str {
        match (entry.verdict, entry.hider) {
            (Verdict::Drop | Verdict::Strip, _) => "rule",
            (Verdict::Rewrite, _) if entry.rule.is_some() => "rule",
            (Verdict::Rewrite, _) => "record",
            (Verdict::Held, _) => self.told(entry).map_or("held", |t| t.id),
            (Verdict::Hidden, _) if entry.kind == Kind::Whiteout => "marker",
            (Verdict::Hidden, Some(hider)) => match hider.how {
                How::Replaced => "replaced",
                How::Deleted => "deleted",
                How::Opaque => "opaque",
            },
            (Verdict::Hidden, None) => "hidden",
            (Verdict::Keep, _) if entry.left.is_some() => "not-stripped",
            (Verdict::Keep, _) if self.has_kept(entry) => "holds-kept",
            (Verdict::Keep, _) => "no-rule",
        }
    }

    /// True if an entry is a directory that containers see as a later layer describes it.
    pub(super) fn is_described_anew(&self, entry: &Entry) -> bool {
        let Place::Member(at) = entry.place else { return false };
        let tree = self.image.tree;
        entry.is_dir() && tree.lookup(&self.member(at).path).is_some_and(|n| tree.is_dir(n))
    }

    /// Describes the layer that hides an entry, and the way in which it does.
    pub(super) fn hidden_by(&self, entry: &Entry) -> String {
        let Some(hider) = entry.hider else {
            let whiteout = "a marker that hides what lower layers have";
            return if entry.kind == Kind::Whiteout { whiteout } else { "a later layer hides it" }.to_owned();
        };
        let number = hider.layer + 1;
        match hider.how {
            How::Replaced if self.is_described_anew(entry) => format!("layer {number} describes it anew"),
            How::Replaced if hider.layer == entry.layer => "a later entry of the same layer replaces it".to_owned(),
            How::Replaced => format!("layer {number} replaces it"),
            How::Deleted => format!("layer {number} deletes it"),
            How::Opaque => format!("layer {number} hides all that was in its directory"),
        }
    }

    fn rule_clause(&self, entry: &Entry, does: &str) -> String {
        entry.rule.map_or_else(String::new, |rule| format!("the rule `{}` {does}", self.rule_id(rule)))
    }

    /// Says that a rule would drop a path that stays, and what holds it.
    fn held_clause(&self, entry: &Entry) -> Option<String> {
        let (rule, told) = (self.asks(entry)?, self.told(entry)?);
        Some(format!("the rule `{}` asks for it, but {}", self.rule_id(rule), told.clause()))
    }

    /// Returns the reason for an entry's verdict, as a clause.
    #[must_use]
    pub fn why(&self, entry: &Entry) -> String {
        let and_held = |text: String| match self.held_clause(entry) {
            Some(held) => format!("{text}; {held}"),
            None => text,
        };
        match entry.verdict {
            Verdict::Drop => self.rule_clause(entry, "drops it"),
            Verdict::Strip => and_held(self.rule_clause(entry, "strips it")),
            Verdict::Rewrite if entry.rule.is_some() => and_held(self.rule_clause(entry, "changes it")),
            Verdict::Rewrite => and_held("a package manager's record of files that change".to_owned()),
            Verdict::Held => self.held_clause(entry).unwrap_or_default(),
            Verdict::Hidden => self.hidden_by(entry),
            Verdict::Keep => match entry.left {
                Some(left) => format!("not stripped: {}", self.left(left).1),
                None if self.has_kept(entry) => "something in it stays".to_owned(),
                None => "no rule asks for it".to_owned(),
            },
        }
    }

    /// Returns the note beside a path in a tree.
    pub(super) fn note(&self, entry: &Entry) -> String {
        match (entry.verdict, self.told(entry)) {
            (Verdict::Held, Some(told)) => format!("{}: {}", self.asking_rule(entry), told.exact()),
            (Verdict::Strip, Some(_)) => self.why(entry),
            _ => self.class(entry),
        }
    }

    /// Returns the note without the part about this path alone, for a line that stands for many paths.
    #[must_use]
    pub fn class(&self, entry: &Entry) -> String {
        let rule = self.asking_rule(entry);
        match entry.verdict {
            Verdict::Drop | Verdict::Strip => rule.to_owned(),
            Verdict::Held => self.told(entry).map_or_else(String::new, |told| format!("{rule}: {}", told.class)),
            Verdict::Hidden if entry.rule.is_none() => format!("{}; it stays in its layer", self.hidden_by(entry)),
            Verdict::Hidden if rule != "shadowed" => format!("{rule}: {}", self.hidden_by(entry)),
            Verdict::Hidden => self.hidden_by(entry),
            Verdict::Rewrite => self.why(entry),
            Verdict::Keep => match entry.left.map(|left| self.left(left)) {
                Some((_, reason, false)) => format!("not stripped: {reason}"),
                _ => String::new(),
            },
        }
    }

    fn asking_rule(&self, entry: &Entry) -> &str {
        entry.rule.map_or("", |rule| self.rule_id(rule))
    }

    /// Returns `the rule x (profile, risk low)`.
    fn rule_named(&self, rule: TakenBy) -> String {
        let of = match rule.rule(self.image.profile) {
            Some(rule) if rule.profile == crate::profile::COMMAND_LINE => String::new(),
            Some(rule) => format!(" ({}, risk {})", rule.profile, rule.risk.name()),
            None => " (a squash)".to_owned(),
        };
        printable(&format!("the rule `{}`{of}", self.rule_id(rule)), false).into_owned()
    }

    /// Returns a rule's own description, as the end of a sentence.
    fn about(&self, rule: TakenBy) -> String {
        let about = match rule.rule(self.image.profile) {
            None => "what later layers hide cannot be in one layer",
            Some(rule) => rule.about.trim().trim_end_matches('.'),
        };
        if about.is_empty() { ".".to_owned() } else { format!(": {}.", printable(about, false)) }
    }

    /// Returns the verdict on an entry and its reason, in a sentence.
    #[must_use]
    pub fn sentence(&self, entry: &Entry) -> String {
        let path = match escape(&self.path(entry)) {
            root if root.is_empty() => "/".to_owned(),
            path => path,
        };
        let size =
            if entry.kind == Kind::Path(Type::File) { units::bytes(entry.size) } else { entry.kind.name().into() };
        let held = |end: &str| match (self.asks(entry), self.told(entry)) {
            (Some(rule), Some(told)) => {
                let (rule, clause) = (self.rule_named(rule), printable(&told.clause(), false).into_owned());
                format!("{end}{rule} asks for it, but {clause}.")
            }
            _ => String::new(),
        };
        let rule = entry.rule.map(|rule| (self.rule_named(rule), self.about(rule)));
        let (name, about) = rule.unwrap_or_default();
        let subject = format!("{path} ({size})");
        match entry.verdict {
            Verdict::Drop => {
                let data = entry.kind == Kind::Path(Type::File) && entry.span > 0 && entry.bytes == 0;
                let data = if data { " Its data stay under another name." } else { "" };
                format!("{subject} goes: {name} drops it{about}{data}")
            }
            Verdict::Strip => {
                let new = units::bytes(entry.new_size.unwrap_or(entry.size));
                format!("{subject} stays, with {new}: {name} strips it{about}{}", held(" For another, "))
            }
            Verdict::Rewrite if entry.rule.is_some() => {
                format!("{subject} stays, changed: {name} asks for that{about}{}", held(" Besides, "))
            }
            Verdict::Rewrite => {
                let what = "it is a package manager's record of files that change, and is edited to match";
                format!("{subject} stays, changed: {what}.{}", held(" Besides, "))
            }
            Verdict::Held => format!("{subject} stays: {}", held("")),
            Verdict::Hidden => self.hidden_sentence(entry, &subject, &name, &about),
            Verdict::Keep => {
                let left = entry.left.map(|left| format!(" It is not stripped: {}.", self.left(left).1));
                let why = if self.has_kept(entry) { "something in it stays" } else { "no rule asks for it" };
                format!("{subject} stays: {why}.{}", left.unwrap_or_default())
            }
        }
    }

    fn hidden_sentence(&self, entry: &Entry, subject: &str, name: &str, about: &str) -> String {
        let (layer, by) = (entry.layer + 1, self.hidden_by(entry));
        let stays = if (entry.layer as usize) < self.image.base {
            "and other images share the layer"
        } else {
            "but no rule asks for it"
        };
        match entry.rule {
            Some(_) => {
                format!("{subject} in layer {layer}, which no container sees ({by}), goes: {name} drops it{about}")
            }
            None => format!("{subject} in layer {layer} stays there: no container sees it ({by}), {stays}."),
        }
    }
}
