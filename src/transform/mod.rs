//! The step between the scan and the plan: contents are read again if a rule asks for more than a scan could know, and new ones
//! are made if a rule of the user's names a program. The results are passed to the plan as data; new contents wait in one
//! temporary file until they are written.

use crate::layer::LayerIndex;
use crate::plan::made::{Made, New, Unchanged};
use crate::plan::rewrite::Rewrites;
use crate::plan::wanted::{Module, Task, Wanted};
use crate::plan::{self, Request};
use crate::profile::{Action, Profile, Rule, RuleId};
use crate::source::{Input, LayerRef};
use crate::tree::MemberId;
use crate::{Digest, Error, ErrorKind, Result, Warning};
use bstr::BString;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;

mod checksums;
pub mod compare;
mod compile;
mod contents;
mod external;
mod group;
mod spool;

pub use checksums::{Checksums, hashes};
pub use contents::ContentReader;
pub use group::kill_all;
pub use spool::Spool;

/// The maker of new contents, for all images of a run.
pub struct Transformer<'a> {
    /// The command that runs the image's own Python.
    pub run_with: Option<&'a [String]>,
    /// Called with a description of each command before it is run.
    pub note: &'a dyn Fn(&str),
    spool: Spool,
    /// The results for files of layers that several images have.
    known: HashMap<Key, Known>,
    /// The same for compiled modules.
    compiled: HashMap<CompiledKey, Known>,
}

/// A file of a layer, the rule, and the size in bytes of the file after stripping.
type Key = (Digest, u32, RuleId, u64);

/// The result for a file: its new content, or the reason why it has none.
type Known = std::result::Result<New, plan::made::NotMadeReason>;

/// A module: its bytecode and its source, each with its layer, the path of the source, the magic number, and the rule.
type CompiledKey = ([(Digest, u32); 2], BString, Option<u16>, RuleId);

impl<'a> Transformer<'a> {
    /// Makes one in which nothing has been made.
    #[must_use]
    pub fn new(run_with: Option<&'a [String]>, note: &'a dyn Fn(&str)) -> Self {
        Self { run_with, note, spool: Spool::default(), known: HashMap::new(), compiled: HashMap::new() }
    }

    /// Returns the file with all new contents.
    ///
    /// # Errors
    /// Returns the errors of [`Spool::file`].
    pub fn spool(&self) -> Result<Option<File>> {
        self.spool.file()
    }

    /// Makes what the rules of one image want. `layers` are those of which the request has the indexes. `before` are the
    /// contents that would be written without the commands of the user's: these get stripped files where a rule strips.
    ///
    /// # Errors
    /// Returns the errors of the input, of temporary files, and of programs that cannot be run or do not do what they should.
    pub fn make(
        &mut self,
        input: &Input,
        layers: &[LayerRef],
        request: &Request<'_>,
        wanted: &Wanted,
        before: &Rewrites,
    ) -> Result<Made> {
        let mut out = Made { new: HashMap::new(), unchanged: wanted.unchanged.clone() };
        if wanted.is_empty() {
            return Ok(out);
        }
        self.external(input, layers, request, &wanted.external, before, &mut out)?;
        self.compile(input, layers, request, &wanted.compile, &mut out)?;
        out.unchanged.sort_by_key(|u| u.node);
        Ok(out)
    }

