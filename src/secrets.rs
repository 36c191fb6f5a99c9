//! Finds secrets in instructions and other texts of a config, and masks them. More people read reports, comments and logs than can
//! pull an image, so a text that may contain a secret has a type that masks it whenever it is shown.

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

/// The patterns that tell a secret, from `profiles/secrets.toml`.
struct Patterns {
    names: Regex,
    not: Regex,
    url: Regex,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    names: String,
    not: String,
    url: String,
}

/// `None` if the table is wrong, which a test rules out: then nothing at all is shown.
static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    let written: Written = toml::from_str(include_str!("../profiles/secrets.toml")).ok()?;
    let regex = |text: &str| Regex::new(text).ok();
    Some(Patterns { names: regex(&written.names)?, not: regex(&written.not)?, url: regex(&written.url)? })
});

/// An instruction of a history; secrets are `***` wherever it is shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Instruction(String);

impl Instruction {
    /// Returns the text as the config has it, for comparing and for finding secrets; it must not be shown.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }
}

impl From<String> for Instruction {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.0))
    }
}

impl fmt::Debug for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&masked(&self.0), f)
    }
}

/// The description of a secret in a variable whose name tells.
const VALUE: &str = "a secret";
/// The description of a secret in any other variable.
const URL: &str = "a password in a URL";
/// The text that replaces a secret.
const MASK: &str = "***";

/// Returns the kind of secret in a variable, if there is one.
#[must_use]
pub fn secret(name: &str, value: &str) -> Option<&'static str> {
    secret_by(PATTERNS.as_ref()?, name, value)
}

fn secret_by(rules: &Patterns, name: &str, value: &str) -> Option<&'static str> {
    let value = value.trim_matches(['"', '\'']);
    if rules.names.is_match(name) && !rules.not.is_match(value) {
        return Some(VALUE);
    }
    rules.url.is_match(value).then_some(URL)
}

/// A secret in an instruction.
pub struct Word<'t> {
    /// The variable.
    pub name: &'t str,
    /// The kind of secret.
    pub what: &'static str,
    /// Where the value stands.
    value: Range<usize>,
}

/// The variables with secrets that an instruction sets: `ENV A=b`, `ARG A=b`, `|1 A=b /bin/sh -c …`, `RUN A=b program`; and
/// passwords in URLs.
#[must_use]
pub fn words(instruction: &str) -> Vec<Word<'_>> {
    PATTERNS.as_ref().map_or_else(Vec::new, |rules| words_by(rules, instruction))
}

fn words_by<'t>(rules: &Patterns, instruction: &'t str) -> Vec<Word<'t>> {
    let declared = declared(instruction);
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(sign) = memchr::memchr(b'=', &instruction.as_bytes()[at..]).map(|i| at + i) {
        at = sign + 1;
        let rest = &instruction[at..];
        // A computed value is no secret itself: `TOKEN=$(cat …)`, `TOKEN=`cat …``.
        let computed = rest.trim_start_matches(['"', '\'']).starts_with(['$', '`']);
        let Some(name) = name_before(&instruction[..sign]).filter(|name| !computed && rules.names.is_match(name))
        else {
            continue;
        };
        let end = at + if at <= declared { declared_end(&instruction[at..declared]) } else { shell_end(rest) };
        if secret_by(rules, name, &instruction[at..end]) == Some(VALUE) {
            found.push(Word { name, what: VALUE, value: at..end });
            at = end;
        }
    }
    let known: Vec<Range<usize>> = found.iter().map(|word| word.value.clone()).collect();
    for url in rules.url.find_iter(instruction).map(|url| url.range()) {
        let after = known.partition_point(|value| value.end <= url.start);
        if !known.get(after).is_some_and(|value| value.contains(&url.start)) {
            let sign = instruction[..url.start].trim_end_matches(['"', '\'']).strip_suffix('=');
            let name = sign.and_then(name_before).unwrap_or("an instruction");
            found.push(Word { name, what: URL, value: url });
        }
    }
    found.sort_by_key(|word| word.value.start);
    found
}

