//! Python distributions: names, requirements, and the environments in which those hold.
//! Source: <https://packaging.python.org/en/latest/specifications/dependency-specifiers/>.

use super::deb822::stanzas;
use super::marker::{self, Environment};
pub use super::names::normalize;
use super::{Clause, Manager, Package, Target};
use bstr::{BString, ByteSlice};

/// A distribution's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// Name, version and the requirements without extras.
    pub package: Package,
    /// The requirements of extras: the normalized name of the extra, and the requirement.
    pub extras: Vec<(BString, Clause)>,
    /// The extras that it asks other distributions for: the other's name and the extra's.
    pub asks: Vec<(BString, BString)>,
}

/// Returns the headers of a `METADATA` file: everything before the first empty line.
#[must_use]
pub fn headers(text: &[u8]) -> &[u8] {
    let end = super::lines(text).find(|(_, line)| line.is_empty()).map_or(text.len(), |(range, _)| range.start);
    &text[..end]
}

/// Reads `METADATA` for an interpreter's version such as `3.11`, if that is known; returns `None` without a name.
#[must_use]
pub fn distribution(text: &[u8], python: Option<&[u8]>) -> Option<Distribution> {
    let stanza = stanzas(headers(text)).next()?;
    let name = stanza.get("Name").map(normalize).filter(|name| !name.is_empty())?;
    let version = BString::from(stanza.get("Version").unwrap_or_default());
    let mut out = Distribution {
        package: Package { version, ..Package::new(Manager::Pip, name) },
        extras: Vec::new(),
        asks: Vec::new(),
    };
    let provided: Vec<BString> = stanza.all("Provides-Extra").map(normalize).collect();
    for requirement in stanza.all("Requires-Dist") {
        let (what, condition) = match requirement.find_byte(b';') {
            Some(at) => (&requirement[..at], Some(requirement[at + 1..].trim())),
            None => (requirement, None),
        };
        let end = what.find_not_byteset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
        let name = normalize(&what[..end.unwrap_or(what.len())]);
        let clause = vec![Target { name: name.clone(), version: None }];
        let holds = |extra: Option<&[u8]>| {
            condition.is_none_or(|c| marker::evaluate(c, &Environment { python, extra: extra.unwrap_or_default() }))
        };
        let bracket = what.find_byte(b'[').and_then(|open| Some(&what[open + 1..open + what[open..].find_byte(b']')?]));
        if holds(None) {
            out.package.needs.push(clause);
        } else {
            let wanted = provided.iter().filter(|extra| holds(Some(extra.as_slice())));
            out.extras.extend(wanted.map(|extra| (extra.clone(), clause.clone())));
        }
        let asked = bracket.into_iter().flat_map(|list| list.split_str(",")).map(normalize);
        out.asks.extend(asked.map(|extra| (name.clone(), extra)));
    }
    Some(out)
}

/// Returns the version of the interpreter that looks for modules in a directory such as
/// `opt/venv/lib/python3.11/site-packages`.
#[must_use]
pub fn python_of(site: &[u8]) -> Option<&[u8]> {
    crate::path::components(site).filter_map(|part| part.strip_prefix(b"python")).find(|v| v.contains(&b'.'))
}

/// Adds the requirements of extras that another distribution asks for.
pub fn settle(all: &mut [Distribution]) {
    let asked: std::collections::BTreeSet<(BString, BString)> = all.iter().flat_map(|d| d.asks.clone()).collect();
    for one in all {
        let name = one.package.name.clone();
        let wanted = one.extras.iter().filter(|(extra, _)| asked.contains(&(name.clone(), extra.clone())));
        one.package.needs.extend(wanted.map(|(_, clause)| clause.clone()).collect::<Vec<_>>());
    }
}
