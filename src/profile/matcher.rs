//! The rules and protections that name a path. All patterns are one `GlobSet`, which takes about a microsecond for a path with
//! the largest built-in profile (a hash and a comparison for most patterns, one automaton for the rest).

use std::collections::HashMap;
use std::sync::Arc;

use globset::{Candidate, GlobSet, GlobSetBuilder};

use super::error::{At, ProfileError};
use super::id::{ProtectId, RuleId};
use super::{Glob, Profile, pattern};

/// The rules and protections that name a path itself; those that name a directory above it are not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// The enabled rules that drop and whose `paths` match: indices into [`Profile::rules`], in order.
    pub rules: Vec<RuleId>,
    /// The enabled rules that change files and whose `paths` match, see [`super::Action::changes`]: indices into
    /// [`Profile::rules`], in order.
    pub changes: Vec<RuleId>,
    /// The enabled rules whose `except` matches: indices into [`Profile::rules`], in order.
    pub except: Vec<RuleId>,
    /// The protections that match: indices into [`Profile::protects`], in order.
    pub protects: Vec<ProtectId>,
    /// The protections of contents alone that match, see [`super::Protect::content`]: indices into [`Profile::protects`], in
    /// order.
    pub contents: Vec<ProtectId>,
}

/// The patterns of a profile, compiled.
#[derive(Debug)]
pub struct Matcher {
    /// The distinct patterns of all profiles that were compiled together.
    patterns: Arc<GlobSet>,
    /// By pattern: the rules and protections that it belongs to in this profile.
    targets: Vec<Vec<Target>>,
    /// For each protection that has exceptions: the directories in which it does not hold.
    protect_except: Set<ProtectId>,
}

/// The owner of a pattern that matched.
#[derive(Clone, Copy, Debug)]
enum Target {
    Rule(RuleId),
    Change(RuleId),
    Except(RuleId),
    Protect(ProtectId),
    Content(ProtectId),
}

impl Matcher {
    /// Compiles the patterns of all enabled rules and all protections.
    ///
    /// # Errors
    /// Returns an error if the patterns together are too large, or there are more rules or protections than a resolved profile
    /// has.
    pub fn new(profile: &Profile) -> Result<Self, ProfileError> {
        Self::all(&[profile]).map(|mut one| one.swap_remove(0))
    }

    /// Compiles several profiles' patterns together, so that the patterns which name a path are found once for all of them:
    /// built-in profiles have most of theirs in common.
    ///
    /// # Errors
    /// Returns the errors of [`Self::new`].
    pub fn all(profiles: &[&Profile]) -> Result<Vec<Self>, ProfileError> {
        let of = profiles.iter().map(|profile| profile_patterns(profile)).collect::<Result<Vec<_>, _>>()?;
        let mut together = Together::default();
        let targets: Vec<_> = of.iter().map(|of| together.add(&of.patterns)).collect();
        let patterns = together.compile()?;
        let one = |(of, targets): (&OfProfile<'_>, Vec<Vec<Target>>)| {
            let (patterns, protect_except) = (Arc::clone(&patterns), Set::new(&of.protect_except)?);
            Ok(Self { patterns, targets, protect_except })
        };
        of.iter().zip(targets).map(one).collect()
    }

    /// Returns in `into` the numbers of the patterns that name `path`, a normalized path of the image. The numbers are the same
    /// for all matchers that were compiled together. Earlier entries of `into` are removed.
    pub fn patterns(&self, path: &[u8], into: &mut Vec<usize>) {
        self.patterns.matches_candidate_into(&Candidate::from_bytes(path), into);
    }