    fn external(
        &mut self,
        input: &Input,
        layers: &[LayerRef],
        request: &Request<'_>,
        tasks: &[Task],
        before: &Rewrites,
        out: &mut Made,
    ) -> Result<()> {
        let key = |task: &Task| {
            let stripped = before.of(task.at).map_or(0, |recipe| recipe.size);
            (layers[task.at.layer as usize].diff_id, task.at.member, task.rule, stripped)
        };
        let fresh: Vec<_> = tasks.iter().filter(|task| !self.known.contains_key(&key(task))).copied().collect();
        self.tell(request.profile, &fresh);
        let indexes: &[&LayerIndex] = request.layers;
        let member = |at: MemberId| &indexes[at.layer as usize].members[at.member as usize];
        let contents = ContentReader::new(input, layers, indexes, fresh.iter().map(|task| task.at))?;
        let shop =
            external::Shop { profile: request.profile, rewrites: before, contents: &contents, spool: &self.spool };
        let with_members: Vec<_> = fresh.iter().map(|task| (*task, member(task.at))).collect();
        let made = if fresh.is_empty() { Vec::new() } else { shop.run(&with_members)? };
        for (task, made) in fresh.iter().zip(made) {
            self.known.insert(key(task), made.map_err(|unchanged| unchanged.why));
        }
        for task in tasks {
            add(self.known.get(&key(task)), *task, out);
        }
        Ok(())
    }

    /// Reports the commands that will be run, before they are.
    fn tell(&self, profile: &Profile, tasks: &[Task]) {
        let mut counts: BTreeMap<RuleId, usize> = BTreeMap::new();
        tasks.iter().for_each(|task| *counts.entry(task.rule).or_default() += 1);
        for (rule, count) in counts {
            let rule = profile.rule(rule);
            let Action::External(external) = &rule.action else { continue };
            let command = external.command.join(" ");
            let files = if count == 1 { "1 file".to_owned() } else { format!("{count} files") };
            (self.note)(&format!("rule `{}` runs `{command}` on {files}", rule.id));
        }
    }

    fn compile(
        &mut self,
        input: &Input,
        layers: &[LayerRef],
        request: &Request<'_>,
        modules: &[Module],
        out: &mut Made,
    ) -> Result<()> {
        let Some(first) = modules.first() else { return Ok(()) };
        let rule = &request.profile.rule(first.rule).id;
        let Some(command) = self.run_with else {
            let what = format!("the rule `{rule}` compiles bytecode, and only the image's own Python can do that");
            return Err(Error::new(ErrorKind::Usage, what).hint(
                "say how to run it, such as --run-with \"docker run --rm -i --network none --entrypoint python3 IMAGE\"; \
                 slim runs nothing of an image by itself",
            ));
        };
        let place = |at: MemberId| (layers[at.layer as usize].diff_id, at.member);
        let key = |module: &Module| {
            ([place(module.at), place(module.source)], module.path.clone(), module.magic, module.rule)
        };
        let fresh: Vec<Module> = modules.iter().filter(|m| !self.compiled.contains_key(&key(m))).cloned().collect();
        if !fresh.is_empty() {
            (self.note)(&format!("rule `{rule}` compiles {} modules with `{}`", fresh.len(), command.join(" ")));
            let contents = ContentReader::new(input, layers, request.layers, fresh.iter().map(|module| module.source))?;
            let made = compile::compile(command, &fresh, &contents, &self.spool)?;
            for (module, made) in fresh.iter().zip(made) {
                self.compiled.insert(key(module), made.map_err(|unchanged| unchanged.why));
            }
        }
        for module in modules {
            let Module { at, node, rule, .. } = *module;
            add(self.compiled.get(&key(module)), Task { at, node, rule }, out);
        }
        Ok(())
    }
}

/// Adds the result for a file.
fn add(known: Option<&Known>, Task { at, node, rule }: Task, out: &mut Made) {
    match known {
        Some(Ok(new)) => _ = out.new.insert(at, new.clone()),
        Some(Err(why)) => out.unchanged.push(Unchanged { node, rule, why: why.clone() }),
        None => {}
    }
}

/// Returns the warnings about a profile's commands.
#[must_use]
pub fn warnings(profile: &Profile) -> Vec<Warning> {
    let is_loose = |rule: &&Rule| matches!(&rule.action, Action::External(external) if !external.deterministic);
    let loose = profile.rules.iter().filter(|rule| rule.enabled).filter(is_loose);
    let one = |rule: &Rule| {
        let what = format!(
            "the command of the rule `{}` is said not to be deterministic: the same input may give another output image",
            rule.id
        );
        Warning::new("not-deterministic", what)
    };
    loose.map(one).collect()
}