/// Returns the offset up to which an instruction only sets variables, whose values builders write without quotes: the end of
/// `ENV A=b c` and the like, the shell in `RUN |1 A=b c /bin/sh -c …`.
fn declared(instruction: &str) -> usize {
    let text = instruction.trim_start();
    let text = text.strip_prefix("/bin/sh -c #(nop)").unwrap_or(text).trim_start();
    let sets = |word: &str| text.strip_prefix(word).is_some_and(|rest| rest.starts_with(char::is_whitespace));
    if ["ENV", "ARG", "LABEL"].into_iter().any(sets) {
        return instruction.len();
    }
    let arguments = text.strip_prefix("RUN").unwrap_or(text).trim_start();
    if arguments.starts_with('|') {
        let start = instruction.len() - arguments.len();
        return arguments.find(" /").map_or(instruction.len(), |shell| start + shell);
    }
    0
}

/// Returns the name at the end of `before`: that of a variable, and not the end of an option or a path.
fn name_before(before: &str) -> Option<&str> {
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let start = before.len() - before.chars().rev().take_while(|c| in_name(*c)).count();
    let name = &before[start..];
    let opens = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '(' | '[' | '{' | ',' | ';' | '&' | '|');
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (begins && before[..start].chars().next_back().is_none_or(opens)).then_some(name)
}

/// Returns the length of the value at the beginning of `text`, in a list of variables: up to the next one.
fn declared_end(text: &str) -> usize {
    if let Some(end) = quoted_end(text) {
        return end;
    }
    let mut signs = memchr::memchr_iter(b'=', text.as_bytes());
    let next = signs.find_map(|sign| {
        let name = name_before(&text[..sign])?;
        let start = sign - name.len();
        text[..start].ends_with(char::is_whitespace).then_some(start)
    });
    text[..next.unwrap_or(text.len())].trim_end().len()
}

/// Returns the length of a value in a shell's line, or in any other text: up to a blank, or to the end of the command.
fn shell_end(text: &str) -> usize {
    if let Some(end) = quoted_end(text) {
        return end;
    }
    let first = usize::from(text.starts_with(['"', '\'']));
    let ends = |c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | ')' | '"' | '\'');
    unescaped(text, true).skip(first).find(|(_, c)| ends(*c)).map_or(text.len(), |(at, _)| at)
}

/// Returns the offset behind the closing quote of the quotes that `text` begins with; `None` if it has none.
fn quoted_end(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    unescaped(text, quote == '"').skip(1).find(|(_, c)| *c == quote).map(|(at, _)| at + 1)
}

/// Returns the characters of a text that no backslash escapes, if backslashes mean anything.
fn unescaped(text: &str, escapes: bool) -> impl Iterator<Item = (usize, char)> {
    let mut escaped = false;
    text.char_indices().filter(move |(_, c)| {
        let after = escaped;
        escaped = escapes && *c == '\\' && !after;
        !after
    })
}

/// Returns a text with `***` for the secrets in it.
#[must_use]
pub fn masked(text: &str) -> String {
    let Some(rules) = PATTERNS.as_ref() else { return MASK.to_owned() };
    let urls = rules.url.find_iter(text).filter_map(|url| {
        let (user, host) = (url.as_str().find("://")? + 3, url.as_str().rfind('@')?);
        Some(url.start() + user..url.start() + host)
    });
    let values = words_by(rules, text).into_iter().filter(|word| word.what == VALUE).map(|word| word.value);
    let mut hidden: Vec<Range<usize>> = urls.chain(values).collect();
    hidden.sort_by_key(|range| (range.start, range.end));
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for range in hidden {
        if range.start >= at {
            out.push_str(&text[at..range.start]);
            out.push_str(MASK);
        }
        at = at.max(range.end);
    }
    out.push_str(&text[at..]);
    out
}

/// Returns the value of a variable, label or key of a config, with `***` for the secrets in it; it may be the text of a JSON
/// value.
#[must_use]
pub fn masked_value(name: &str, value: &str) -> String {
    if secret(name, value) == Some(VALUE) {
        return MASK.to_owned();
    }
    match serde_json::from_str(value) {
        Ok(json @ (Value::Array(_) | Value::Object(_))) => {
            let masked = masked_json(name, json.clone());
            // The spelling of a value without secrets may be what differs.
            if masked == json { value.to_owned() } else { masked.to_string() }
        }
        _ => masked(value),
    }
}

/// The key of a config that contains strings of the form `NAME=VALUE`.
const ENV: &str = "Env";

