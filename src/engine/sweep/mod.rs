//! Tries all things of a kind in the image before and after: modules are imported, objects loaded, programs asked for their
//! version, packages required, package managers asked. Everything that worked before and is still there has to work.
//!
//! The things to try are found among the image's files; the helpers that try them are run by the image's own Python, Node or
//! shell, in one container for each sweep and image. A thing that fails after is tried again alone, in both images, before it
//! counts.

use super::subject::Files;
use crate::Result;
use ask::{Ask, Helper};
use found::{Answer, Answers};
use lists::Item;
use std::collections::BTreeMap;
use std::time::Instant;

mod ask;
mod found;
mod lists;
mod packages;

pub use found::{Finding, Kind, Side, Sweep, SweepReport};

/// The image before, with the things that were found to work in it: for several images after.
pub struct Before<'a> {
    side: Side<'a>,
    known: BTreeMap<String, Answers>,
}

impl<'a> Before<'a> {
    /// Makes one in which nothing has been tried yet.
    #[must_use]
    pub const fn new(side: Side<'a>) -> Self {
        Self { side, known: BTreeMap::new() }
    }

    /// Does the sweeps of these kinds. `note` is called with a description of each.
    ///
    /// # Errors
    /// Returns the errors of the engine.
    pub fn sweep(&mut self, after: &Side<'_>, kinds: &[Kind], note: &dyn Fn(&str)) -> Result<SweepReport> {
        let mut sweeps = Vec::new();
        for kind in Kind::ALL.into_iter().filter(|k| kinds.contains(k)) {
            note(&format!("sweep {}", kind.name()));
            match kind {
                Kind::Packages => sweeps.push(packages::sweep(&self.side, after)?),
                _ => {
                    let plans = plans(&self.side.files, kind);
                    if let Err(why) = &plans {
                        let skipped = Some(why.clone());
                        sweeps.push(Sweep { sweep: kind.name().to_owned(), skipped, ..Sweep::default() });
                    }
                    for plan in plans.unwrap_or_default() {
                        sweeps.push(self.one(after, &plan)?);
                    }
                }
            }
        }
        let regressions = sweeps.iter().map(|s| s.regressions.len()).sum();
        Ok(SweepReport { engine: self.side.engine.name(), regressions, sweeps })
    }

    /// Tries everything in the image before, then in the image after what worked and is still there, and what fails there once
    /// more in both.
    fn one(&mut self, after: &Side<'_>, plan: &Plan) -> Result<Sweep> {
        let start = Instant::now();
        let names: Vec<&str> = plan.items.iter().map(|i| i.name.as_str()).collect();
        let key = format!("{} {}", plan.kind.name(), plan.with.as_deref().unwrap_or_default());
        if !self.known.contains_key(&key) {
            let marks = plan.ask.all(&self.side, &names, 10)?;
            self.known.insert(key.clone(), marks);
        }
        let marks = &self.known[&key];
        let mut out = Sweep {
            sweep: plan.kind.name().to_owned(),
            with: plan.with.clone(),
            tried: marks.len(),
            ..Sweep::default()
        };
        let works = |item: &&Item| matches!(marks.get(&item.name), Some(Ok(_)));
        let worked: Vec<&Item> = plan.items.iter().filter(works).collect();
        let (there, gone): (Vec<&Item>, Vec<&Item>) = worked.iter().partition(|item| after.files.has(&item.path));
        out.worked = worked.len();
        let finding = |item: &Item, why: &str| Finding {
            name: item.name.clone(),
            path: (item.path != item.name).then(|| item.path.clone()),
            why: why.to_owned(),
        };
        out.dropped = gone.iter().map(|item| finding(item, "not in the image")).collect();
        let mut got = plan.tried(after, &there, false)?;
        let (mut failed, _) = plan.parted(marks, &got, there);
        if !failed.is_empty() && got.len() > failed.len() {
            got.extend(plan.tried(after, &failed, true)?);
            (failed, _) = plan.parted(marks, &got, failed);
        }
        let sure = plan.tried(&self.side, &failed, true)?;
        let (unsteady, bad) = plan.parted(marks, &sure, failed);
        out.unsteady = unsteady.iter().map(|item| item.name.clone()).collect();
        let why = |item: &Item| plan.why(&marks[&item.name], got.get(&item.name));
        out.regressions = bad.iter().map(|item| finding(item, &why(item))).collect();
        out.worked -= out.unsteady.len();
        out.works = out.worked - out.dropped.len() - out.regressions.len();
        out.seconds = start.elapsed().as_secs_f64();
        Ok(out)
    }
}