    /// Returns in `into` what `patterns`, those that name `path`, mean in this profile. Earlier entries of `into` are removed.
    pub fn hits(&self, patterns: impl Iterator<Item = usize>, path: &[u8], into: &mut Hits) {
        let Hits { rules, changes, except, protects, contents } = into;
        rules.clear();
        changes.clear();
        except.clear();
        protects.clear();
        contents.clear();
        for target in patterns.flat_map(|pattern| self.targets.get(pattern).into_iter().flatten()) {
            match *target {
                Target::Rule(i) => rules.push(i),
                Target::Change(i) => changes.push(i),
                Target::Except(i) => except.push(i),
                Target::Protect(i) => protects.push(i),
                Target::Content(i) => contents.push(i),
            }
        }
        if !protects.is_empty() || !contents.is_empty() {
            let ends = memchr::memchr_iter(b'/', path).chain([path.len()]);
            let mut not = |i| [&mut *protects, &mut *contents].into_iter().for_each(|list| list.retain(|p| *p != i));
            ends.for_each(|end| self.protect_except.find(&path[..end], &mut not));
        }
        // Patterns are in the order of the first profile that has them, and one rule may have several.
        [rules, changes, except].into_iter().for_each(sort_once);
        [protects, contents].into_iter().for_each(sort_once);
    }

    /// Returns in `into` the rules and protections that name `path`. Earlier entries of `into` are removed.
    pub fn matches(&self, path: &[u8], into: &mut Hits) {
        let mut found = Vec::new();
        self.patterns(path, &mut found);
        self.hits(found.into_iter(), path, into);
    }
}

/// Sorts a list, and leaves each item in it once.
fn sort_once<T: Ord>(list: &mut Vec<T>) {
    list.sort_unstable();
    list.dedup();
}

/// The patterns of one profile, each with its owner.
struct OfProfile<'p> {
    patterns: Vec<(&'p Glob, Target)>,
    protect_except: Vec<(&'p Glob, ProtectId)>,
}

fn profile_patterns(profile: &Profile) -> Result<OfProfile<'_>, ProfileError> {
    if profile.rules.len().max(profile.protects.len()) > Profile::MOST {
        return Err(refused(format!("more than {} rules or protected paths", Profile::MOST)));
    }
    let mut patterns = Vec::new();
    let mut protect_except = Vec::new();
    for (id, rule) in profile.numbered_rules().filter(|(_, rule)| rule.enabled) {
        let target = if rule.action.changes() { Target::Change(id) } else { Target::Rule(id) };
        let paths = rule.paths.iter().map(|g| (g, target));
        patterns.extend(paths.chain(rule.except.iter().map(|g| (g, Target::Except(id)))));
    }
    for (id, protect) in profile.numbered_protects() {
        let target = if protect.content { Target::Content(id) } else { Target::Protect(id) };
        patterns.push((&protect.path, target));
        protect_except.extend(protect.except.iter().map(|g| (g, id)));
    }
    Ok(OfProfile { patterns, protect_except })
}

/// Patterns to compile, each once.
#[derive(Default)]
struct Together<'p> {
    patterns: Vec<&'p str>,
    known: HashMap<&'p str, usize>,
}

impl<'p> Together<'p> {
    /// Adds a profile's patterns; returns by number the owners of each pattern that is known by then.
    fn add(&mut self, patterns: &[(&'p Glob, Target)]) -> Vec<Vec<Target>> {
        let mut targets = Vec::new();
        for (glob, target) in patterns {
            for expanded in &glob.expanded {
                let number = *self.known.entry(expanded).or_insert_with(|| {
                    self.patterns.push(expanded);
                    self.patterns.len() - 1
                });
                targets.resize_with(self.patterns.len(), Vec::new);
                targets[number].push(*target);
            }
        }
        targets
    }

    fn compile(&self) -> Result<Arc<GlobSet>, ProfileError> {
        compile(self.patterns.iter().copied()).map(Arc::new)
    }
}

fn compile<'p>(patterns: impl Iterator<Item = &'p str>) -> Result<GlobSet, ProfileError> {
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        builder.add(pattern::compile(pattern).map_err(|e| refused(format!("not a glob: {e}")))?);
    }
    builder.build().map_err(|e| refused(format!("the patterns together can't be compiled: {e}")))
}

/// The conditions of a profile's choices, compiled.
#[derive(Debug)]
pub struct Conditions(Set<usize>);

