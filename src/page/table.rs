//! Values of any kind, and tables of them.

use bstr::BString;
use serde::{Serialize, Serializer};

/// A value, which the page writes in its unit and sorts by the number.
#[derive(Serialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// No value: nothing is known, or it does not apply.
    #[default]
    Empty,
    /// Words.
    Text(String),
    /// A path of the image, without a leading slash.
    Path(#[serde(serialize_with = "path")] BString),
    /// A command for a shell.
    Code(String),
    /// A size in bytes.
    Bytes(u64),
    /// A change of size in bytes, shown with its sign.
    Delta(i64),
    /// A number of things.
    Count(u64),
    /// A share: 12.5 is shown as 12.5%.
    Percent(f64),
    /// Seconds.
    Seconds(f64),
    /// A result: true if something passed.
    Pass(bool),
    /// Something that failed, in a few words.
    Failed(String),
    /// A risk: `none`, `low` or `opt-in`.
    Risk(String),
}

impl Value {
    /// Returns words; the value for nothing if there are none.
    #[must_use]
    pub fn words(text: &str) -> Self {
        if text.is_empty() { Self::Empty } else { Self::Text(text.to_owned()) }
    }
}

/// A table, sortable by each column.
#[derive(Serialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// The heading.
    pub title: String,
    /// A sentence below it; may be empty.
    pub about: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, in this order; each as long as there are columns.
    pub rows: Vec<Vec<Value>>,
}

/// A column of a table.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// The heading.
    pub title: String,
    /// True if its numbers have bars, to one scale in the column.
    pub bar: bool,
}

/// Serializes a path as reports write it.
pub(super) fn path<S: Serializer>(path: &BString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&crate::report::escape(path))
}
