//! The profiles that a `[[when]]` brings.

use super::super::Choice;
use super::super::document::RawChoice;
use super::super::error::Text;
use super::Loader;

impl Loader<'_> {
    /// Loads the profiles of a `[[when]]` if it holds.
    pub(super) fn choose(&mut self, choice: &RawChoice, dir: &str) {
        let sets = std::mem::take(&mut self.sets);
        let paths = self.globs(&choice.paths, &sets);
        self.sets = sets;
        let texts = |list: &[Text]| list.iter().map(|text| text.value.clone()).collect::<Vec<String>>();
        let (os, uses) = (texts(&choice.os), texts(&choice.uses));
        let holds = (self.holds)(&paths, &os);
        self.choices.push(Choice { paths, os, uses, holds });
        if holds {
            let outer = self.branch.replace(self.choices.len() - 1);
            choice.uses.iter().for_each(|name| self.load(name, dir));
            self.branch = outer;
            return;
        }
        // Names that may be used all the same: sets in patterns, rules to enable.
        let mut other = Loader::new(self.read, &|_, _| true);
        choice.uses.iter().for_each(|name| other.load(name, dir));
        self.absent.extend(other.index.into_keys().chain(other.absent));
        for (name, set) in other.sets {
            self.sets.entry(name).or_insert(set);
        }
    }
}