/// Masks all strings of a JSON value that is under this key.
fn masked_json(name: &str, value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(match text.split_once('=') {
            Some((variable, value)) if name == ENV => format!("{variable}={}", masked_value(variable, value)),
            _ => masked_value(name, &text),
        }),
        Value::Array(items) => items.into_iter().map(|item| masked_json(name, item)).collect(),
        Value::Object(entries) => {
            entries.into_iter().map(|(key, value)| (key.clone(), masked_json(&key, value))).collect()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_told_by_name_and_value() {
        let v = PATTERNS.as_ref().unwrap();
        for name in ["TOKEN", "NPM_TOKEN", "DB_PASSWORD", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY"] {
            assert!(v.names.is_match(name), "{name}");
        }
        for name in ["GPG_KEY", "PATH", "AWS_ACCESS_KEY_ID", "DB_PASSWORD_FILE", "TOKENIZERS_PARALLELISM"] {
            assert!(!v.names.is_match(name), "{name}");
        }
        for value in ["", "$TOKEN", "${X}", "/run/secrets/x", "true", "1", "changeme"] {
            assert!(v.not.is_match(value), "{value}");
        }
        assert!(!v.not.is_match("s3cr3t-value"));
        assert!(v.url.is_match("postgres://user:pw@db/x") && !v.url.is_match("https://host:80/@x"));
    }

    #[test]
    fn instructions_set_variables() {
        let names = |text: &str| -> Vec<String> { words(text).iter().map(|word| word.name.into()).collect() };
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
    fn an_instruction_hides_what_it_knows() {
        let made = Instruction::from("RUN TOKEN=S3CRET make".to_owned());
        assert_eq!((made.to_string().as_str(), made.raw()), ("RUN TOKEN=*** make", "RUN TOKEN=S3CRET make"));
        assert_eq!(format!("{made:?}"), "\"RUN TOKEN=*** make\"");
    }

    #[test]
    fn instructions_are_told_without_secrets() {
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
            assert_eq!(masked(text), told);
        }
        for text in [
            "ENV PASSPHRASE=correct S3CRET battery B=c",
            "/bin/sh -c #(nop)  ENV PRIVATE_KEY=-----BEGIN RSA\nS3CRET\n-----END",
            "RUN |2 NPM_TOKEN=abc S3CRET B=c /bin/sh -c true # buildkit",
            "RUN PGPASSWORD=\"a\\\"S3CRET c\" psql",
            "RUN A_TOKEN=abc\\ S3CRET x",
            "RUN a&&TOKEN=S3CRET b;PASSWORD=S3CRET|c",
            "ENV my-token=S3CRET",
            "[\"sh\",\"-c\",\"TOKEN=S3CRET exec app\"]",
            "ENV REDIS_URL=redis://:S3CRET@h:1/0",
            "RUN curl HTTP://u:S3CRET@h",
        ] {
            let told = masked(text);
            assert!(told.contains("***") && !told.contains("S3CRET"), "{told}");
        }
        for (text, told) in [
            ("RUN export TOKEN=ab;echo kept", "RUN export TOKEN=***;echo kept"),
            ("RUN make TOKEN=\"open kept", "RUN make TOKEN=*** kept"),
            ("[\"ENV TOKEN=abc\"]", "[\"ENV TOKEN=***\"]"),
            ("ENV A=b SECRET=x y C=d e", "ENV A=b SECRET=*** C=d e"),
        ] {
            assert_eq!(masked(text), told);
        }
        for (name, value, told) in [
            ("API_KEY", "a b c", "***"),
            ("URL", "postgres://me:pw@db/x", "postgres://***@db/x"),
            ("PATH", "/bin:/usr/bin", "/bin:/usr/bin"),
            ("Cmd", r#"["sh","-c","TOKEN=abc exec app"]"#, r#"["sh","-c","TOKEN=*** exec app"]"#),
            ("Env", r#"["A=b","TOKEN=a b c"]"#, r#"["A=b","TOKEN=***"]"#),
            ("label", r#"{"PASSWORD":"a b","n":1}"#, r#"{"PASSWORD":"***","n":1}"#),
            ("n", "{no json TOKEN=a", "{no json TOKEN=***"),
        ] {
            assert_eq!(masked_value(name, value), told);
        }
    }
}
