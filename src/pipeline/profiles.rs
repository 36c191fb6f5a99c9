//! The profiles of a run: resolved before the image is read, to know what to look for in it, and once more afterwards if one of
//! them depends on the image.

use super::needs::needs;
use crate::layer::LayerIndex;
use crate::packages::distribution;
use crate::profile::{self, Choice, Conditions, Matcher, Profile, Request};
use crate::scan::Needs;
use crate::tree::Tree;
use crate::{Result, tree::NodeId};
use rayon::prelude::*;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

/// The profiles that a request asks for.
pub struct Profiles<'a> {
    request: Request<'a>,
    /// Each file's text, so that the same is read both times.
    texts: RefCell<HashMap<String, String>>,
    /// The profile with everything that may be picked.
    widest: Profile,
    /// The patterns of it, compiled when they are first asked for.
    matcher: OnceCell<Arc<Matcher>>,
}

impl<'a> Profiles<'a> {
    /// Resolves the profiles of a request to slim an image.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Profile`](crate::ErrorKind::Profile) if one of them is wrong or missing.
    pub fn resolve(request: &'a super::request::Request) -> Result<Self> {
        let super::request::Request { profiles, enable, drop, protect, overrides, .. } = request;
        Self::of(Request { profiles, enable, drop, protect, overrides })
    }

    /// Resolves profiles.
    ///
    /// # Errors
    /// Returns the errors of [`resolve`](Self::resolve).
    pub fn of(request: Request<'a>) -> Result<Self> {
        let texts = RefCell::default();
        let widest = profile::resolve(&request, &|path| read(&texts, path))?;
        Ok(Self { request, texts, widest, matcher: OnceCell::new() })
    }

    /// Returns all rules that may apply, whatever the image has.
    #[must_use]
    pub const fn widest(&self) -> &Profile {
        &self.widest
    }

    /// Returns the facts that the scan has to look for.
    ///
    /// # Errors
    /// Returns the errors of [`matcher`](Self::matcher): mistakes in patterns are reported before the image is read.
    pub fn needs(&self) -> Result<Needs> {
        self.matcher()?;
        Ok(needs(&self.widest))
    }

    /// Returns the patterns of all these rules, compiled.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Profile`](crate::ErrorKind::Profile) if they are too many for that.
    pub fn matcher(&self) -> Result<&Arc<Matcher>> {
        if let Some(matcher) = self.matcher.get() {
            return Ok(matcher);
        }
        let matcher = Arc::new(Matcher::new(&self.widest)?);
        Ok(self.matcher.get_or_init(|| matcher))
    }

    /// Returns the patterns of a profile that was [picked](Self::pick), compiled.
    ///
    /// # Errors
    /// Returns the errors of [`matcher`](Self::matcher).
    pub(super) fn matcher_of(&self, picked: &Profile) -> Result<Arc<Matcher>> {
        if picked.choices.is_empty() { self.matcher().cloned() } else { Ok(Arc::new(Matcher::new(picked)?)) }
    }

    /// Returns the profile for an image with this tree and these layers: it does not depend on other images of the input.
    ///
    /// # Errors
    /// Returns the errors of [`resolve`](Self::resolve).
    pub fn pick(&self, tree: &Tree, layers: &[&LayerIndex]) -> Result<Profile> {
        let choices = &self.widest.choices;
        if choices.is_empty() {
            return Ok(self.widest.clone());
        }
        let conditions = Conditions::new(&self.widest)?;
        let ids = os_release(tree, layers).map(distribution::ids).unwrap_or_default();
        let of_system = |choice: &Choice| AtomicBool::new(choice.os.iter().any(|os| ids.contains(os)));
        let found: Vec<AtomicBool> = choices.iter().map(of_system).collect();
        let nodes = (1..tree.len() as u32).into_par_iter().with_min_len(1 << 12);
        nodes.for_each_init(Vec::new, |path, id| {
            tree.path_into(NodeId(id), path);
            conditions.matches(path, |choice| found[choice].store(true, Relaxed));
        });
        let holds = |globs: &[profile::Glob], os: &[String]| {
            choices.iter().zip(&found).any(|(c, found)| found.load(Relaxed) && c.paths == globs && c.os == os)
        };
        Ok(profile::resolve_for(&self.request, &|path| read(&self.texts, path), &holds)?)
    }
}

/// Returns the text that names the distribution of an image, from the file as a container would find it.
fn os_release<'l>(tree: &Tree, layers: &[&'l LayerIndex]) -> Option<&'l [u8]> {
    let file = distribution::PATHS.iter().find_map(|path| tree.resolve(NodeId::ROOT, path).target)?;
    let at = tree.inode_of(file).holder()?;
    layers.get(at.layer as usize)?.facts.get(&at.member)?.database_text.as_deref()
}

fn read(texts: &RefCell<HashMap<String, String>>, path: &str) -> std::io::Result<String> {
    if let Some(text) = texts.borrow().get(path) {
        return Ok(text.clone());
    }
    let text = std::fs::read_to_string(path)?;
    texts.borrow_mut().insert(path.to_owned(), text.clone());
    Ok(text)
}
