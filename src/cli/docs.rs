//! What is printed from the definition of the command line: completions and the man page.

use std::io::{self, Write};

use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::args::{ENVIRONMENT, EXAMPLES, EXIT_CODES, USAGE, command, definition};

/// The completions for `shell`.
#[must_use]
pub fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut command(), "slim", &mut out);
    out
}

/// The man page, as roff. It has no date, so that it is the same on every day.
///
/// # Errors
/// What `out` fails with.
pub fn man(out: &mut dyn Write) -> io::Result<()> {
    let page = Man::new(definition().after_help("").after_long_help("")).manual("User Commands");
    page.render_title(out)?;
    page.render_name_section(out)?;
    synopsis().to_writer(out)?;
    page.render_description_section(out)?;
    page.render_options_section(out)?;
    let commands = commands(&definition(), "slim");
    let commands: Vec<_> = commands.iter().map(|(line, about)| (line.as_str(), about.as_str())).collect();
    list("COMMANDS", &commands).to_writer(out)?;
    let plan = own_options(&definition(), "plan");
    let plan: Vec<_> = plan.iter().map(|(option, help)| (option.as_str(), help.as_str())).collect();
    list("OPTIONS OF PLAN", &plan).to_writer(out)?;
    let verify = own_options(&definition(), "verify");
    let verify: Vec<_> = verify.iter().map(|(option, help)| (option.as_str(), help.as_str())).collect();
    list("OPTIONS OF VERIFY", &verify).to_writer(out)?;
    let profiles: Vec<_> = crate::profile::builtins().collect();
    list("PROFILES", &profiles).to_writer(out)?;
    list("EXIT STATUS", &EXIT_CODES).to_writer(out)?;
    list("EXAMPLES", &EXAMPLES).to_writer(out)?;
    list("ENVIRONMENT", &ENVIRONMENT).to_writer(out)?;
    page.render_version_section(out)
}

/// The lines of usage; clap_mangen's own would name every option.
fn synopsis() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    for (i, line) in USAGE.lines().enumerate() {
        if i > 0 {
            roff.control("br", []);
        }
        roff.text([roman(line.trim())]);
    }
    roff
}

/// The options of a command that the main job does not have.
fn own_options(command: &clap::Command, name: &str) -> Vec<(String, String)> {
    let Some(sub) = command.find_subcommand(name) else { return Vec::new() };
    let known = |id: &clap::Id| command.get_arguments().any(|a| a.get_id() == id);
    let own = sub.get_arguments().filter(|a| !known(a.get_id()));
    let named = own.filter_map(|arg| {
        let takes = arg.get_action().takes_values();
        let value = arg.get_value_names().filter(|_| takes).map_or_else(String::new, |v| format!(" {}", v.join(" ")));
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let long = arg.get_long()?;
        let short = arg.get_short().map_or_else(String::new, |c| format!("-{c}, "));
        Some((format!("{short}--{long}{value}"), help))
    });
    named.collect()
}

/// All commands below `command` with their arguments, and what they do.
fn commands(command: &clap::Command, name: &str) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for sub in command.get_subcommands() {
        let mut line = format!("{name} {}", sub.get_name());
        lines.extend(commands(sub, &line));
        for arg in sub.get_positionals() {
            let names = arg.get_value_names().unwrap_or_default();
            line.push_str(&format!(" {}", names.join(" ")));
        }
        lines.push((line, sub.get_about().map(ToString::to_string).unwrap_or_default()));
    }
    lines.sort();
    lines
}

/// A section of terms and what they mean.
fn list(title: &str, entries: &[(&str, &str)]) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    for (term, meaning) in entries {
        roff.control("TP", []);
        roff.text([bold(*term)]);
        roff.text([roman(*meaning)]);
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_man_page_has_every_section_once() {
        let mut out = Vec::new();
        man(&mut out).unwrap();
        let page = String::from_utf8(out).unwrap();
        for section in [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "OPTIONS",
            "COMMANDS",
            "PROFILES",
            "\"OPTIONS OF PLAN\"",
            "\"EXIT STATUS\"",
            "EXAMPLES",
        ] {
            let heading = format!(".SH {section}");
            assert_eq!(page.lines().filter(|l| *l == heading).count(), 1, "{section}: {page}");
        }
        let known = crate::profile::builtins().all(|(name, _)| page.contains(&name.replace('-', "\\-")));
        assert!(page.contains("slim profiles check FILE") && page.contains("\nslim IN \\-p PROFILE"), "{page}");
        assert!(page.contains("\\-\\-why PATH"), "{page}");
        assert!(known && page.contains("\\-\\-min\\-saving"), "{page}");
    }

    #[test]
    fn every_shell_completes_the_options() {
        use clap_complete::Shell;
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = String::from_utf8(completions(shell)).unwrap();
            assert!(script.contains("min-saving") && script.contains("profiles"), "{shell}");
        }
    }
}
