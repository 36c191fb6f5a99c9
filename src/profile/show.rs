//! A resolved profile as TOML again: the output of `slim profiles show`, which a user may copy to begin a profile.

use super::{Action, Glob, Packages, Profile, ProfileError, Reading, Request, Rule, resolve};

/// Returns the TOML of a profile as resolved, with everything that it extends written out. `read` returns the text of a file.
///
/// # Errors
/// Returns an error if no built-in profile has that name, or the mistakes in the file.
pub fn show(name: &str, read: &dyn Fn(&str) -> std::io::Result<String>) -> Result<String, ProfileError> {
    let request = Request { profiles: &[name.to_owned()], ..Request::default() };
    Ok(resolve(&request, read)?.to_toml())
}

impl Profile {
    /// Returns the profile as TOML that resolves to the same rules, sets and protections.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut out = format!("# {}: as resolved, with all that is extended.\n", self.names.join(", ").escape_debug());
        for choice in &self.choices {
            let paths: Vec<&str> = sources(&choice.paths).collect();
            let uses = choice.uses.join(", ");
            let os = Some(format!("is of {}", choice.os.join(" or "))).filter(|_| !choice.os.is_empty());
            let has = Some(format!("has {}", paths.join(" or "))).filter(|_| !paths.is_empty());
            let when: Vec<String> = os.into_iter().chain(has).collect();
            out.push_str(&format!("# {} where an image {}\n", uses.escape_debug(), when.join(", or ").escape_debug()));
        }
        line(&mut out, "description", &text(&self.description));
        let enabled: Vec<&str> =
            self.rules.iter().filter(|r| r.enabled && r.risk == super::Risk::OptIn).map(|r| r.id.as_str()).collect();
        if !enabled.is_empty() {
            line(&mut out, "enable", &array(enabled));
        }
        out.push_str("\n[sets]\n");
        for (name, patterns) in &self.sets {
            line(&mut out, name, &array(patterns.iter().map(String::as_str)));
        }
        for r in &self.rules {
            rule(&mut out, r);
        }
        out.push_str("\n[protect]\npaths = [\n");
        for p in &self.protects {
            out.push_str(&format!("    {{ path = {}, reason = {}", quote(&p.path.source), quote(&p.reason)));
            if !p.except.is_empty() {
                out.push_str(&format!(", except = {}", array(sources(&p.except))));
            }
            out.push_str(if p.links { ", links = true" } else { "" });
            out.push_str(if p.owned { ", owned = true" } else { "" });
            out.push_str(if p.content { ", content = true },\n" } else { " },\n" });
        }
        out.push_str("]\n");
        out
    }
}

fn rule(out: &mut String, rule: &Rule) {
    out.push_str(&format!("\n# from {}\n[[rule]]\n", rule.profile.escape_debug()));
    line(out, "id", &quote(&rule.id));
    line(out, "about", &text(&rule.about));
    line(out, "action", &quote(rule.action.name()));
    line(out, "risk", &quote(rule.risk.name()));
    if rule.action == Action::Drop {
        line(out, "guard", &quote(rule.guard.name()));
    }
    if rule.action == Action::Strip {
        line(out, "level", &quote(super::name_of(&super::LEVELS, rule.level)));
    }
    if let Some(bytecode) = rule.bytecode {
        line(out, "mode", &quote(bytecode.mode.name()));
        if bytecode.mode == super::Mode::Compile {
            line(out, "optimize", &bytecode.optimize.to_string());
        }
    }
    if let Some(external) = &rule.external {
        line(out, "command", &array(external.command.iter().map(String::as_str)));
        line(out, "timeout", &external.timeout.to_string());
        line(out, "deterministic", &external.deterministic.to_string());
    }
    if let Some(packages) = &rule.packages {
        self::packages(out, packages);
        return reading(out, &rule.reading);
    }
    if rule.action != Action::DropShadowed {
        line(out, "paths", &array(sources(&rule.paths)));
    }
    if !rule.except.is_empty() {
        line(out, "except", &array(sources(&rule.except)));
    }
    reading(out, &rule.reading);
    for (key, patterns) in [("path-excludes", &rule.dpkg.exclude), ("path-includes", &rule.dpkg.include)] {
        if !patterns.is_empty() {
            line(out, key, &array(patterns.iter().map(String::as_str)));
        }
    }
}

fn reading(out: &mut String, reading: &Reading) {
    let words = |words: &[String]| array(words.iter().map(String::as_str));
    let names = [("read-by", &reading.read_by), ("runs", &reading.runs), ("imported-with", &reading.imported_with)];
    for (key, names) in names {
        if !names.is_empty() {
            line(out, key, &words(names));
        }
    }
    for (key, globs) in [("mapped-by", &reading.mapped_by), ("deaf", &reading.deaf)] {
        if !globs.is_empty() {
            line(out, key, &array(sources(globs)));
        }
    }
    reading.beside.iter().for_each(|name| line(out, "beside", &quote(name)));
    let flags = [("owned", reading.owned), ("homes", reading.homes), ("namesakes", reading.namesakes)];
    flags.iter().filter(|(_, on)| *on).for_each(|(key, _)| line(out, key, "true"));
}

