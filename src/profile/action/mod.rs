//! The actions of rules. Each has a module of its own, which says everything that profiles say of it: its name, its keys, which
//! of them it needs and which do not go together. To add one, write such a module and add a line to the list at the end of this
//! file.

use std::fmt::Debug;

use super::pattern::Lookup;
use super::reader::{Reader, Value};
pub(super) use settings::RuleKeys;
use settings::{Settings, Written};

mod bytecode;
mod drop;
mod external;
mod hardlink;
mod packages;
mod settings;
mod shadowed;
mod strip;

pub use bytecode::{Bytecode, Mode};
pub use drop::{DpkgPaths, Dropping, Guard, Reading};
pub use external::External;
pub use hardlink::Hardlink;
pub use packages::Packages;
pub use shadowed::DropShadowed;
pub use strip::Strip;

/// An action, whatever its settings: what messages and the reader of profiles need of it.
pub(super) struct Kind {
    /// The name in a profile.
    pub(super) name: &'static str,
    /// The rules with this action, as messages call them.
    pub(super) rules: &'static str,
    /// The keys that a rule with this action has besides those of all rules.
    pub(super) keys: &'static [&'static str],
    /// True if the values of the keys are looked at in rules with other actions, too.
    pub(super) seen_elsewhere: bool,
    changes: bool,
    /// Returns the keys of a rule that is about to be read.
    pub(super) begin: fn() -> Box<dyn RawAction>,
}

impl Kind {
    const fn of<S: Settings>() -> Self
    where
        Action: From<S>,
    {
        let begin: fn() -> Box<dyn RawAction> = || Box::new(S::Written::default());
        let (seen_elsewhere, changes) = (S::SEEN_ELSEWHERE, S::CHANGES);
        Self { name: S::NAME, rules: S::RULES, keys: S::KEYS, seen_elsewhere, changes, begin }
    }

    /// Returns the action of this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// Returns the first action with this key.
    pub(super) fn with_key(key: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.keys.contains(&key))
    }
}

/// The keys of any action as they are written in one rule: [`Written`] without its type.
pub(super) trait RawAction: Debug {
    /// Reads the value of one of the action's keys.
    fn read(&mut self, reader: &mut Reader<'_>, key: &str, value: &Value<'_>);
    /// Reports what is missing and what does not go together.
    fn check(&self, reader: &mut Reader<'_>, rule: &RuleKeys<'_>);
    /// Looks up the names; returns `None` if something is missing.
    fn resolve(self: Box<Self>, lookup: &mut Lookup<'_>) -> Option<Action>;
}

impl<W: Written> RawAction for W
where
    Action: From<W::Settings>,
{
    fn read(&mut self, reader: &mut Reader<'_>, key: &str, value: &Value<'_>) {
        Written::read(self, reader, key, value);
    }

    fn check(&self, reader: &mut Reader<'_>, rule: &RuleKeys<'_>) {
        Written::check(self, reader, rule);
    }

    fn resolve(self: Box<Self>, lookup: &mut Lookup<'_>) -> Option<Action> {
        Written::resolve(self, lookup).map(Action::from)
    }
}

/// Makes the type of all actions and the list of their kinds out of one line for each.
macro_rules! actions {
    ($($(#[$about:meta])* $action:ident($settings:ident),)*) => {
        /// The action of a rule, with what the rule says in the keys of that action.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Action {
            $($(#[$about])* $action($settings),)*
        }

        /// All actions, in the order in which messages list them.
        pub(super) const KINDS: &[Kind] = &[$(Kind::of::<$settings>()),*];

        $(impl From<$settings> for Action {
            fn from(settings: $settings) -> Self {
                Self::$action(settings)
            }
        })*

        impl Action {
            const fn kind(&self) -> Kind {
                match self {
                    $(Self::$action(_) => Kind::of::<$settings>(),)*
                }
            }

            /// Writes the keys as TOML, with the rule's `patterns` among them.
            pub(super) fn show(&self, patterns: &str) -> String {
                match self {
                    $(Self::$action(settings) => settings.show(patterns),)*
                }
            }
        }
    };
}

actions! {
    /// Removes the paths.
    Drop(Dropping),
    /// Removes members that later layers overwrite or delete.
    DropShadowed(DropShadowed),
    /// Removes symbols and debug data from executables and shared objects.
    Strip(Strip),
    /// Makes equal files of one layer hard links of each other.
    Hardlink(Hardlink),
    /// Drops or compiles Python's bytecode.
    Bytecode(Bytecode),
    /// Runs a command of the user's on each file.
    External(External),
    /// Removes packages, with all their files and their entries in their package manager's databases.
    RemovePackage(Packages),
}

impl Action {
    /// Returns the name in a profile.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.kind().name
    }

    /// True if its rules look into files, most of which stay: paths alone do not decide.
    #[must_use]
    pub const fn changes(&self) -> bool {
        self.kind().changes
    }

    /// Returns the guard that is asked before a path is dropped.
    #[must_use]
    pub const fn guard(&self) -> Guard {
        match self {
            Self::Drop(dropping) => dropping.guard,
            Self::RemovePackage(_) => Guard::References,
            _ => Guard::None,
        }
    }

    /// True if it compiles Python's bytecode.
    #[must_use]
    pub fn compiles(&self) -> bool {
        matches!(self, Self::Bytecode(bytecode) if bytecode.mode == Mode::Compile)
    }

    /// Returns what a dropping rule says of the files that may read its paths.
    #[must_use]
    pub const fn reading(&self) -> Option<&Reading> {
        match self {
            Self::Drop(dropping) => Some(&dropping.reading),
            _ => None,
        }
    }

    /// Returns the programs that read everything which the rule takes: if the config or a script that stays runs one of them, it
    /// stays.
    #[must_use]
    pub fn read_by(&self) -> &[String] {
        match self {
            Self::Drop(dropping) => &dropping.reading.read_by,
            Self::RemovePackage(packages) => &packages.read_by,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::KINDS;

    #[test]
    fn every_action_and_its_keys_are_documented() {
        let docs = [include_str!("../../../docs/src/actions.md"), include_str!("../../../docs/src/guard.md")].concat();
        for kind in KINDS {
            for word in kind.keys.iter().chain([&kind.name]) {
                let ways = [format!("`{word}`"), format!("`{word} ="), format!("\n{word} ="), format!("\"{word}\"")];
                assert!(ways.iter().any(|way| docs.contains(way)), "{word} is not documented");
            }
        }
    }
}
