//! Texts made from the definition of the command line: completions and the man page.

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
/// Returns an error if writing to `out` fails.
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
    for sub in definition().get_subcommands() {
        let own = own_options(&definition(), sub);
        let own: Vec<_> = own.iter().map(|(option, help)| (option.as_str(), help.as_str())).collect();
        if !own.is_empty() {
            list(&format!("OPTIONS OF {}", sub.get_name().to_uppercase()), &own).to_writer(out)?;
        }
    }
    let profiles: Vec<_> = crate::profile::builtins().map(|p| (p.name, p.description)).collect();
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

/// The options of a subcommand that the main job does not have, or that mean something else there.
fn own_options(command: &clap::Command, sub: &clap::Command) -> Vec<(String, String)> {
    let known = |arg: &clap::Arg| {
        command.get_arguments().any(|a| a.get_id() == arg.get_id() && told(a).is_some_and(|a| told(arg) == Some(a)))
    };
    sub.get_arguments().filter(|arg| !known(arg)).filter_map(told).collect()
}

/// An option as it is typed, and what it does; none for what is no option.
fn told(arg: &clap::Arg) -> Option<(String, String)> {
    let long = arg.get_long()?;
    let short = arg.get_short().map_or_else(String::new, |c| format!("-{c}, "));
    let takes = arg.get_action().takes_values();
    let value = arg.get_value_names().filter(|_| takes).map_or_else(String::new, |names| {
        let names = names.join(" ");
        if arg.get_num_args().is_some_and(|n| n.min_values() == 0) {
            format!(" [{names}]")
        } else {
            format!(" {names}")
        }
    });
    Some((format!("{short}--{long}{value}"), arg.get_help().map(ToString::to_string).unwrap_or_default()))
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
            "\"OPTIONS OF ANALYZE\"",
            "\"OPTIONS OF COMPARE\"",
            "\"OPTIONS OF DIFF\"",
            "\"OPTIONS OF PLAN\"",
            "\"OPTIONS OF VERIFY\"",
            "\"EXIT STATUS\"",
            "EXAMPLES",
        ] {
            let heading = format!(".SH {section}");
            assert_eq!(page.lines().filter(|l| *l == heading).count(), 1, "{section}: {page}");
        }
        let known = crate::profile::builtins().all(|p| page.contains(&p.name.replace('-', "\\-")));
        assert!(page.contains("slim profiles check FILE") && page.contains("\nslim IN [\\-p PROFILE"), "{page}");
        assert!(page.contains("\\-\\-why PATH"), "{page}");
        assert!(known && page.contains("\\-\\-min\\-saving"), "{page}");
    }

    /// Returns the page of the book that is generated: all commands with all their options.
    fn reference() -> String {
        let mut out = String::from(
            "# All options\n\nThis page is made from the definition of the command line; a test fails where it is not up to date. \
             `slim --help` and `slim COMMAND --help` say the same.\n",
        );
        let cell = |text: &str| text.replace('|', "\\|");
        let mut section = |title: &str, command: &clap::Command| {
            out.push_str(&format!(
                "\n## `{title}`\n\n{}\n",
                command.get_about().map(ToString::to_string).unwrap_or_default()
            ));
            let positional = command.get_positionals().filter_map(|arg| {
                Some((arg.get_value_names()?.join(" "), arg.get_help().map(ToString::to_string).unwrap_or_default()))
            });
            let options = command.get_arguments().filter_map(told);
            let rows: Vec<_> = positional.chain(options).collect();
            if !rows.is_empty() {
                out.push_str("\n| option | meaning |\n|---|---|\n");
            }
            for (option, help) in rows {
                out.push_str(&format!("| `{}` | {} |\n", cell(&option), cell(&help)));
            }
        };
        let all = definition();
        section("slim", &all);
        for sub in all.get_subcommands() {
            section(&format!("slim {}", sub.get_name()), sub);
            for below in sub.get_subcommands() {
                section(&format!("slim {} {}", sub.get_name(), below.get_name()), below);
            }
        }
        out
    }

    #[test]
    fn the_reference_of_the_book_is_up_to_date() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src/reference/options.md");
        if std::env::var_os("SLIM_UPDATE_DOCS").is_some() {
            std::fs::write(&path, reference()).unwrap();
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(there == reference(), "{} is stale: SLIM_UPDATE_DOCS=1 cargo test the_reference", path.display());
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