impl Conditions {
    /// Compiles the patterns of [`Profile::choices`].
    ///
    /// # Errors
    /// Returns an error if the patterns together are too large.
    pub fn new(profile: &Profile) -> Result<Self, ProfileError> {
        let choices = profile.choices.iter().enumerate();
        let patterns: Vec<_> = choices.flat_map(|(i, c)| c.paths.iter().map(move |g| (g, i))).collect();
        Ok(Self(Set::new(&patterns)?))
    }

    /// Calls `holds` with the index of each choice that has a pattern naming `path`, a normalized path of the image.
    pub fn matches(&self, path: &[u8], holds: impl FnMut(usize)) {
        self.0.find(path, holds);
    }
}

/// Patterns that belong to no profile.
#[derive(Debug)]
pub(crate) struct Globs(Set<usize>);

impl Globs {
    /// Compiles the patterns.
    pub(crate) fn new(globs: &[Glob]) -> Result<Self, ProfileError> {
        let patterns: Vec<_> = globs.iter().enumerate().map(|(i, glob)| (glob, i)).collect();
        Ok(Self(Set::new(&patterns)?))
    }

    /// True if a pattern names `path`, a normalized path of the image.
    pub(crate) fn names(&self, path: &[u8]) -> bool {
        self.0.globs.is_match_candidate(&Candidate::from_bytes(path))
    }

    /// Calls `matches` with the index of each pattern that names `path`, a normalized path of the image.
    pub(crate) fn find(&self, path: &[u8], matches: impl FnMut(usize)) {
        self.0.find(path, matches);
    }
}

fn refused(message: String) -> ProfileError {
    ProfileError::new(&At::option("profile", ""), message)
}

/// Patterns, and the owner of each.
#[derive(Debug)]
struct Set<T> {
    globs: GlobSet,
    targets: Vec<T>,
}

impl<T: Copy> Set<T> {
    fn new(patterns: &[(&Glob, T)]) -> Result<Self, ProfileError> {
        let each =
            || patterns.iter().flat_map(|(glob, target)| glob.expanded.iter().map(move |e| (e.as_str(), *target)));
        Ok(Self { globs: compile(each().map(|(e, _)| e))?, targets: each().map(|(_, t)| t).collect() })
    }

    fn find(&self, path: &[u8], mut hit: impl FnMut(T)) {
        let mut found = Vec::new();
        self.globs.matches_candidate_into(&Candidate::from_bytes(path), &mut found);
        found.into_iter().filter_map(|i| self.targets.get(i)).for_each(|t| hit(*t));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Request, resolve};
    use super::*;

    fn profile(text: &str) -> Profile {
        let read = |_: &str| Ok(text.to_owned());
        let request = Request { profiles: &["t.toml".to_owned()], ..Request::default() };
        resolve(&request, &read).unwrap_or_else(|e| panic!("{e}"))
    }

    fn found(pattern: &str, path: &[u8]) -> bool {
        let glob = Glob { source: pattern.to_owned(), expanded: vec![pattern.to_owned()] };
        let mut out = false;
        Set::new(&[(&glob, ())]).unwrap().find(path, |()| out = true);
        out
    }

    #[test]
    fn a_pattern_is_rooted_and_stays_within_a_component() {
        for (pattern, yes, no) in [
            ("a/b", &["a/b"][..], &["a", "a/b/c", "x/a/b", "a/bc"][..]),
            ("**/b", &["b", "a/b", "x/a/b"], &["a/b/c", "ab"]),
            ("a/**", &["a/b", "a/b/c"], &["a", "ab"]),
            ("a/**/b", &["a/b", "a/x/b", "a/x/y/b", "a/b/b"], &["a/b/c", "ab"]),
            ("**", &["a", "a/b"], &[]),
            ("**/a/**/b/c", &["a/b/c", "x/a/b/a/b/c", "a/a/b/b/c"], &["b/c", "a/c"]),
            ("*", &["a", ".a"], &["a/b"]),
            ("a*c?", &["acd", "abccd"], &["ac", "ac/"]),
            ("**/*.map", &["x.map", "a/.map", "a/b.c.map"], &["map", "x.map/y"]),
            (r"\*\{", &["*{"], &["a{"]),
            ("{a,b/c}/d{,e}", &["a/d", "b/c/d", "a/de"], &["b/d"]),
            ("{**/a,b}/c", &["x/a/c", "a/c", "b/c"], &["x/b/c"]),
            ("[a-c]x", &["bx"], &["dx"]),
            ("A", &["A"], &["a"]),
        ] {
            yes.iter().for_each(|p| assert!(found(pattern, p.as_bytes()), "{pattern} {p}"));
            no.iter().for_each(|p| assert!(!found(pattern, p.as_bytes()), "{pattern} {p}"));
        }
    }

