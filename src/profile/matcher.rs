//! Which rules and protections name a path. An image has some 100,000 paths and a profile some 300 patterns, so a path is
//! only held against those that its last component or its beginning makes possible: under a microsecond where one set of
//! regular expressions takes ten times that.

use std::collections::HashMap;

use globset::{Candidate, GlobSet, GlobSetBuilder};

use super::error::{At, ProfileError};
use super::{Profile, pattern};

/// The rules and protections that name a path itself; what names a directory above it is not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// The enabled rules whose `paths` match: indices into [`Profile::rules`], in order.
    pub rules: Vec<u16>,
    /// The enabled rules whose `except` matches: indices into [`Profile::rules`], in order.
    pub except: Vec<u16>,
    /// The protections that match: indices into [`Profile::protects`], in order.
    pub protects: Vec<u16>,
}

/// The patterns of a profile, compiled.
#[derive(Debug)]
pub struct Matcher {
    patterns: Index<Target>,
    /// For each protection that has exceptions: in which directories it does not hold.
    protect_except: Index<u16>,
}

/// Whose pattern matched.
#[derive(Clone, Copy, Debug)]
enum Target {
    Rule(u16),
    Except(u16),
    Protect(u16),
}

impl Matcher {
    /// Compiles the patterns of all enabled rules and all protections.
    ///
    /// # Errors
    /// More rules or protections than there can be in a resolved profile, or a pattern that `globset` refuses.
    pub fn new(profile: &Profile) -> Result<Self, ProfileError> {
        let mut patterns = Vec::new();
        let mut protect_except = Vec::new();
        for (i, rule) in profile.rules.iter().enumerate().filter(|(_, r)| r.enabled) {
            let id = index(i)?;
            let paths = rule.paths.iter().map(|g| (g, Target::Rule(id)));
            patterns.extend(paths.chain(rule.except.iter().map(|g| (g, Target::Except(id)))));
        }
        for (i, protect) in profile.protects.iter().enumerate() {
            let id = index(i)?;
            patterns.push((&protect.path, Target::Protect(id)));
            protect_except.extend(protect.except.iter().map(|g| (g, id)));
        }
        Ok(Self {
            patterns: Index::new(patterns)?,
            protect_except: Index::new(protect_except)?,
        })
    }

    /// Puts into `into` what names `path`, a normalized path of the image; what was there before goes.
    pub fn matches(&self, path: &[u8], into: &mut Hits) {
        let Hits {
            rules,
            except,
            protects,
        } = into;
        rules.clear();
        except.clear();
        protects.clear();
        self.patterns.find(path, |target| match target {
            Target::Rule(i) => rules.push(i),
            Target::Except(i) => except.push(i),
            Target::Protect(i) => protects.push(i),
        });
        if !protects.is_empty() {
            self.protect_except.find_above(path, |i| protects.retain(|p| *p != i));
        }
        for list in [rules, except, protects] {
            list.sort_unstable();
            list.dedup();
        }
    }
}

fn index(i: usize) -> Result<u16, ProfileError> {
    let at = At::option("profile", "");
    u16::try_from(i).map_err(|_| ProfileError::new(&at, "more than 65536 rules or protected paths"))
}

/// Patterns by what a path must have for them to match: its last component, that one's extension, its beginning.
#[derive(Debug)]
struct Index<T> {
    by_name: HashMap<Box<[u8]>, Vec<Pattern<T>>>,
    by_extension: HashMap<Box<[u8]>, Vec<Pattern<T>>>,
    rest: Vec<Pattern<T>>,
    /// Patterns with classes, and those with too many braces to write out.
    globs: GlobSet,
    glob_targets: Vec<T>,
}

impl<T: Copy> Index<T> {
    fn new(globs: Vec<(&super::Glob, T)>) -> Result<Self, ProfileError> {
        let mut index = Self {
            by_name: HashMap::new(),
            by_extension: HashMap::new(),
            rest: Vec::new(),
            globs: GlobSet::empty(),
            glob_targets: Vec::new(),
        };
        let mut builder = GlobSetBuilder::new();
        for (glob, target) in globs {
            for expanded in &glob.expanded {
                match pattern::alternatives(expanded) {
                    Some(all) if !expanded.contains('[') => all.iter().for_each(|p| index.add(p, target)),
                    _ => {
                        builder.add(pattern::compile(expanded).map_err(|e| refused(expanded, &e))?);
                        index.glob_targets.push(target);
                    }
                }
            }
        }
        index.globs = builder.build().map_err(|e| refused("", &e))?;
        Ok(index)
    }

    fn add(&mut self, pattern: &str, target: T) {
        let pattern = Pattern::new(pattern, target);
        let slot = match pattern.parts.last() {
            Some(Part::Name(name)) => self.by_name.entry(name.clone()).or_default(),
            Some(Part::Wild(tokens)) => match required_extension(tokens) {
                Some(extension) => self.by_extension.entry(extension).or_default(),
                None => &mut self.rest,
            },
            _ => &mut self.rest,
        };
        slot.push(pattern);
    }

    fn find(&self, path: &[u8], mut hit: impl FnMut(T)) {
        let (_, name) = crate::path::split(path);
        let by_extension = extension(name).and_then(|e| self.by_extension.get(e));
        let lists = [self.by_name.get(name), by_extension, Some(&self.rest)];
        for pattern in lists.into_iter().flatten().flatten() {
            if pattern.matches(path, name) {
                hit(pattern.target);
            }
        }
        if !self.globs.is_empty() {
            let found = self.globs.matches_candidate(&Candidate::from_bytes(path));
            found
                .into_iter()
                .filter_map(|i| self.glob_targets.get(i))
                .for_each(|t| hit(*t));
        }
    }

