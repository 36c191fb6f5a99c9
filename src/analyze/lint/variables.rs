//! Secrets in the config: in the environment, and in the instructions of the history. No value is ever told.

use super::Look;
use super::rules::{Rules, Variables};
use bstr::BString;
use std::collections::BTreeSet;
use std::ops::Range;

const SECRET: &str = "secret";
/// What is told of a variable whose name says it.
const VALUE: &str = "a secret";
/// What is told of any other.
const URL: &str = "a password in a URL";

pub(super) fn look(look: &mut Look<'_>) {
    let facts = look.request.plan.facts;
    let rules = &look.rules().variables;
    let mut known = BTreeSet::new();
    for (name, value) in &facts.env {
        if let Some(what) = secret(rules, name, value)
            && known.insert(name.clone())
        {
            let message = format!("the environment has {what} in {name}, for everybody who can pull");
            look.add(SECRET, rules.severity, BString::default(), None, name, message);
        }
    }
    let mut layer = 0;
    for entry in &facts.history {
        layer += usize::from(!entry.empty_layer);
        for Word { name, what, .. } in words(rules, &entry.created_by) {
            if known.insert(name.to_owned()) {
                let place = (!entry.empty_layer && layer <= look.request.plan.layers.len()).then_some(layer);
                let message = format!("the history has {what} in {name}, for everybody who can pull");
                look.add(SECRET, rules.severity, BString::default(), place, name, message);
            }
        }
    }
}

/// What of a variable is a secret.
fn secret(rules: &Variables, name: &str, value: &str) -> Option<&'static str> {
    let value = value.trim_matches(['"', '\'']);
    if rules.names.is_match(name) && !rules.not.is_match(value) {
        return Some(VALUE);
    }
    rules.url.is_match(value).then_some(URL)
}

/// A secret in an instruction.
struct Word<'t> {
    /// The variable.
    name: &'t str,
    what: &'static str,
    /// Where the value stands.
    value: Range<usize>,
}

/// The variables with secrets that an instruction sets: `ENV A=b`, `ARG A=b`, `|1 A=b /bin/sh -c …`, `RUN A=b program`.
fn words<'t>(rules: &Variables, instruction: &'t str) -> Vec<Word<'t>> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    let mut found = Vec::new();
    let mut at = 0;
    for word in instruction.split(|c: char| c.is_ascii_whitespace()) {
        let end = at + word.len();
        at = end + 1;
        let word = word.trim_start_matches(['"', '\'', '(']);
        match word.split_once('=') {
            Some((name, value)) if is_name(name) => {
                let start = end - value.len();
                let value = value.trim_end_matches([';', ')', '&']);
                // What is computed is no value: `TOKEN=$(cat …)`, `TOKEN=`cat …``.
                if !value.trim_start_matches(['"', '\'']).starts_with(['$', '`'])
                    && let Some(what) = secret(rules, name, value)
                {
                    found.push(Word { name, what, value: start..closed(instruction, start, start + value.len()) });
                }
            }
            _ => {
                if rules.url.is_match(word) {
                    found.push(Word { name: "an instruction", what: URL, value: end..end });
                }
            }
        }
    }
    found
}

/// Where a value ends that may begin with a quote and go on after blanks.
fn closed(text: &str, start: usize, end: usize) -> usize {
    let Some(quote) = text[start..end].chars().next().filter(|c| matches!(c, '"' | '\'')) else { return end };
    text[start + 1..].find(quote).map_or(end, |at| (start + at + 2).max(end))
}

/// The value of a variable, label and the like: `***` if it is a secret, and for the passwords of URLs in it.
#[must_use]
pub fn masked_value(rules: &Rules, name: &str, value: &str) -> String {
    if secret(&rules.variables, name, value) == Some(VALUE) { "***".to_owned() } else { masked(rules, value) }
}

/// An instruction with `***` for the secrets in it.
#[must_use]
pub fn masked(rules: &Rules, instruction: &str) -> String {
    let rules = &rules.variables;
    let urls = rules.url.find_iter(instruction).filter_map(|url| {
        let (user, host) = (url.as_str().find("://")? + 3, url.as_str().rfind('@')?);
        Some(url.start() + user..url.start() + host)
    });
    let values = words(rules, instruction).into_iter().filter(|word| word.what == VALUE).map(|word| word.value);
    let mut hidden: Vec<Range<usize>> = urls.chain(values).collect();
    hidden.sort_by_key(|range| (range.start, range.end));
    let (mut out, mut at) = (String::with_capacity(instruction.len()), 0);
    for range in hidden {
        if range.start >= at {
            out.push_str(&instruction[at..range.start]);
            out.push_str("***");
        }
        at = at.max(range.end);
    }
    out.push_str(&instruction[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::lint::rules::Rules;

    #[test]
    fn instructions_set_variables() {
        let rules = Rules::builtin().unwrap();
        let names =
            |text: &str| -> Vec<String> { words(&rules.variables, text).iter().map(|word| word.name.into()).collect() };
        assert_eq!(names("|1 NPM_TOKEN=abcdef /bin/sh -c npm ci"), ["NPM_TOKEN"]);
        assert_eq!(names("/bin/sh -c #(nop)  ENV DB_PASSWORD=hunter22"), ["DB_PASSWORD"]);
        assert_eq!(names("ARG TOKEN=\"abc def\""), ["TOKEN"]);
        assert_eq!(names("RUN pip install -i https://me:secret@host/simple x"), ["an instruction"]);
        for none in [
            "ARG TOKEN",
            "RUN TOKEN=$(cat /run/secrets/t) make",
            "ENV TOKEN_FILE=/x",
            "RUN a --token=abc",
            "ENV A=b",
            "",
        ] {
            assert_eq!(names(none), Vec::<String>::new(), "{none}");
        }
    }

    #[test]
    fn instructions_are_told_without_secrets() {
        let rules = Rules::builtin().unwrap();
        for (text, told) in [
            ("|2 A=b NPM_TOKEN=abcdef /bin/sh -c npm ci", "|2 A=b NPM_TOKEN=*** /bin/sh -c npm ci"),
            ("RUN (TOKEN=\"abc def\"; make) && b", "RUN (TOKEN=***; make) && b"),
            ("RUN PASSWORD='open\tü end", "RUN PASSWORD=***\tü end"),
            (
                "pip install -i https://me:s3cret@a/b x\n-i=ftp://u:p@c",
                "pip install -i https://***@a/b x\n-i=ftp://***@c",
            ),
            ("ENV API_KEY=https://me:pw@host", "ENV API_KEY=***"),
            ("ENV URL=postgres://me:pw@db/x B=c", "ENV URL=postgres://***@db/x B=c"),
            ("RUN TOKEN=$(cat /run/secrets/t) make", "RUN TOKEN=$(cat /run/secrets/t) make"),
            ("", ""),
        ] {
            assert_eq!(masked(&rules, text), told);
        }
        for (name, value, told) in [
            ("API_KEY", "a b c", "***"),
            ("URL", "postgres://me:pw@db/x", "postgres://***@db/x"),
            ("PATH", "/bin:/usr/bin", "/bin:/usr/bin"),
        ] {
            assert_eq!(masked_value(&rules, name, value), told);
        }
    }
}
