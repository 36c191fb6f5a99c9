//! Python imports that no file in the image provides. One that an application cannot do without is an error. One that may fail,
//! because a `try` catches it or only a function asks for it, is counted as a note. Imports of one module by one package are
//! one finding.

use super::finding::Severity;
use super::look::{Look, more};
use super::modules::{Modules, is_source, top};
use crate::plan::programs;
use crate::refs::{Reference, Target, When};
use crate::report::escape;
use crate::tree::{NodeId, Type};
use std::collections::{BTreeMap, HashSet};

const IMPORT: &str = "missing-import";

/// The findings so far, by severity, module and the importing package.
type Groups = BTreeMap<(Severity, String, NodeId), Group>;

/// The imports of one module by one package.
struct Group {
    file: NodeId,
    line: u32,
    case: &'static str,
    start: Option<NodeId>,
    count: u64,
}

/// The facts about a file that imports.
struct File {
    id: NodeId,
    path: Vec<u8>,
    application: bool,
}

pub(super) fn look(look: &mut Look<'_>) {
    let Some(modules) = Modules::new(look) else { return };
    let files = files(look, &modules);
    let applications: Vec<NodeId> = files.iter().filter(|file| file.application).map(|file| file.id).collect();
    let by_application = Reach::new(look, &modules, &applications);
    let by_program = Reach::new(look, &modules, &programs(look, &files));
    let elsewhere = modules.elsewhere();
    let mut groups = Groups::new();
    for file in &files {
        let references = look.facts(file.id).map_or(&[][..], |facts| &facts.references);
        let mut beside = None;
        for reference in references {
            let Some(module) = missing(&modules, file, reference) else { continue };
            let named = || modules.beside(file.id, named(references));
            let provides = |&dir: &NodeId| !module.contains('.') && modules.module(dir, &module).is_some();
            if beside.get_or_insert_with(named).iter().any(provides) {
                continue;
            }
            let (case, start) = if reference.when == When::Lazy && file.application {
                ("later", None)
            } else if reference.when != When::Always {
                ("optional", None)
            } else if elsewhere.contains(top(&module).as_bytes()) && !module.contains('.') {
                ("elsewhere", None)
            } else if file.application {
                ("application", None)
            } else if let Some(start) = by_application.start(file.id) {
                ("reached", Some(start))
            } else if let Some(start) = by_program.start(file.id) {
                ("program", Some(start))
            } else {
                ("rest", None)
            };
            let Some(severity) = look.rules().severity(IMPORT, case, &file.path) else { continue };
            let group = if file.application { NodeId::ROOT } else { modules.package(file.id) };
            let new = || Group { file: file.id, line: reference.line, case, start, count: 0 };
            groups.entry((severity, module, group)).or_insert_with(new).count += 1;
        }
    }
    for ((severity, module, _), group) in groups {
        tell(look, severity, &module, &group);
    }
}

fn tell(look: &mut Look<'_>, severity: Severity, module: &str, group: &Group) {
    let start = group.start.filter(|&start| start != group.file).map(|start| look.tree.path(start));
    let by = start.map(|start| format!("; /{} loads it", escape(&start))).unwrap_or_default();
    let how = match group.case {
        "optional" => " in a function, under a condition or where the failure is caught",
        _ => "",
    };
    let what = match group.case {
        "elsewhere" => "which the image has, but not where Python looks",
        _ => "which no file in the image provides",
    };
    let message = format!("imports {module}{how}, {what}{}{by}", more(group.count));
    let finding = look.report(IMPORT, severity, group.file, module, message);
    finding.line = Some(group.line);
    finding.count = group.count;
}

