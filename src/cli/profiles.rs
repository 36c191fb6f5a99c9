//! `slim profiles`: the built-in rules, and a check of one's own.

use std::io::{self, Write};
use std::path::Path;

use crate::profile::{self, Builtin, ProfileError, Risk};
use crate::report::paint::Paint;
use crate::report::{printable, units};
use crate::{Error, ErrorKind, Result};

/// Writes the built-in profiles: the name, the risk, the description, and what programs will miss.
///
/// # Errors
/// Returns an error if writing to `out` fails.
pub fn list(out: &mut dyn Write) -> io::Result<()> {
    let width = profile::builtins().map(|p| p.name.len()).max().unwrap_or(0);
    for builtin in profile::builtins() {
        let (risk, costs) = risk(&builtin);
        writeln!(out, "{:width$}  {:6}  {}", builtin.name, risk.name(), builtin.description)?;
        if !costs.is_empty() {
            writeln!(out, "{:width$}          Costs: {}", "", costs.join("; "))?;
        }
    }
    Ok(())
}

/// Returns the highest risk of a profile's rules, opt-in if the profile as a whole has a cost, and all costs.
fn risk(builtin: &Builtin) -> (Risk, Vec<String>) {
    let names = [builtin.name.to_owned()];
    let request = profile::Request { profiles: &names, ..Default::default() };
    // Built-in profiles are correct, and read no file: a test rules out anything else.
    let resolved = profile::resolve(&request, &|_| Err(io::ErrorKind::NotFound.into()));
    let rules: Vec<_> = resolved.iter().flat_map(|p| &p.rules).filter(|r| r.enabled).collect();
    let own = Some(builtin.costs).filter(|costs| !costs.is_empty());
    let costs = own.into_iter().chain(rules.iter().map(|r| r.costs.as_str()).filter(|costs| !costs.is_empty()));
    let highest = rules.iter().map(|r| r.risk).max().unwrap_or(Risk::None);
    (if own.is_some() { Risk::OptIn } else { highest }, costs.map(str::to_owned).collect())
}

/// The result of a check: the line for a good profile, or the errors.
///
/// # Errors
/// [`ErrorKind::Io`] where the file cannot be read.
pub fn check(file: &Path) -> Result<std::result::Result<String, Vec<ProfileError>>> {
    let name = file.display().to_string();
    let failed = |e| Error::io("the profile cannot be read", e).archive(&name);
    let text = String::from_utf8(std::fs::read(file).map_err(failed)?).map_err(|e| {
        let at = e.utf8_error().valid_up_to() as u64;
        Error::new(ErrorKind::Profile, "the profile is not UTF-8").archive(&name).offset(at)
    })?;
    let errors = profile::check(&name, &text, &|path| std::fs::read_to_string(path));
    if !errors.is_empty() {
        return Ok(Err(errors));
    }
    let rules = toml::from_str::<toml::Table>(&text).ok();
    let rules = rules.and_then(|t| t.get("rule")?.as_array().map(Vec::len)).unwrap_or(0);
    let s = if rules == 1 { "" } else { "s" };
    Ok(Ok(format!("{name}: ok, {} rule{s}", units::count(rules as u64))))
}

/// The errors of a profile as they are printed, with their number at the end where there are several.
#[must_use]
pub fn errors(errors: &[ProfileError], paint: Paint) -> String {
    let mut out = String::new();
    for error in errors {
        out.push_str(&format!("{} {}\n\n", paint.red("error:"), printable(&error.to_string(), true)));
    }
    match errors.len() {
        1 => out.truncate(out.len() - 1),
        n => out.push_str(&format!("{} {n} errors\n", paint.red("error:"))),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_aligned() {
        let mut out = Vec::new();
        list(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let Builtin { name, description, .. } = profile::builtins().next().unwrap();
        let width = profile::builtins().map(|p| p.name.len()).max().unwrap();
        assert_eq!(text.lines().next().unwrap(), format!("{name:width$}  none    {description}"));
        assert_eq!(text.lines().filter(|l| !l.starts_with(' ')).count(), profile::builtins().count());
        assert!(text.contains("Costs: compilers, make"), "{text}");
    }

    #[test]
    fn a_good_profile_is_counted_and_a_bad_one_explained() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mine.toml");
        let rule = "[[rule]]\nid = \"a\"\nabout = \"x\"\naction = \"drop\"\nrisk = \"none\"\npaths = [\"/a\"]\n";
        std::fs::write(&file, format!("description = \"mine\"\n{rule}")).unwrap();
        let line = check(&file).unwrap().expect("no errors");
        assert_eq!(line, format!("{}: ok, 1 rule", file.display()));
        std::fs::write(&file, "description = 1 =\n").unwrap();
        let found = check(&file).unwrap().expect_err("an error");
        assert!(errors(&found, Paint(false)).starts_with("error: "));
        std::fs::write(&file, b"description = \"\xff\"\n").unwrap();
        assert_eq!(check(&file).unwrap_err().offset, Some(15));
        assert_eq!(check(&dir.path().join("none")).unwrap_err().kind, ErrorKind::Io);
    }
}
