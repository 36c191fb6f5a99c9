//! One image through every mode, in several archive layouts, against the oracle.

use crate::builder::{Archive, Comp, Form, Image, layer};
use crate::oracle::{self, Checks, Tree, diff, dump, well_formed};
use crate::run::Dir;
use serde_json::Value;
use std::fmt::Write as _;
use std::rc::Rc;

/// How slim is asked to write the layers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mode {
    pub squash: bool,
    pub base: usize,
    /// With the rule `shadowed`; without it the profile is `none`.
    pub shadowed: bool,
}

/// What a case expects of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Expect {
    Tree,
    Error(Vec<String>),
    /// An error, or the oracle's tree if it has one: the text leaves it open.
    Either,
}

/// A test under construction; [`Case::run`] consumes it.
#[must_use = "nothing happens before run()"]
pub struct Case {
    name: String,
    image: Image,
    modes: Vec<Mode>,
    drops: Vec<String>,
    dropped: Vec<Vec<u8>>,
    wants: Vec<(Vec<u8>, String)>,
    gone: Vec<Vec<u8>>,
    linked: Vec<Vec<Vec<u8>>>,
    unlinked: Vec<(Vec<u8>, Vec<u8>)>,
    expect: Expect,
    forms: Vec<(Form, Comp)>,
    questions: bool,
}

/// The layouts, each in all modes.
const MATRIX: &[(Form, Comp)] =
    &[(Form::Docker, Comp::None), (Form::OciTar, Comp::Gzip), (Form::OciTar, Comp::Zstd), (Form::Hybrid, Comp::None)];

