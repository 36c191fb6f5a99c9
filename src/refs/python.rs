//! The references of a Python file, as far as its literals tell: imports of all kinds, and strings that may name a module or a
//! file. Computed names and directory scans can't be seen; everything doubtful counts as a reference, since a file kept for
//! nothing costs less than one that is missing.

mod blocks;
mod lexer;

#[cfg(test)]
mod tests;

use super::collect::{Collector, Token};
use super::{Reference, Target, lines};
use blocks::Blocks;
use lexer::{Kind, Lexer};
use std::borrow::Cow;

/// The most levels of f-strings in f-strings that are read.
const MAX_NESTING: usize = 4;

/// Returns the references in `source`, in the order of their lines. `words` are names of directories and extensions that count
/// wherever they are mentioned. No input makes this fail.
#[must_use]
pub fn references(source: &[u8], words: &[Vec<u8>]) -> Vec<Reference> {
    let text = decode(source);
    let mut collector = Collector::new(&text, words, module);
    read(Lexer::new(&text, 0..text.len()), &mut collector, 0);
    lines::number(&text, collector.finish())
}

/// True if a text may have a relative import, `from .x import y`.
#[must_use]
pub fn imports_from_beside(source: &[u8]) -> bool {
    memchr::memmem::find_iter(source, b"from").any(|at| source[at + 4..].trim_ascii_start().starts_with(b"."))
}

/// Returns the strings of a file that may be text domains, if it imports something that opens translations: the domain is often
/// a constant. With `any` all strings are taken, and not only those that a name with `domain` in it is set to.
#[must_use]
pub fn domains(source: &[u8], found: &[Reference], any: bool) -> Vec<Reference> {
    let opens = |module: &str| module == "gettext" || module == "babel.support" || module.starts_with("gettext.");
    let imports = |r: &Reference| matches!(&r.target, Target::Import { module, .. } if opens(module));
    if !found.iter().any(imports) {
        return Vec::new();
    }
    let text = decode(source);
    let mut out = Vec::new();
    let mut lexer = Lexer::new(&text, 0..text.len());
    // The name just before, perhaps with a `=`, or with a `(` if it opens the domain that it is given.
    let mut name = "";
    let takes = |name: &str| matches!(name, "find" | "load" | "translation" | "Translations");
    while let Some(token) = lexer.next() {
        match token.kind {
            Kind::Name(before) => name = before,
            Kind::Other(b'=') => {}
            Kind::Other(b'(') if takes(name) => name = "domain",
            Kind::Other(_) => name = "",
            Kind::Text(value) => {
                let said = any || name.to_ascii_lowercase().contains("domain");
                let good = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.');
                if said && (2..=64).contains(&value.len()) && value.bytes().all(good) {
                    out.push((token.at, Target::Domain(value.as_ref().into()), super::When::Mention));
                }
                name = "";
            }
        }
    }
    lines::number(&text, out)
}

/// Returns the import of a string that is given to `import_module` and the like.
fn module(text: &str) -> Option<Target> {
    let name = text.trim_start_matches('.');
    let good = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
    let level = u32::try_from(text.len() - name.len()).unwrap_or(u32::MAX);
    good.then(|| Target::Import { level, module: name.into(), names: "".into() })
}

fn read<'t>(mut lexer: Lexer<'t>, collector: &mut Collector<'_>, nesting: usize) {
    let mut blocks = Blocks::default();
    let mut defines = false;
    while let Some(token) = lexer.next() {
        // Names are compared as bytes, which takes no call for each.
        let is_def = matches!(token.kind, Kind::Name(name) if matches!(name.as_bytes(), b"def"));
        let defined = std::mem::replace(&mut defines, is_def);
        // Inside strings there are no statements.
        if nesting == 0 {
            blocks.token(&token, collector);
        }
        match token.kind {
            Kind::Name(name) => {
                let imports = match name.as_bytes() {
                    b"import" => {
                        for module in list(&mut lexer) {
                            let target = Target::Import { level: 0, module: module.into(), names: "".into() };
                            collector.import(token.at, target, blocks.when());
                        }
                        true
                    }
                    // In other places than an import, `from` is followed by no `import`.
                    b"from" => from(&lexer).is_some_and(|(after, target)| {
                        lexer = after;
                        collector.import(token.at, target, blocks.when());
                        true
                    }),
                    // unittest calls it to find what to run.
                    b"load_tests" if defined => {
                        collector.add(token.at, Target::Suites);
                        false
                    }
                    _ => false,
                };
                if !imports {
                    collector.token(token.at, &Token::Name(name));
                }
            }
            Kind::Other(c) => collector.token(token.at, &Token::Other(c)),
            Kind::Text(first) => {
                let mut value = first;
                while let Some(next) = lexer.adjacent() {
                    value.to_mut().push_str(&next);
                }
                collector.token(token.at, &Token::Text(&value));
                for field in lexer.take_fields() {
                    if nesting < MAX_NESTING {
                        read(lexer.within(field), collector, nesting + 1);
                    }
                }
            }
        }
    }
}

