//! The strings that a scan has to search plain texts and programs for, by the patterns of the rules.

use crate::profile::{Action, Guard as Kind, Profile, Rule};
use crate::refs::paths::Wanted;

/// Returns the strings to search for; nothing if no rule asks.
#[must_use]
pub fn searched(profile: &Profile) -> Wanted {
    let mut out = Wanted::default();
    for rule in profile.rules.iter().filter(|rule| rule.enabled && rule.action.guard() != Kind::None) {
        for pattern in patterns(rule) {
            let literal = beginning(&pattern);
            if literal.is_empty() {
                out.ends.extend(end(&pattern));
            } else if pattern.starts_with("**/") {
                out.parts.insert(literal);
            } else {
                out.roots.insert(literal);
            }
        }
        match &rule.action {
            Action::RemovePackage(packages) => {
                out.tools.extend(packages.read_by.iter().chain(&packages.runs).cloned());
                out.libraries = true;
            }
            action => out.commands.extend(action.read_by().iter().cloned()),
        }
        out.maps |= rule.action.reading().is_some_and(|reading| !reading.mapped_by.is_empty());
        if rule.action.guard() == Kind::Python {
            out.suites.extend(suites(rule));
        }
        out.languages |= out.roots.iter().any(|root| root.starts_with("usr/share/locale"));
    }
    out
}

/// The most patterns that one with braces may stand for.
const MOST: usize = 256;

/// Returns a rule's patterns, one for each choice in their braces.
#[must_use]
pub fn patterns(rule: &Rule) -> Vec<String> {
    rule.paths.iter().flat_map(|glob| &glob.expanded).flat_map(|pattern| choices(pattern)).collect()
}

/// Returns the patterns that one with braces stands for; the pattern itself if they are too many, or the braces not well
/// formed.
fn choices(pattern: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![pattern.to_owned()];
    while let Some(next) = open.pop() {
        // The innermost braces have no others in them.
        let close = next.find('}');
        let Some((from, to)) = close.and_then(|to| Some((next[..to].rfind('{')?, to))) else {
            done.push(next);
            continue;
        };
        let (before, inner, after) = (&next[..from], &next[from + 1..to], &next[to + 1..]);
        open.extend(inner.split(',').map(|choice| format!("{before}{choice}{after}")));
        if open.len() + done.len() > MOST {
            return vec![pattern.to_owned()];
        }
    }
    done.sort();
    done.dedup();
    done
}

/// Returns the components of a pattern before the first that has a wildcard; without the `**/` that lets it begin anywhere.
#[must_use]
pub fn beginning(pattern: &str) -> String {
    let pattern = pattern.strip_prefix("**/").unwrap_or(pattern);
    pattern.split('/').take_while(|part| is_plain(part)).collect::<Vec<_>>().join("/")
}

/// Returns the place that a pattern is about: its components up to the last directory without a wildcard, `usr/lib/*/gconv` of
/// `usr/lib/*/gconv/*.so`. The rule is about files below that, and about no other directory on the way.
#[must_use]
pub fn place(pattern: &str) -> String {
    let parts: Vec<&str> = pattern.split('/').collect();
    let whole = beginning(pattern) == pattern;
    let dirs = if whole { &parts[..] } else { &parts[..parts.len() - 1] };
    let last = dirs.iter().rposition(|part| is_plain(part)).map_or(0, |at| at + 1);
    dirs[..last].join("/")
}

fn is_plain(part: &str) -> bool {
    !part.contains(['*', '?', '[', '{', '\\', '}', ','])
}

/// Returns the end of a pattern's last component, if it is long enough to be searched for.
fn end(pattern: &str) -> Option<String> {
    let last = pattern.rsplit('/').next()?;
    let from = last.rfind(['*', '?', '[', ']', '{', '}', '\\', ',']).map_or(0, |at| at + 1);
    (last.len() - from > 2).then(|| last[from..].to_owned())
}

/// Returns the names of the directories that a rule names, if they are without wildcards.
fn suites(rule: &Rule) -> impl Iterator<Item = String> {
    let last = rule.paths.iter().flat_map(|glob| &glob.expanded).filter_map(|pattern| pattern.rsplit('/').next());
    last.filter(|name| !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_'))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_begins_with_its_plain_names() {
        for (pattern, plain) in [
            ("usr/share/doc/*/*", "usr/share/doc"),
            ("tmp/*", "tmp"),
            ("**/.cache/uv", ".cache/uv"),
            ("**/{a,b}/c", ""),
            ("a/b*c/d", "a"),
            ("a/b", "a/b"),
            ("*", ""),
        ] {
            assert_eq!(beginning(pattern), plain, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_is_about_a_place() {
        for (pattern, about) in [
            ("usr/share/doc/*/*", "usr/share/doc"),
            ("usr/share/locale/*/LC_*", "usr/share/locale"),
            ("usr/lib/*/gconv/*.so", "usr/lib/*/gconv"),
            ("tmp/*", "tmp"),
            ("usr/share/zoneinfo/right", "usr/share/zoneinfo/right"),
            ("*.md", ""),
        ] {
            assert_eq!(place(pattern), about, "{pattern}");
        }
    }

    #[test]
    fn braces_are_choices() {
        assert_eq!(choices("a/{b,c{d,}}/*"), ["a/b/*", "a/c/*", "a/cd/*"]);
        assert_eq!(choices("a/b"), ["a/b"]);
        assert_eq!(choices("a{b"), ["a{b"]);
        assert_eq!(choices(&"{a,b}".repeat(20)).len(), 1);
    }
}