impl Case {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            image: Image::new(Vec::new()),
            modes: Vec::new(),
            drops: Vec::new(),
            dropped: Vec::new(),
            wants: Vec::new(),
            gone: Vec::new(),
            linked: Vec::new(),
            unlinked: Vec::new(),
            expect: Expect::Tree,
            forms: MATRIX.to_vec(),
            questions: false,
        }
    }

    /// Adds a layer, written as text.
    pub fn layer(self, text: &str) -> Self {
        self.tar(layer(text))
    }

    /// Adds a layer, as bytes.
    pub fn tar(mut self, bytes: Vec<u8>) -> Self {
        self.image.layers.push(bytes);
        self
    }

    pub fn config(mut self, config: Value) -> Self {
        self.image.config = config;
        self
    }

    pub fn history(mut self, history: Vec<Value>) -> Self {
        self.image.history = Some(history);
        self
    }

    pub fn forms(mut self, forms: &[(Form, Comp)]) -> Self {
        self.forms = forms.to_vec();
        self
    }

    /// Only these modes instead of all.
    pub fn keep(self) -> Self {
        self.mode(Mode { squash: false, base: 0, shadowed: true })
    }

    pub fn squash(self) -> Self {
        self.mode(Mode { squash: true, base: 0, shadowed: true })
    }

    pub fn base(self, n: usize) -> Self {
        self.mode(Mode { squash: false, base: n, shadowed: true }).mode(Mode { squash: true, base: n, shadowed: true })
    }

    fn mode(mut self, mode: Mode) -> Self {
        self.modes.push(mode);
        self
    }

    /// Passes `--drop` with this glob.
    pub fn drop(mut self, glob: &str) -> Self {
        self.drops.push(format!("--drop={glob}"));
        self
    }

    /// These paths, and what is below them, are not in the result though they are in the input.
    pub fn dropped(mut self, paths: &[&str]) -> Self {
        self.dropped.extend(paths.iter().map(|p| p.as_bytes().to_vec()));
        self
    }

    /// The line of the tree for this path has this text; a check of the oracle itself.
    pub fn want(self, path: &str, text: &str) -> Self {
        self.want_bytes(path.as_bytes(), text)
    }

    pub fn want_bytes(mut self, path: &[u8], text: &str) -> Self {
        self.wants.push((path.to_vec(), text.into()));
        self
    }

    /// No such path in the result.
    pub fn gone(mut self, path: &str) -> Self {
        self.gone.push(path.as_bytes().to_vec());
        self
    }

    /// These names are one inode.
    pub fn linked(mut self, paths: &[&str]) -> Self {
        self.linked.push(paths.iter().map(|p| p.as_bytes().to_vec()).collect());
        self
    }

    pub fn unlinked(mut self, a: &str, b: &str) -> Self {
        self.unlinked.push((a.as_bytes().to_vec(), b.as_bytes().to_vec()));
        self
    }

    /// slim refuses this, naming these.
    pub fn fails(mut self, words: &[&str]) -> Self {
        self.expect = Expect::Error(words.iter().map(|w| (*w).to_owned()).collect());
        self
    }

    /// An error that names things, or the right tree.
    pub fn fails_or_right(mut self) -> Self {
        self.expect = Expect::Either;
        self.questions = true;
        self
    }

    /// The oracle's answer counts even where the list of traps could be read otherwise.
    pub fn decided(mut self) -> Self {
        self.questions = true;
        self
    }

    fn all_modes(&self) -> Vec<Mode> {
        let mut modes = Vec::new();
        for shadowed in [true, false] {
            for squash in [false, true] {
                modes.push(Mode { squash, base: 0, shadowed });
            }
        }
        // What a base holds cannot be dropped from it, so a case with drops names the bases that it means.
        let bases = if self.drops.is_empty() { self.image.layers.len() } else { 0 };
        for base in 1..bases {
            modes.push(Mode { squash: false, base, shadowed: true });
            modes.push(Mode { squash: true, base, shadowed: true });
        }
        modes
    }

    /// Builds the image in each layout, runs slim in each mode and compares. All failures are reported together.
    #[track_caller]
    pub fn run(self) {
        let want = self.wanted();
        let modes = if self.modes.is_empty() { self.all_modes() } else { self.modes.clone() };
        let mut failures = String::new();
        for &(form, comp) in &self.forms {
            let archive = Archive::new(self.image.clone().comp(comp), form);
            for &mode in &modes {
                if let Err(e) = self.one(&archive, mode, want.as_ref()) {
                    let _ = writeln!(failures, "{} [{form:?} {comp:?} {mode:?}]\n{e}", self.name);
                }
            }
        }
        assert!(failures.is_empty(), "\n{failures}");
    }

    /// The tree that is right, with the case's own expectations checked on it.
    #[track_caller]
    fn wanted(&self) -> Option<Tree> {
        let tree = oracle::replay(&self.image.layers);
        let mut tree = match (tree, &self.expect) {
            (Ok(tree), _) => tree,
            (Err(_), Expect::Error(_) | Expect::Either) => return None,
            (Err(e), Expect::Tree) => panic!("{}: the oracle refuses it: {e}", self.name),
        };
        assert!(self.questions || tree.questions.is_empty(), "{}: {:?}", self.name, tree.questions);
        for d in &self.dropped {
            let prefix = [d.as_slice(), b"/"].concat();
            let before = tree.names.len();
            tree.names.retain(|name, _| name != d && !name.starts_with(&prefix));
            assert!(tree.names.len() < before, "{}: {} was never there", self.name, d.escape_ascii());
        }
        let lines = dump(&tree);
        for (path, text) in &self.wants {
            let line =
                lines.get(path).unwrap_or_else(|| panic!("{}: no {} in {lines:#?}", self.name, path.escape_ascii()));
            assert!(line.contains(text), "{}: the oracle has {line}, not {text}", self.name);
        }
        for path in &self.gone {
            assert!(!lines.contains_key(path), "{}: the oracle has {}", self.name, lines[path]);
        }
        let same = |a: &Vec<u8>, b: &Vec<u8>| Rc::ptr_eq(&tree.names[a], &tree.names[b]);
        for group in &self.linked {
            assert!(group.iter().all(|p| same(p, &group[0])), "{}: the oracle does not link {lines:#?}", self.name);
        }
        for (a, b) in &self.unlinked {
            assert!(!same(a, b), "{}: the oracle links {lines:#?}", self.name);
        }
        Some(tree)
    }

    fn one(&self, archive: &Archive, mode: Mode, want: Option<&Tree>) -> Result<(), String> {
        let dir = Dir::new();
        let input = archive.write(dir.path());
        let before = dir.names();
        let base = mode.base.to_string();
        let out = if archive.form == Form::OciDir { "out" } else { "out.tar" };
        let mut args = vec![input.to_str().unwrap(), "-o", out, "-q", "-p"];
        args.push(if mode.shadowed { "shadowed.toml" } else { "none" });
        if mode.squash {
            args.extend(["--layers", "squash"]);
        }
        if mode.base > 0 {
            args.extend(["--base", &base]);
        }
        for d in &self.drops {
            args.push(d);
        }
        let run = dir.run(&args);
        let written = run.code == Some(0);
        let result = self.judge(&dir, &before, run, mode, want);
        let verified = if written && want.is_some() && !self.questions { self.verified(&dir, &args) } else { None };
        let result = result.and_then(|()| verified.map_or(Ok(()), Err));
        result.map_err(|e| {
            let kept =
                if std::env::var_os("SLIM_KEEP").is_some() { dir.keep().display().to_string() } else { String::new() };
            format!("  slim {}\n{e} {kept}", args[1..].join(" "))
        })
    }

    /// `slim verify` comes to the same result by its own reading.
    fn verified(&self, dir: &Dir, args: &[&str]) -> Option<String> {
        let at = args.iter().position(|a| *a == "-o")?;
        let options: Vec<&str> = args[1..at].iter().chain(&args[at + 2..]).copied().collect();
        let run = dir.run(&[&["verify", args[at + 1], "--against", args[0]], &options[..]].concat());
        (run.code != Some(0)).then(|| format!("  slim verify: {}{}", run.text(), run.stderr))
    }

    fn judge(
        &self,
        dir: &Dir,
        before: &[String],
        run: crate::run::Outcome,
        mode: Mode,
        want: Option<&Tree>,
    ) -> Result<(), String> {
        if run.stderr.contains("panicked") {
            return Err(run.stderr);
        }
        // A layer that passes through as its blob needs no meaning, so a bad one may pass through, too.
        let failed = run.code == Some(2) && run.stderr.contains("error:");
        if failed && self.expect != Expect::Tree {
            if dir.names() != before {
                return Err(format!("  the directory now holds {:?}", dir.names()));
            }
            let Expect::Error(words) = &self.expect else {
                return Ok(());
            };
            let lacks = words.iter().find(|w| !run.stderr.to_lowercase().contains(&w.to_lowercase()));
            return lacks.map_or(Ok(()), |w| Err(format!("  no {w:?} in: {}", run.stderr)));
        }
        if run.code != Some(0) {
            return Err(format!("  exit code {:?}: {}", run.code, run.stderr));
        }
        if let (Expect::Error(_), true) = (&self.expect, mode.shadowed || mode.squash) {
            return Err("  an error was expected".into());
        }
        let Some(want) = want else { return Ok(()) };
        let name = if dir.join("out").exists() { "out" } else { "out.tar" };
        let input = oracle::open(&dir.join(if name == "out" { "in" } else { "in.tar" }));
        let output = oracle::open(&dir.join(name));
        let checks = Checks { squash: mode.squash.then_some(mode.base), base: mode.base };
        let mut bad: String = well_formed(&input, &output, checks).iter().map(|b| format!("  {b}\n")).collect();
        if let Some(image) = output.images.first() {
            match image.tree() {
                Ok(got) => bad.extend(diff(want, &got)),
                Err(e) => bad.push_str(&format!("  the output has no tree: {e}\n")),
            }
            if mode.shadowed || mode.squash {
                bad.extend(leaks(&input.images[0].tars()[mode.base..], &image.tars(), mode.base, want));
            } else if self.drops.is_empty() && image.tars() != input.images[0].tars() {
                bad.push_str("  -p none changed a layer\n");
            }
        }
        if bad.is_empty() { Ok(()) } else { Err(bad) }
    }
}

/// Contents that no path of the tree has, and that are still in a layer beyond the base.
fn leaks(input: &[&[u8]], output: &[&[u8]], base: usize, want: &Tree) -> Option<String> {
    let mut needles: Vec<Vec<u8>> = Vec::new();
    for members in input.iter().filter_map(|t| oracle::tar::read(t).ok()) {
        let whiteout = |name: &[u8]| name.split(|&c| c == b'/').any(|part| part.starts_with(b".wh."));
        let members = members.iter().filter(|m| m.content.len() >= 6 && !m.sparse && !whiteout(&m.name));
        needles.extend(members.map(|m| m.content.to_vec()));
    }
    needles.retain(|n| {
        let kept = want.names.values().any(|node| match &node.what {
            oracle::replay::What::File(content) => memchr::memmem::find(content, n).is_some(),
            _ => false,
        });
        !kept
    });
    let found = needles.iter().find(|n| output[base..].iter().any(|t| memchr::memmem::find(t, n).is_some()))?;
    Some(format!("  hidden bytes are still there: {}\n", found[..found.len().min(40)].escape_ascii()))
}