/// Returns the import that follows `from`, if it is one, and the lexer behind it.
fn from<'t>(lexer: &Lexer<'t>) -> Option<(Lexer<'t>, Target)> {
    let mut lexer = lexer.clone();
    let mut level = 0_u32;
    while lexer.eat(b'.') {
        level = level.saturating_add(1);
    }
    let module = dotted(&mut lexer);
    if !lexer.eat_name("import") || (level == 0 && module.is_empty()) {
        return None;
    }
    let names = list(&mut lexer).join(",");
    Some((lexer, Target::Import { level, module: module.into(), names: names.into() }))
}

/// Reads `a.b.c`; returns an empty text if no name stands here.
fn dotted<'t>(lexer: &mut Lexer<'t>) -> Cow<'t, str> {
    let mut path = Cow::Borrowed("");
    while let Some(name) = lexer.name(|name| name != "import") {
        // Nearly all are one name.
        if path.is_empty() {
            path = Cow::Borrowed(name)
        } else {
            path.to_mut().push_str(name)
        }
        if !lexer.eat(b'.') {
            break;
        }
        path.to_mut().push('.');
    }
    path
}

/// Reads `a.b as c, d` or `(a, b)` or `*`; returns the dotted names.
fn list<'t>(lexer: &mut Lexer<'t>) -> Vec<Cow<'t, str>> {
    let open = lexer.eat(b'(');
    let mut names = Vec::new();
    while !lexer.eat(b'*') {
        let name = dotted(lexer);
        if name.is_empty() {
            break;
        }
        names.push(name);
        if lexer.eat_name("as") {
            lexer.name(|_| true);
        }
        if !lexer.eat(b',') {
            break;
        }
    }
    if open {
        lexer.eat(b')');
    }
    names
}

/// Returns the text of a source file: UTF-8, or Latin-1 if a PEP 263 cookie says so. Other encodings keep their ASCII part,
/// which is all that imports and most file names need.
fn decode(source: &[u8]) -> Cow<'_, str> {
    if !source.is_ascii() && is_latin1(source) {
        return source.iter().map(|&byte| char::from(byte)).collect();
    }
    super::text(source)
}

/// True if a comment on the first or second line declares Latin-1.
fn is_latin1(source: &[u8]) -> bool {
    let lines = source.split(|&c| c == b'\n' || c == b'\r').take(2);
    lines.filter_map(cookie).any(|name| {
        let name = name.to_ascii_lowercase().replace('_', "-");
        let latin1 = ["latin-1", "latin1", "l1", "iso-8859-1", "iso8859-1", "8859", "cp819", "iso-latin-1"];
        latin1.iter().any(|known| name == *known || name.strip_prefix(known).is_some_and(|rest| rest.starts_with('-')))
    })
}

/// Returns the name in `# -*- coding: NAME -*-`.
fn cookie(line: &[u8]) -> Option<String> {
    let comment = line.trim_ascii_start().strip_prefix(b"#")?;
    let at = memchr::memmem::find(comment, b"coding")?;
    let value = comment[at..].strip_prefix(b"coding")?;
    let value = value.strip_prefix(b":").or_else(|| value.strip_prefix(b"="))?.trim_ascii_start();
    let is_name = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    Some(value.iter().copied().take_while(is_name).map(char::from).collect())
}
