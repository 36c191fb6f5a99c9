//! The references of a JavaScript or TypeScript file: `require`, `import` and `export … from` with a literal, and strings that
//! may name a file. `package.json` gives such references for a package as a whole.

mod lexer;

#[cfg(test)]
mod tests;

use super::collect::{Collector, Token};
use super::{Reference, Target, When, lines};
use lexer::{Kind, Lexer};

/// Returns the references in `source`, in the order of their lines; `words` are names of directories and extensions that count
/// wherever they are mentioned. No input makes this fail.
#[must_use]
pub fn references(source: &[u8], words: &[Vec<u8>]) -> Vec<Reference> {
    let text = super::text(source);
    let mut collector = Collector::new(&text, words, require);
    // The name just before, and the name of the call that begins before; the number of open braces.
    let (mut name, mut called, mut depth) = (None, None, 0_u32);
    let mut lexer = Lexer::new(&text);
    while let Some((at, kind)) = lexer.next() {
        match kind {
            Kind::Text(value) => {
                // `import "x"`, `from "x"`; a string that begins with a dot is a path, whatever function gets it.
                let keyword = matches!(name, Some("from" | "import"));
                if keyword || value.starts_with("./") || value.starts_with("../") {
                    let when = if keyword { When::Always } else { When::Mention };
                    require(&value).into_iter().for_each(|target| collector.import(at, target, when));
                } else if called == Some("require") && depth == 0 {
                    require(&value).into_iter().for_each(|target| collector.import(at, target, When::Always));
                }
                (name, called) = (None, None);
                collector.token(at, &Token::Text(&value));
            }
            Kind::Name(text) => {
                (name, called) = (Some(text), None);
                collector.token(at, &Token::Name(text));
            }
            Kind::Other(c) => {
                called = name.take().filter(|_| c == b'(');
                match c {
                    b'{' => depth = depth.saturating_add(1),
                    b'}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                // A slash divides here, and joins nothing.
                collector.token(at, &Token::Other(if c == b'/' { b'%' } else { c }));
            }
        }
    }
    lines::number(&text, collector.finish())
}

/// Returns the reference of a string in a place where modules are named.
fn require(text: &str) -> Option<Target> {
    let good = !text.is_empty() && text.len() <= 250 && !text.contains([' ', '\n', ':', '*', '\0']);
    good.then(|| Target::Require(text.into()))
}

/// Returns the files that a `package.json` names: those that are loaded where the package is required, and its programs.
#[must_use]
pub fn package(source: &[u8]) -> Vec<Reference> {
    let text = String::from_utf8_lossy(source);
    let Ok(serde_json::Value::Object(package)) = serde_json::from_str(&text) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for key in ["main", "module", "exports", "imports", "bin", "browser"] {
        if let Some(value) = package.get(key) {
            paths(value, &mut found);
        }
    }
    let at = |path: &str| text.find(&format!("\"{path}\"")).unwrap_or_default();
    let target =
        |path: &str| Some((at(path), require(&format!("./{}", path.trim_start_matches("./")))?, When::Mention));
    lines::number(&text, found.iter().filter_map(|path| target(path)).collect())
}

/// Collects all strings in a value, except those for type checkers.
fn paths(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::String(path) => found.push(path.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| paths(item, found)),
        serde_json::Value::Object(entries) => {
            let entries = entries.iter().filter(|(key, _)| !key.starts_with("types"));
            entries.for_each(|(_, value)| paths(value, found));
        }
        _ => {}
    }
}