    /// What matches the path or a directory that it is in.
    fn find_above(&self, path: &[u8], mut hit: impl FnMut(T)) {
        let ends = memchr::memchr_iter(b'/', path).chain([path.len()]);
        ends.for_each(|end| self.find(&path[..end], &mut hit));
    }
}

fn refused(pattern: &str, e: &globset::Error) -> ProfileError {
    ProfileError::new(&At::option("pattern", pattern), format!("not a glob: {}", e.kind()))
}

/// What follows the last dot.
fn extension(name: &[u8]) -> Option<&[u8]> {
    memchr::memrchr(b'.', name).map(|i| &name[i + 1..])
}

/// The extension that all names have which match, if there is one.
fn required_extension(tokens: &[Token]) -> Option<Box<[u8]>> {
    let dot = tokens.iter().rposition(|t| *t == Token::Byte(b'.'))?;
    let bytes = tokens[dot + 1..]
        .iter()
        .map(|t| if let Token::Byte(b) = t { Some(*b) } else { None });
    bytes.collect()
}

/// One glob without braces and classes.
#[derive(Debug)]
struct Pattern<T> {
    /// The literal beginning, up to and with a slash.
    prefix: Box<[u8]>,
    /// The literal beginning of the last component.
    name_prefix: Box<[u8]>,
    parts: Box<[Part]>,
    target: T,
}

/// A component of a glob.
#[derive(Debug)]
enum Part {
    /// `**`: any number of components; as the last one, at least one.
    Any,
    Name(Box<[u8]>),
    Wild(Box<[Token]>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Byte(u8),
    One,
    Star,
}

impl<T> Pattern<T> {
    fn new(pattern: &str, target: T) -> Self {
        let parts: Box<[Part]> = pattern.as_bytes().split(|&b| b == b'/').map(Part::new).collect();
        let mut prefix = Vec::new();
        for part in &parts[..parts.len().saturating_sub(1)] {
            let Part::Name(name) = part else { break };
            prefix.extend_from_slice(name);
            prefix.push(b'/');
        }
        let name_prefix = match parts.last() {
            Some(Part::Wild(tokens)) => tokens
                .iter()
                .map_while(|t| if let Token::Byte(b) = t { Some(*b) } else { None })
                .collect(),
            _ => Box::default(),
        };
        Self {
            prefix: prefix.into(),
            name_prefix,
            parts,
            target,
        }
    }

    /// Whether the pattern matches `path`, whose last component is `name`.
    fn matches(&self, path: &[u8], name: &[u8]) -> bool {
        name.starts_with(&self.name_prefix) && path.starts_with(&self.prefix) && match_parts(&self.parts, path)
    }
}

impl Part {
    fn new(part: &[u8]) -> Self {
        if part == b"**" {
            return Self::Any;
        }
        let (mut tokens, mut bytes) = (Vec::with_capacity(part.len()), part.iter());
        while let Some(&b) = bytes.next() {
            tokens.push(match b {
                b'*' => Token::Star,
                b'?' => Token::One,
                b'\\' => Token::Byte(bytes.next().copied().unwrap_or(b)),
                b => Token::Byte(b),
            });
        }
        tokens.dedup_by(|a, b| *a == Token::Star && *b == Token::Star);
        let bytes = tokens
            .iter()
            .map(|t| if let Token::Byte(b) = t { Some(*b) } else { None });
        match bytes.collect() {
            Some(name) => Self::Name(name),
            None => Self::Wild(tokens.into()),
        }
    }

    fn matches(&self, component: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Name(name) => **name == *component,
            Self::Wild(tokens) => match_tokens(tokens, component),
        }
    }
}

/// Whether `parts` match all components of `path`. A dead end lets the last `**` take one component more; an earlier one
/// need never take more, because the last could take those as well.
fn match_parts(parts: &[Part], path: &[u8]) -> bool {
    let (mut at, mut rest) = (0, Some(path));
    let mut retry: Option<(usize, &[u8])> = None;
    loop {
        let next = rest.map(|r| memchr::memchr(b'/', r).map_or((r, None), |i| (&r[..i], Some(&r[i + 1..]))));
        match (parts.get(at), next) {
            (None, None) => return true,
            (Some(Part::Any), _) if at + 1 == parts.len() => return rest.is_some(),
            (Some(Part::Any), _) => {
                at += 1;
                retry = rest.map(|r| (at, r));
            }
            (Some(part), Some((component, after))) if part.matches(component) => {
                at += 1;
                rest = after;
            }
            _ => {
                let Some((from, tried)) = retry else { return false };
                let Some(slash) = memchr::memchr(b'/', tried) else {
                    return false;
                };
                let shorter = &tried[slash + 1..];
                retry = Some((from, shorter));
                (at, rest) = (from, Some(shorter));
            }
        }
    }
}

/// Whether `tokens` match all of `text`; a dead end lets the last `*` take one byte more.
fn match_tokens(tokens: &[Token], text: &[u8]) -> bool {
    let (mut at, mut pos) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (tokens.get(at), text.get(pos)) {
            (None, None) => return true,
            (Some(Token::Star), _) => {
                at += 1;
                retry = Some((at, pos));
            }
            (Some(Token::One), Some(_)) => (at, pos) = (at + 1, pos + 1),
            (Some(Token::Byte(a)), Some(b)) if a == b => (at, pos) = (at + 1, pos + 1),
            _ => match retry {
                Some((from, tried)) if tried < text.len() => {
                    retry = Some((from, tried + 1));
                    (at, pos) = (from, tried + 1);
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests;
