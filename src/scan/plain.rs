//! The files that are plain texts which may name a path: scripts of any language, configuration, and files that are run or
//! sourced. They are known by path, first line and mode; documentation and package managers' lists are left out.

use crate::path;
use crate::refs::script::Shebang;
use crate::refs::syntax::Syntax;
use crate::tar::Member;

/// The size in bytes of the largest text that is searched: larger ones are data.
const MAX: u64 = 1 << 20;

/// The size in bytes of the largest text of a package that is searched: larger ones are data, too.
const MAX_PACKAGED: u64 = 64 << 10;

/// Extensions, and the syntax of such files.
const EXTENSIONS: [(&str, Syntax); 10] = [
    ("sh bash zsh ksh fish csh tcsh profile env mk make cmake", Syntax::Shell),
    ("pl pm al t rb rake gemspec tcl awk r jl cr nim ex exs ps1", Syntax::Shell),
    ("conf cnf yaml yml toml rules cron crontab list pref sources", Syntax::Shell),
    ("ini cfg", Syntax::Ini),
    ("properties service socket timer target mount path slice desktop", Syntax::Lines),
    (
        "hcl tf tfvars php phtml inc java cs csx groovy gradle kt kts scala swift go jsonc json5 scss sass less",
        Syntax::Slashes,
    ),
    ("xml xsl xslt xsd plist svg csproj props targets config", Syntax::Markup),
    ("lua sql hs", Syntax::Dashes),
    ("el lisp lsp cl scm ss clj elc", Syntax::Semicolon),
    ("json webmanifest ipynb bat cmd vim vimrc m mac wl tex sty cls desc tmpl tpl j2 erb template in", Syntax::Data),
];

/// Names of files without an extension that a build or a platform runs, or a shell reads.
const NAMES: &str = "Makefile makefile GNUmakefile Dockerfile Containerfile Procfile Rakefile Gemfile Vagrantfile Jenkinsfile justfile \
    Justfile Snakefile crontab activate Renviron Rprofile profile environment";

/// Directories whose files are read when something starts, whatever their names.
const DIRS: &str = "etc conf conf.d cron.d init.d rc.d profile.d env.d sites-enabled sites-available completions";

/// Directories that only hold documentation.
const DOCUMENTS: [&str; 6] = [
    "usr/share/doc/",
    "usr/share/man/",
    "usr/share/info/",
    "usr/share/locale/",
    "usr/share/licenses/",
    "usr/share/gtk-doc/",
];

/// Directories in which package managers keep their databases.
const NEVER: [&str; 3] = ["var/lib/dpkg/", "var/lib/apt/", "var/cache/"];

/// The size in bytes of the largest text of unknown kind in an application's own directories: larger ones are data.
const MAX_OWN: u64 = 64 << 10;

/// Returns the syntax of a file that may name a path; `None` for any other file.
pub(super) fn syntax(member: &Member, shebang: Option<&Shebang>, head: &[u8]) -> Option<Syntax> {
    let file = &*member.path;
    let most = if path::in_packages(file) { MAX_PACKAGED } else { MAX };
    if member.stored > most || memchr::memchr(0, head).is_some() {
        return None;
    }
    if NEVER.iter().any(|dir| file.starts_with(dir.as_bytes())) {
        return None;
    }
    if let Some(shebang) = shebang {
        return Some(of_interpreter(shebang));
    }
    let name = path::split(file).1;
    let stem = name.strip_prefix(b".").unwrap_or(name);
    // A sample file has the extension of its kind before its last one: `php.ini-production`.
    let extension = memchr::memrchr(b'.', stem).map(|at| stem[at + 1..].to_ascii_lowercase());
    let known = extension.as_deref().and_then(of_extension);
    // Of documentation only files that are run or loaded may need other parts of it.
    if DOCUMENTS.iter().any(|dir| file.starts_with(dir.as_bytes())) {
        let loaded = |extension: &[u8]| matches!(extension, b"sh" | b"bash" | b"sql" | b"conf");
        return known.filter(|_| extension.as_deref().is_some_and(loaded));
    }
    let starts = || path::components(path::split(file).0).any(|dir| has(DIRS, dir));
    let at_home = || file.starts_with(b"root/.") || (file.starts_with(b"home/") && name.starts_with(b"."));
    let runs = || extension.is_none() && member.meta.attrs.mode & 0o111 != 0;
    let hidden = || name.starts_with(b".") && !path::in_packages(file);
    let own = || member.stored <= MAX_OWN && path::is_own(file);
    let other = || (has(NAMES, name) || starts() || at_home() || runs() || hidden() || own()).then_some(Syntax::Shell);
    known.or_else(other)
}

fn of_extension(extension: &[u8]) -> Option<Syntax> {
    EXTENSIONS.iter().find(|(all, _)| has(all, extension)).map(|(_, syntax)| *syntax)
}

fn of_interpreter(shebang: &Shebang) -> Syntax {
    let program = shebang.env_program().unwrap_or_else(|| shebang.interpreter.clone());
    let name = path::split(&program).1;
    let of = |names: &[&str]| names.iter().any(|n| name.starts_with(n.as_bytes()));
    if of(&["php"]) {
        Syntax::Slashes
    } else if of(&["lua", "texlua"]) {
        Syntax::Dashes
    } else if of(&["sbcl", "clisp", "guile", "emacs", "gcl"]) {
        Syntax::Semicolon
    } else {
        Syntax::Shell
    }
}

fn has(words: &str, word: &[u8]) -> bool {
    words.split_ascii_whitespace().any(|known| known.as_bytes() == word)
}
