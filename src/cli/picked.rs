//! The profiles of a run: resolved before the image is read, to know what to look for in it, and where one of them depends on
//! what the image has, once more when that is known.

use super::job::Job;
use crate::layer::LayerIndex;
use crate::package::distribution;
use crate::profile::{self, Conditions, Profile, Request};
use crate::tree::Tree;
use crate::{Result, tree::NodeId};
use rayon::prelude::*;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

/// The profiles that a job asks for.
pub(super) struct Profiles<'a> {
    request: Request<'a>,
    /// Each file's text, so that both times the same is read.
    texts: RefCell<HashMap<String, String>>,
    /// With all that may come in.
    widest: Profile,
}

impl<'a> Profiles<'a> {
    /// Resolves the profiles of `job`.
    pub fn resolve(job: &'a Job) -> Result<Self> {
        let Job { profiles, enable, drop, protect, overrides, .. } = job;
        Self::of(Request { profiles, enable, drop, protect, overrides })
    }

    /// Resolves the profiles of a request.
    pub fn of(request: Request<'a>) -> Result<Self> {
        let texts = RefCell::default();
        let widest = profile::resolve(&request, &|path| read(&texts, path))?;
        Ok(Self { request, texts, widest })
    }

    /// All rules that may come in, whatever the image has.
    pub fn widest(&self) -> &Profile {
        &self.widest
    }

    /// What holds for images with these trees and layers, one for all of them.
    pub fn pick<'t>(&self, images: impl Iterator<Item = (&'t Tree, Vec<&'t LayerIndex>)>) -> Result<Profile> {
        let choices = &self.widest.choices;
        if choices.is_empty() {
            return Ok(self.widest.clone());
        }
        let conditions = Conditions::new(&self.widest)?;
        let found: Vec<AtomicBool> = choices.iter().map(|_| AtomicBool::new(false)).collect();
        for (tree, layers) in images {
            let ids = os_release(tree, &layers).map(distribution::ids).unwrap_or_default();
            for (found, choice) in found.iter().zip(choices) {
                found.fetch_or(choice.os.iter().any(|os| ids.contains(os)), Relaxed);
            }
            let ids = (1..tree.len() as u32).into_par_iter().with_min_len(1 << 12);
            ids.for_each_init(Vec::new, |path, id| {
                tree.path_into(NodeId(id), path);
                conditions.matches(path, |choice| found[choice].store(true, Relaxed));
            });
        }
        let holds = |globs: &[profile::Glob], os: &[String]| {
            choices.iter().zip(&found).any(|(c, found)| found.load(Relaxed) && c.paths == globs && c.os == os)
        };
        Ok(profile::resolve_for(&self.request, &|path| read(&self.texts, path), &holds)?)
    }
}

/// The text that says which distribution an image is of, in the file as a container would find it.
fn os_release<'l>(tree: &Tree, layers: &[&'l LayerIndex]) -> Option<&'l [u8]> {
    let file = distribution::PATHS.iter().find_map(|path| tree.resolve(NodeId::ROOT, path).target)?;
    let at = tree.inode_of(file).holder()?;
    layers.get(at.layer as usize)?.facts.get(&at.member)?.ledger.as_deref()
}

fn read(texts: &RefCell<HashMap<String, String>>, path: &str) -> std::io::Result<String> {
    if let Some(text) = texts.borrow().get(path) {
        return Ok(text.clone());
    }
    let text = std::fs::read_to_string(path)?;
    texts.borrow_mut().insert(path.to_owned(), text.clone());
    Ok(text)
}