/// Returns all Python files that import anything.
fn files(look: &Look<'_>, modules: &Modules<'_>) -> Vec<File> {
    let tree = look.tree;
    let mut out = Vec::new();
    for id in tree.ids().filter(|&id| tree.inode_of(id).kind == Type::File && tree.inode_of(id).name == id) {
        let Some(facts) = look.facts(id) else { continue };
        if tree.name(id).ends_with(b".pyi") || !facts.references.iter().any(is_import) {
            continue;
        }
        let path = tree.path(id).to_vec();
        let application = modules.is_application(id, &path)
            && look.rules().softened(IMPORT, Severity::Error, &path) == Some(Severity::Error);
        out.push(File { id, path, application });
    }
    out
}

fn is_import(reference: &Reference) -> bool {
    matches!(reference.target, Target::Import { .. }) && !matches!(reference.when, When::Mention | When::Typing)
}

/// Returns the programs on PATH that are Python: scripts whose name is not a module's.
fn programs(look: &Look<'_>, files: &[File]) -> Vec<NodeId> {
    let tree = look.tree;
    let dirs = programs::path_dirs(tree, look.request.plan.facts);
    let dirs: HashSet<NodeId> = dirs.iter().filter_map(|dir| dir.target).collect();
    let on_path = |file: &&File| dirs.contains(&tree.node(file.id).parent) && !is_source(&file.path);
    files.iter().filter(on_path).map(|file| file.id).collect()
}

/// Returns the module that an import asks for and that is not there.
fn missing<'a>(modules: &Modules<'a>, file: &File, reference: &'a Reference) -> Option<String> {
    let Target::Import { level, module, .. } = &reference.target else { return None };
    if !is_import(reference) {
        return None;
    }
    if *level > 0 {
        // Missing modules of a package are often made when it is loaded.
        let (id, from) = (file.id, *level as usize - 1);
        let dir = modules.above(id, from).filter(|_| file.application)?;
        return modules.walk(dir, module).err().map(|lacks| format!("{}{lacks}", ".".repeat(*level as usize)));
    }
    let first = top(module);
    if first.is_empty() {
        return None;
    }
    if modules.provides(file.id, first) {
        let home = modules.home(file.id, first).filter(|_| file.application)?;
        let own = !modules.is_root(home) && modules.root(home).is_none();
        return if own { modules.walk(home, module).err() } else { None };
    }
    Some(first.to_owned())
}

/// Returns the paths that a file names.
fn named(references: &[Reference]) -> impl Iterator<Item = &str> {
    references.iter().filter_map(|reference| match &reference.target {
        Target::Text(text) | Target::Join(text) => Some(&**text),
        _ => None,
    })
}

/// The Python files that are loaded with others: a missing import in a module matters only if a program loads that module.
struct Reach {
    /// By node: the file from which it is reached.
    from: Vec<Option<NodeId>>,
}

impl Reach {
    /// Follows the imports at the top of these files, and those of the files that they load.
    fn new<'a>(look: &Look<'a>, modules: &Modules<'a>, starts: &[NodeId]) -> Self {
        let mut from: Vec<Option<NodeId>> = vec![None; look.tree.len()];
        let mut todo: Vec<(NodeId, NodeId)> = starts.iter().rev().map(|&start| (start, start)).collect();
        let mut loaded = Vec::new();
        while let Some((file, start)) = todo.pop() {
            if from[file.index()].is_some() {
                continue;
            }
            from[file.index()] = Some(start);
            let references = look.facts(file).into_iter().flat_map(|facts| facts.references.iter());
            // Functions of the starting file are assumed to be called; packages have many that nobody calls.
            let counts = |when: When| when == When::Always || (file == start && when == When::Lazy);
            for reference in references.filter(|reference| counts(reference.when)) {
                if let Target::Import { level, module, names } = &reference.target {
                    modules.loads(file, *level, module, names, &mut loaded);
                    todo.extend(loaded.drain(..).filter(|id| from[id.index()].is_none()).map(|id| (id, start)));
                }
            }
        }
        Self { from }
    }

    /// Returns the file from which this one is reached.
    fn start(&self, file: NodeId) -> Option<NodeId> {
        self.from[file.index()]
    }
}
