//! Files that programs need to start and that are not there: interpreters of scripts, loaders, shared libraries.

use super::finding::Severity;
use super::look::{Look, base, more};
use crate::plan::{guard, programs};
use crate::report::escape;
use crate::tree::{NodeId, Resolved, Tree, Type};
use bstr::{BStr, BString, ByteSlice};
use std::collections::{BTreeMap, HashSet};

const INTERPRETER: &str = "missing-interpreter";
const PROGRAM: &str = "missing-program";
const LIBRARY: &str = "missing-library";
/// Directories in which distributions have libraries of other widths.
const MORE_DIRS: [&str; 6] = ["lib32", "usr/lib32", "libx32", "usr/libx32", "usr/local/lib64", "usr/local/lib32"];

/// The programs on PATH, and those that the config starts.
struct Places {
    path: Vec<Resolved>,
    on_path: HashSet<NodeId>,
    started: HashSet<NodeId>,
}

impl Places {
    fn new(look: &Look<'_>) -> Self {
        let (tree, facts) = (look.tree, look.request.plan.facts);
        let path = programs::path_dirs(tree, facts);
        let on_path = path.iter().filter_map(|dir| dir.target).collect();
        let started = programs::config_programs(tree, facts, &path).iter().filter_map(|found| found.target).collect();
        Self { path, on_path, started }
    }

    fn case(&self, tree: &Tree, id: NodeId) -> &'static str {
        let names = tree.names(tree.node(id).inode);
        if names.iter().any(|name| self.started.contains(name)) {
            "started"
        } else if names.iter().any(|&name| self.on_path.contains(&tree.node(name).parent)) {
            "path"
        } else {
            "rest"
        }
    }
}

/// Files that lack the same thing: by kind, missing name and severity, the first of them, the words for it, and their number.
type Missing = BTreeMap<(&'static str, Severity, String), (NodeId, &'static str, u64)>;

pub(super) fn look(look: &mut Look<'_>) {
    let tree = look.tree;
    let places = Places::new(look);
    config(look, &places);
    let libraries = Libraries::new(look);
    let mut missing = Missing::new();
    let mut add = |kind, severity: Option<Severity>, what: &[u8], id, how| {
        if let Some(severity) = severity {
            missing.entry((kind, severity, escape(what))).or_insert((id, how, 0)).2 += 1;
        }
    };
    for id in tree.ids().filter(|&id| tree.inode_of(id).kind == Type::File && tree.inode_of(id).name == id) {
        let Some(facts) = look.facts(id) else { continue };
        let executable = look.member(id).is_some_and(|m| m.meta.attrs.mode & 0o111 != 0);
        if executable && let Some((what, how)) = interpreter(tree, &places, facts) {
            let case = places.case(tree, id);
            add(INTERPRETER, look.rules().severity(INTERPRETER, case, &tree.path(id)), &what, id, how);
        }
        if let Some(needed) = &facts.needed {
            let own = guard::own_library_dirs(tree, id, needed);
            for name in &needed.names {
                let Some(elsewhere) = libraries.lacks(id, name, &own) else { continue };
                let (case, how) = if elsewhere { ("elsewhere", "beside") } else { (places.case(tree, id), "") };
                add(LIBRARY, look.rules().severity(LIBRARY, case, &tree.path(id)), name, id, how);
            }
        }
    }
    for ((kind, severity, what), (id, how, count)) in missing {
        let message = match (kind, how) {
            (INTERPRETER, how) => format!("{how} {what}, which is not in the image{}", more(count)),
            (_, "") => format!("needs {what}, which is not in the image{}", more(count)),
            _ => format!("needs {what}, which the image has, but not where the loader looks{}", more(count)),
        };
        look.report(kind, severity, id, &what, message).count = count;
    }
}

/// Reports the program that the config starts a container or a health check with, if it is not there. Of a line for a shell
/// only the shell is looked up.
fn config(look: &mut Look<'_>, places: &Places) {
    let (tree, facts) = (look.tree, look.request.plan.facts);
    let workdir = tree.resolve(NodeId::ROOT, facts.workdir.as_bytes()).target.unwrap_or(NodeId::ROOT);
    let started = facts.entrypoint.first().map(|word| ("the entrypoint", "started", word));
    let started = started.or_else(|| facts.cmd.first().map(|word| ("the command", "started", word)));
    let health = facts.healthcheck.first().map(|word| ("the health check", "health", word));
    let health = health.filter(|(.., word)| !word.contains(char::is_whitespace));
    for (what, case, word) in started.into_iter().chain(health) {
        let there = if word.contains('/') {
            tree.resolve(workdir, word.as_bytes()).target.is_some()
        } else {
            !programs::on_path(tree, word.as_bytes(), &places.path).is_empty()
        };
        if let Some(severity) = look.rules().severity(PROGRAM, case, b"").filter(|_| !there && !word.is_empty()) {
            let message = format!("{what} is {}, which is not in the image", escape(word.as_bytes()));
            look.add(PROGRAM, severity, BString::default(), None, word, message);
        }
    }
}

/// Returns a file's missing interpreter, and the words for how it is asked for.
fn interpreter(tree: &Tree, places: &Places, facts: &crate::layer::Facts) -> Option<(Vec<u8>, &'static str)> {
    let lacks = |path: &[u8]| tree.resolve(NodeId::ROOT, path).target.is_none();
    if let Some(loader) = facts.loader.as_ref().filter(|loader| lacks(loader)) {
        return Some((loader.to_vec(), "is loaded by"));
    }
    let script = facts.script.as_ref()?;
    // A path without a leading slash is a template: installers fill it in.
    if !script.interpreter.starts_with(b"/") {
        return None;
    }
    if lacks(&script.interpreter) {
        return Some((script.interpreter.to_vec(), "is run by"));
    }
    let program = script.env_program()?;
    let missing = if program.contains(&b'/') {
        lacks(&program)
    } else {
        programs::on_path(tree, &program, &places.path).is_empty()
    };
    missing.then(|| (program.to_vec(), "is run by env with"))
}

/// The places of libraries.
struct Libraries<'a> {
    tree: &'a Tree,
    dirs: Vec<NodeId>,
    /// The names of all files that may be libraries.
    names: HashSet<&'a BStr>,
}

impl<'a> Libraries<'a> {
    fn new(look: &Look<'a>) -> Self {
        let tree = look.tree;
        let mut dirs = guard::library_dirs(&look.request.plan);
        let more = MORE_DIRS.iter().filter_map(|dir| tree.resolve(NodeId::ROOT, dir.as_bytes()).target);
        dirs.extend(more);
        let is_library = |id: &NodeId| tree.name(*id).contains_str(".so") && !tree.is_dir(*id);
        Self { tree, dirs, names: tree.ids().filter(is_library).map(|id| tree.name(id)).collect() }
    }

    /// If the loader finds no such library, returns true if the image has it elsewhere; `None` if the loader finds it.
    fn lacks(&self, file: NodeId, name: &[u8], own: &[NodeId]) -> Option<bool> {
        if name.contains(&b'/') {
            let found = self.tree.resolve(self.tree.node(file).parent, name).target.is_some();
            return (!found).then(|| self.names.contains(BStr::new(base(name))));
        }
        let found = own.iter().chain(&self.dirs).any(|&dir| self.tree.resolve(dir, name).target.is_some());
        (!found).then(|| self.names.contains(BStr::new(name)))
    }
}