    #[test]
    fn names_are_bytes() {
        assert!(found("a/?", b"a/\xff"));
        assert!(found("a/*\u{e9}", b"a/\xff\n\xc3\xa9"));
        assert!(!found("a/?", "a/\u{e9}".as_bytes()));
    }

    #[test]
    fn hits_are_those_of_enabled_rules_each_once() {
        let p = profile(
            r#"
            [[rule]]
            id = "off"
            action = "drop"
            risk = "opt-in"
            paths = ["a/b"]
            [[rule]]
            id = "on"
            action = "drop"
            paths = ["**/b", "a/*", "{a,b}/b"]
            except = ["a/*", "[a]/b"]
            [protect]
            paths = ["a/b"]
            "#,
        );
        let m = Matcher::new(&p).unwrap();
        let (rule, protect) = (p.numbered_rules().last().unwrap().0, p.numbered_protects().next().unwrap().0);
        let (rules, protects) = (vec![rule; 2], vec![protect; 2]);
        let changes = rules.clone();
        let mut hits = Hits { rules: rules.clone(), changes, except: rules, contents: protects.clone(), protects };
        m.matches(b"a/b", &mut hits);
        assert_eq!((hits.rules, hits.except), (vec![rule], vec![rule]));
        assert_eq!((hits.changes, hits.contents), (Vec::new(), Vec::new()));
        assert_eq!(p.protect(hits.protects[0]).path.source, "a/b");
        let mut hits = Hits::default();
        m.matches(b"a", &mut hits);
        assert_eq!(hits, Hits::default());
    }

    #[test]
    fn a_protection_does_not_hold_below_its_exceptions() {
        let p = profile(r#"protect.paths = [{ path = "**/zq", except = ["**/cache", "tmp"] }, { path = "**/zq*" }]"#);
        let m = Matcher::new(&p).unwrap();
        let mut hits = Hits::default();
        let count = |path: &str| {
            m.matches(path.as_bytes(), &mut hits);
            hits.protects.len()
        };
        assert_eq!(["a/zq", "a/cache/b/zq", "tmp/zq", "tmpx/zq", "a/cache/zqq"].map(count), [2, 1, 1, 2, 1]);
    }

    /// Measures: `cargo test --release a_path_takes -- --ignored --nocapture`, with a list of paths in the file `SLIM_PATHS`.
    #[test]
    #[ignore = "a measurement"]
    fn a_path_takes_under_two_microseconds() {
        let request = Request { profiles: &["python-slim".to_owned(), "node-slim".to_owned()], ..Request::default() };
        let p = resolve(&request, &|_| Err(std::io::Error::other("no files"))).unwrap();
        let paths = std::env::var("SLIM_PATHS").ok().and_then(|file| std::fs::read_to_string(file).ok());
        let made =
            || (0..50_000).map(|i| format!("app/.venv/lib/python3.11/site-packages/p{i}/core/m{i}.py\n")).collect();
        let paths = paths.unwrap_or_else(made);
        let start = std::time::Instant::now();
        let m = Matcher::new(&p).unwrap();
        println!("compiled in {:?}: {} rules, {} protections", start.elapsed(), p.rules.len(), p.protects.len());
        let mut hits = Hits::default();
        let start = std::time::Instant::now();
        paths.lines().for_each(|path| m.matches(path.as_bytes(), &mut hits));
        let each = start.elapsed() / u32::try_from(paths.lines().count()).unwrap();
        println!("{each:?} a path");
        assert!(each.as_nanos() < 2000);
    }
}
