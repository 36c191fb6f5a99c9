//! The reader of a text's values.

use crate::profile::error::{ProfileError, Source};
use std::rc::Rc;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

pub(crate) type Key<'i> = Spanned<DeString<'i>>;

pub(crate) type Value<'i> = Spanned<DeValue<'i>>;

/// Reads a text's values, and notes mistakes in them.
pub(crate) struct Reader<'a> {
    pub(super) source: &'a Rc<Source>,
    pub(super) errors: &'a mut Vec<ProfileError>,
}

/// Returns a table's entries in the order in which they are written; the parser returns them by name.
pub(crate) fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t Key<'i>, &'t Value<'i>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
