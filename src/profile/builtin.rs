//! The built-in profiles, embedded. `base` is extended by every profile, `none` too: it holds the named sets and the paths that
//! are always protected.

/// The profile under all others.
pub(super) const BASE: &str = "base";

const TEXTS: [(&str, &str); 14] = [
    (BASE, include_str!("../../profiles/base.toml")),
    ("none", include_str!("../../profiles/none.toml")),
    ("caches", include_str!("../../profiles/caches.toml")),
    ("debian-slim", include_str!("../../profiles/debian-slim.toml")),
    ("python-slim", include_str!("../../profiles/python-slim.toml")),
    ("node-slim", include_str!("../../profiles/node-slim.toml")),
    ("alpine-slim", include_str!("../../profiles/alpine-slim.toml")),
    ("no-build-tools", include_str!("../../profiles/no-build-tools.toml")),
    ("rpm-slim", include_str!("../../profiles/rpm-slim.toml")),
    ("python-min", include_str!("../../profiles/python-min.toml")),
    ("dind", include_str!("../../profiles/dind.toml")),
    ("web-static", include_str!("../../profiles/web-static.toml")),
    ("strip", include_str!("../../profiles/strip.toml")),
    ("auto", include_str!("../../profiles/auto.toml")),
];

/// Returns the text of a built-in profile.
pub(super) fn text(name: &str) -> Option<&'static str> {
    TEXTS.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// Returns the names that a user may choose from.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TEXTS.iter().map(|(name, _)| *name).filter(|name| *name != BASE)
}

/// A built-in profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// The name.
    pub name: &'static str,
    /// The images that it is for, and what it drops.
    pub description: &'static str,
    /// The loss if the profile as a whole is for those who have chosen it by name; empty for the others.
    pub costs: &'static str,
}

/// Returns the built-in profiles.
pub fn builtins() -> impl Iterator<Item = Builtin> {
    names().filter_map(|name| {
        let text = text(name)?;
        Some(Builtin { name, description: value(text, "description = \""), costs: value(text, "costs = \"") })
    })
}

/// Returns the value of the line that begins so, above the first table; a test checks that each built-in profile has a
/// description in this form.
fn value(text: &'static str, key: &str) -> &'static str {
    let line = text.lines().take_while(|line| !line.starts_with('[')).find_map(|line| line.strip_prefix(key));
    line.and_then(|rest| rest.strip_suffix('"')).unwrap_or_default()
}

#[cfg(test)]
mod tests;