/// The things that one helper is to try.
struct Plan {
    kind: Kind,
    with: Option<String>,
    items: Vec<Item>,
    ask: Ask,
}

impl Plan {
    fn tried(&self, side: &Side<'_>, items: &[&Item], alone: bool) -> Result<Answers> {
        let names: Vec<&str> = items.iter().map(|i| i.name.as_str()).collect();
        if alone { self.ask.alone(side, &names) } else { self.ask.all(side, &names, 0) }
    }

    /// Returns the items that do not work as before, and those that do.
    fn parted<'i>(&self, before: &Answers, got: &Answers, items: Vec<&'i Item>) -> (Vec<&'i Item>, Vec<&'i Item>) {
        items.into_iter().partition(|item| match (&before[&item.name], got.get(&item.name)) {
            (Ok(before), Some(Ok(after))) => !self.ask.as_good(before, after),
            _ => true,
        })
    }

    /// Returns the reason that something does not work as before.
    fn why(&self, before: &Answer, after: Option<&Answer>) -> String {
        match (before, after) {
            (_, None) => "no answer".to_owned(),
            (_, Some(Err(why))) => why.clone(),
            (Ok(before), Some(Ok(after))) => {
                format!("{} before, {} after", self.ask.words(before), self.ask.words(after))
            }
            (Err(_), Some(Ok(_))) => String::new(),
        }
    }
}

/// Returns the things of a kind in an image, or the reason that there is nothing to try.
fn plans(files: &Files, kind: Kind) -> std::result::Result<Vec<Plan>, String> {
    let one = |items: Vec<Item>, helper| Ok(vec![Plan { kind, with: None, items, ask: Ask::new(helper) }]);
    let pythons = lists::pythons(files);
    match kind {
        Kind::Python if pythons.is_empty() => Err("the image has no Python".to_owned()),
        Kind::Python => {
            let plan = |(python, dirs): (String, Vec<String>)| {
                let items = lists::modules(files, &dirs);
                Plan { kind, items, ask: Ask::new(Helper::Python(python.clone())), with: Some(python) }
            };
            Ok(pythons.into_iter().map(plan).filter(|p| !p.items.is_empty()).collect())
        }
        Kind::Elf => {
            let items = lists::objects(files);
            let system = ["/usr/bin/python3", "/usr/local/bin/python3"].into_iter().find(|p| files.is_program(p));
            let python = system.map(str::to_owned).or_else(|| pythons.into_iter().next().map(|(python, _)| python));
            let shell = || Some((lists::loader(files)?, files.which(&["sh"])?));
            match (python, shell()) {
                (Some(python), _) => one(items, Helper::Elf(python)),
                (None, Some((loader, _))) => one(items, Helper::Loader(loader)),
                (None, None) => {
                    Err("the image has no Python to load objects with, and no shell to ask its loader".into())
                }
            }
        }
        Kind::Bin if files.which(&["sh"]).is_none() => Err("the image has no shell".to_owned()),
        Kind::Bin => one(lists::programs(files), Helper::Bin),
        Kind::Node => {
            let items = lists::node_packages(files);
            match files.which(&["node", "nodejs"]) {
                None => Err("the image has no Node".to_owned()),
                Some(_) if items.is_empty() => Err("the image has no Node packages".to_owned()),
                Some(node) => one(items, Helper::Node(node)),
            }
        }
        Kind::Packages => Ok(Vec::new()),
    }
}
