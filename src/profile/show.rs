//! A resolved profile as TOML again: the output of `slim profiles show`, which a user may copy to begin a profile.

use super::lines::{array, globs, line, quote, sources, text};
use super::{Profile, ProfileError, Request, Rule, resolve};

/// Returns the TOML of a profile as resolved, with everything that it extends written out. `read` returns the text of a file.
///
/// # Errors
/// Returns an error if no built-in profile has that name, or the mistakes in the file.
pub fn show(name: &str, read: &dyn Fn(&str) -> std::io::Result<String>) -> Result<String, ProfileError> {
    let request = Request { profiles: &[name.to_owned()], ..Request::default() };
    Ok(to_toml(&resolve(&request, read)?))
}

/// Returns a profile as TOML that resolves to the same rules, sets and protections.
pub(crate) fn to_toml(profile: &Profile) -> String {
    let mut out = format!("# {}: as resolved, with all that is extended.\n", profile.names.join(", ").escape_debug());
    for choice in &profile.choices {
        let paths: Vec<&str> = sources(&choice.paths).collect();
        let uses = choice.uses.join(", ");
        let os = Some(format!("is of {}", choice.os.join(" or "))).filter(|_| !choice.os.is_empty());
        let has = Some(format!("has {}", paths.join(" or "))).filter(|_| !paths.is_empty());
        let when: Vec<String> = os.into_iter().chain(has).collect();
        out.push_str(&format!("# {} where an image {}\n", uses.escape_debug(), when.join(", or ").escape_debug()));
    }
    line(&mut out, "description", &text(&profile.description));
    let enabled: Vec<&str> =
        profile.rules.iter().filter(|r| r.enabled && r.risk == super::Risk::OptIn).map(|r| r.id.as_str()).collect();
    if !enabled.is_empty() {
        line(&mut out, "enable", &array(enabled));
    }
    out.push_str("\n[sets]\n");
    for (name, patterns) in &profile.sets {
        line(&mut out, name, &array(patterns.iter().map(String::as_str)));
    }
    for r in &profile.rules {
        rule(&mut out, r);
    }
    out.push_str("\n[protect]\npaths = [\n");
    for p in &profile.protects {
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

fn rule(out: &mut String, rule: &Rule) {
    out.push_str(&format!("\n# from {}\n[[rule]]\n", rule.profile.escape_debug()));
    line(out, "id", &quote(&rule.id));
    line(out, "about", &text(&rule.about));
    if !rule.costs.is_empty() {
        line(out, "costs", &text(&rule.costs));
    }
    line(out, "action", &quote(rule.action.name()));
    line(out, "risk", &quote(rule.risk.name()));
    let mut patterns = String::new();
    line(&mut patterns, "paths", &array(sources(&rule.paths)));
    globs(&mut patterns, "except", &rule.except);
    out.push_str(&rule.action.show(&patterns));
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
        for name in builtins().map(|p| p.name) {
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
