//! Secrets in the config: in the environment, and in the instructions of the history. No value is ever told.

use super::{Look, rules::Variables};
use bstr::BString;
use std::collections::BTreeSet;

const SECRET: &str = "secret";

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
        for (name, what) in words(rules, &entry.created_by) {
            if known.insert(name.clone()) {
                let place = (!entry.empty_layer && layer <= look.request.plan.layers.len()).then_some(layer);
                let message = format!("the history has {what} in {name}, for everybody who can pull");
                look.add(SECRET, rules.severity, BString::default(), place, &name, message);
            }
        }
    }
}

/// What of a variable is a secret.
fn secret(rules: &Variables, name: &str, value: &str) -> Option<&'static str> {
    let value = value.trim_matches(['"', '\'']);
    if rules.names.is_match(name) && !rules.not.is_match(value) {
        return Some("a secret");
    }
    rules.url.is_match(value).then_some("a password in a URL")
}

/// The variables with secrets that an instruction sets: `ENV A=b`, `ARG A=b`, `|1 A=b /bin/sh -c …`, `RUN A=b program`.
fn words(rules: &Variables, instruction: &str) -> Vec<(String, &'static str)> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    let mut found = Vec::new();
    for word in instruction.split_ascii_whitespace().take(10_000) {
        let word = word.trim_start_matches(['"', '\'', '(']);
        match word.split_once('=') {
            Some((name, value)) if is_name(name) => {
                // What is computed is no value: `TOKEN=$(cat …)`, `TOKEN=`cat …``.
                if !value.trim_start_matches(['"', '\'']).starts_with(['$', '`'])
                    && let Some(what) = secret(rules, name, value.trim_end_matches([';', ')', '&']))
                {
                    found.push((name.to_owned(), what));
                }
            }
            _ => {
                if rules.url.is_match(word) {
                    found.push(("an instruction".to_owned(), "a password in a URL"));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::lint::rules::Rules;

    #[test]
    fn instructions_set_variables() {
        let rules = Rules::builtin().unwrap();
        let names =
            |text: &str| -> Vec<String> { words(&rules.variables, text).into_iter().map(|(name, _)| name).collect() };
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
}
