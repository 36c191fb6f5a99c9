//! What the module of an action says of it: its name and keys, how they are read and checked, and how they are written again.

use std::fmt::Debug;
use std::ops::Range;

use crate::profile::pattern::Lookup;
use crate::profile::reader::{Key, Reader, Value};

/// What a rule says in the keys of its action.
pub(in crate::profile) trait Settings: Sized {
    /// The action's name in a profile.
    const NAME: &'static str;
    /// The rules with this action, as messages call them: `rules that drop`.
    const RULES: &'static str;
    /// The keys that a rule with this action has besides those of all rules.
    const KEYS: &'static [&'static str] = &[];
    /// True if the values of the keys are looked at in rules with other actions, too: a mistake in one is then reported first, and
    /// that the key does not belong there only when it is mended.
    const SEEN_ELSEWHERE: bool = true;
    /// True if the rules look into files, most of which stay: paths alone do not decide.
    const CHANGES: bool = false;
    /// The keys as written.
    type Written: Written<Settings = Self>;

    /// Writes the keys as TOML. `patterns` is the TOML of the rule's `paths` and `except`, which belongs somewhere among them.
    fn show(&self, patterns: &str) -> String;
}

/// The keys of an action as they are written in one rule, before names are looked up. The default is that of no keys.
pub(in crate::profile) trait Written: Debug + Default + 'static {
    /// The keys with their names looked up.
    type Settings;

    /// Reads the value of one of [`Settings::KEYS`].
    fn read(&mut self, reader: &mut Reader<'_>, key: &str, value: &Value<'_>);

    /// Reports what is missing and what does not go together, in a rule whose values are right one by one.
    fn check(&self, reader: &mut Reader<'_>, rule: &RuleKeys<'_>);

    /// Looks up the names; returns `None` if something is missing, which [`check`](Self::check) has reported.
    fn resolve(self: Box<Self>, lookup: &mut Lookup<'_>) -> Option<Self::Settings>;
}

/// The keys that a rule has, whatever their values.
pub(in crate::profile) struct RuleKeys<'t> {
    /// The place of the whole rule.
    span: Range<usize>,
    keys: Vec<(&'t str, Range<usize>)>,
}

impl<'t> RuleKeys<'t> {
    /// Notes the keys of the rule that is written at `span`.
    pub(in crate::profile) fn new(span: Range<usize>, entries: &[(&'t Key<'_>, &Value<'_>)]) -> Self {
        Self { span, keys: entries.iter().map(|(key, _)| (key.get_ref().as_ref(), key.span())).collect() }
    }

    /// Returns the place of a key, if the rule has it.
    pub(in crate::profile) fn place(&self, key: &str) -> Option<Range<usize>> {
        self.keys.iter().find(|(name, _)| *name == key).map(|(_, span)| span.clone())
    }

    /// Reports something about the whole rule.
    pub(in crate::profile) fn error(&self, reader: &mut Reader<'_>, message: impl Into<String>) {
        reader.error(self.span.clone(), message);
    }

    /// Reports that `what`, such as `a rule that drops`, needs `paths`, if this rule has none.
    pub(super) fn needs_paths(&self, reader: &mut Reader<'_>, what: &str) {
        if self.place("paths").is_none() {
            self.error(reader, format!("{what} needs `paths`"));
        }
    }
}