fn packages(out: &mut String, packages: &Packages) {
    line(out, "packages", &array(packages.names.source.iter().map(String::as_str)));
    if !packages.except.source.is_empty() {
        line(out, "except", &array(packages.except.source.iter().map(String::as_str)));
    }
    if let Some(manager) = packages.manager {
        line(out, "manager", &quote(manager.name()));
    }
    let flags = [("force", packages.force), ("orphans", packages.orphans), ("keep-needed", packages.keep_needed)];
    flags.iter().filter(|(_, on)| *on).for_each(|(key, _)| line(out, key, "true"));
}

fn line(out: &mut String, key: &str, value: &str) {
    out.push_str(&format!("{key} = {value}\n"));
}

fn sources(globs: &[Glob]) -> impl Iterator<Item = &str> {
    globs.iter().map(|g| g.source.as_str())
}

fn quote(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

/// Formats an array, on several lines if one would be long.
fn array<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let items: Vec<String> = items.into_iter().map(quote).collect();
    let short = items.join(", ");
    if short.len() <= 100 { format!("[{short}]") } else { format!("[\n    {},\n]", items.join(",\n    ")) }
}

/// Formats a string, folded if it is long: a backslash at a line's end swallows the break.
fn text(value: &str) -> String {
    let plain = |c: char| !c.is_control() && c != '"' && c != '\\';
    let words: Vec<&str> = value.split(' ').collect();
    // A text with blanks that the folding would swallow stays on one line.
    if value.len() <= 100 || !value.chars().all(plain) || words.contains(&"") {
        return quote(value);
    }
    let (mut out, mut width) = (String::from("\"\"\"\\\n"), 0);
    for (i, word) in words.iter().enumerate() {
        if i > 0 {
            out.push(' ');
            width += 1;
            if width + word.len() > 110 {
                out.push_str("\\\n");
                width = 0;
            }
        }
        out.push_str(word);
        width += word.len();
    }
    out + "\"\"\""
}

#[cfg(test)]
mod tests {
    use super::super::builtins;
    use super::*;

    fn none(_: &str) -> std::io::Result<String> {
        Err(std::io::Error::other("no files"))
    }

    #[test]
    fn what_is_shown_resolves_to_the_same() {
        for (name, _) in builtins() {
            let shown = show(name, &none).unwrap();
            let read = |_: &str| Ok(shown.clone());
            let request = Request { profiles: &["shown.toml".to_owned()], ..Request::default() };
            let again = resolve(&request, &read).unwrap_or_else(|e| panic!("{e}"));
            let first = resolve(&Request { profiles: &[name.to_owned()], ..request }, &read).unwrap();
            let mut again = again;
            // The conditions are comments, too: all profiles that may come are there.
            again.choices.clone_from(&first.choices);
            // Where a rule was defined is a comment.
            again.names.clone_from(&first.names);
            for (a, b) in again.rules.iter_mut().zip(&first.rules) {
                assert!(shown.contains(&format!("# from {}\n[[rule]]\nid = \"{}\"\n", b.profile, b.id)));
                a.profile.clone_from(&b.profile);
            }
            for (a, b) in again.protects.iter_mut().zip(&first.protects) {
                a.profile.clone_from(&b.profile);
            }
            assert_eq!(format!("{again:#?}"), format!("{first:#?}"), "{name}");
        }
    }

    #[test]
    fn long_texts_are_folded_without_change() {
        let long = format!("a{}", " word".repeat(60));
        let folded = text(&long);
        assert!(folded.lines().count() > 3 && folded.lines().all(|l| l.len() < 120), "{folded}");
        for value in [&*long, "a \"quoted\" \\ text\n", &format!("{long}  {long}"), "'", ""] {
            let document: toml::Table = format!("x = {}", text(value)).parse().unwrap();
            assert_eq!(document["x"].as_str(), Some(value));
        }
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        assert_eq!(show("cache", &none).unwrap_err().help.as_deref(), Some("did you mean `caches`?"));
        assert!(show("./x.toml", &none).unwrap_err().message.contains("no files"));
        let file = |_: &str| Ok("description = \"mine\"\nextends = [\"strip\"]".to_owned());
        let shown = show("./x.toml", &file).unwrap();
        let text = "[[rule]]\nid = \"x\"\naction = \"external\"\ncommand = [\"t\", \"{in}\", \"{out}\"]\n\
                    deterministic = false\npaths = [\"a\"]\n[[rule]]\nid = \"c\"\naction = \"bytecode\"\nmode = \"compile\"\n\
                    optimize = 1\npaths = [\"a\"]\n";
        let changing = show("./x.toml", &|_| Ok(text.to_owned())).unwrap();
        for line in ["command = [\"t\", \"{in}\", \"{out}\"]", "timeout = 60", "deterministic = false", "optimize = 1"]
        {
            assert!(changing.contains(&format!("{line}\n")), "{changing}");
        }
        assert_eq!(show("./y.toml", &|_| Ok(changing.clone())).unwrap().replace("y.toml", "x.toml"), changing);
        assert!(shown.contains("description = \"mine\"") && shown.contains("action = \"strip\"\n"), "{shown}");
    }
}
