//! The file system that layers make, worked out a second time and in the simplest way: names in a sorted map, one layer after
//! the other. A layer is unpacked alone; then its whiteouts hide lower paths; then it is laid on top.
//! Source: <https://github.com/opencontainers/image-spec/blob/main/layer.md>.

use super::layer::Layer;
use super::member::{Kind, Member};
use crate::path::{join, split};
use bstr::{BString, ByteSlice};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;

/// The most symbolic links in a row, as in the kernel.
const MAX_LINKS: usize = 40;

/// The most bytes that the paths of implied directories may have.
const MAX_IMPLIED: usize = 256 << 20;

/// An inode: the file that a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Inode(pub u32);

/// The origin of an inode.
#[derive(Clone, Copy, Debug)]
enum Made {
    /// A directory that its children imply.
    Implied,
    /// A member: the number of the layer, and of the member in it.
    Member(u32, u32),
}

type Names = BTreeMap<BString, Inode>;

/// A file system.
pub struct Tree<'a> {
    /// The inode of each path; the root's path is empty.
    pub names: Names,
    inodes: Vec<Made>,
    layers: Vec<&'a Layer>,
    /// Bytes of the paths of implied directories.
    implied: usize,
}

/// A layer in a tree of its own.
struct Own {
    names: Names,
    whiteouts: Vec<BString>,
    opaques: Vec<BString>,
    /// Links whose target has not come yet, with its path.
    pending: HashMap<Inode, BString>,
}

/// The result of resolving a path.
pub struct Found {
    /// The path without symbolic links.
    pub path: BString,
    /// The inode there.
    pub inode: Inode,
}

impl<'a> Tree<'a> {
    /// Makes the tree of layers, bottom first.
    ///
    /// # Errors
    /// Returns a description of the mistake, with the layer.
    pub fn new(layers: Vec<&'a Layer>) -> Result<Self, String> {
        let names = Names::from([(BString::default(), Inode(0))]);
        let mut tree = Self { names, inodes: vec![Made::Implied], layers, implied: 0 };
        for index in 0..tree.layers.len() {
            let own = tree.unpack(index).map_err(|e| format!("layer {}: {e}", index + 1))?;
            tree.lay(own).map_err(|e| format!("layer {}: {e}", index + 1))?;
        }
        Ok(tree)
    }

    /// Returns the member that an inode is made from; `None` for an implied directory.
    #[must_use]
    pub fn member(&self, inode: Inode) -> Option<&'a Member> {
        match self.inodes[inode.0 as usize] {
            Made::Implied => None,
            Made::Member(layer, member) => Some(&self.layers[layer as usize].members[member as usize]),
        }
    }

    /// Returns the type of an inode.
    #[must_use]
    pub fn kind(&self, inode: Inode) -> Kind {
        self.member(inode).map_or(Kind::Dir, |member| member.kind)
    }

    /// Returns the member behind a path.
    #[must_use]
    pub fn at(&self, path: &[u8]) -> Option<(Inode, Option<&'a Member>)> {
        let inode = *self.names.get(path.as_bstr())?;
        Some((inode, self.member(inode)))
    }

    /// True if a path is there; links are not followed.
    #[must_use]
    pub fn has(&self, path: &[u8]) -> bool {
        self.names.contains_key(path.as_bstr())
    }

    /// Returns the paths below a directory.
    pub fn below(&self, dir: &[u8]) -> impl Iterator<Item = (&BString, Inode)> {
        self.names.range::<BString, _>(bounds(dir)).map(|(path, inode)| (path, *inode))
    }

    /// Resolves `path` from `dir`, as the kernel does.
    #[must_use]
    pub fn resolve(&self, dir: &[u8], path: &[u8]) -> Option<Found> {
        let mut at: BString = if path.starts_with(b"/") { BString::default() } else { dir.into() };
        let mut inode = *self.names.get(at.as_bstr())?;
        let mut todo: Vec<&[u8]> = path.split(|&c| c == b'/').rev().collect();
        let mut links = 0;
        while let Some(part) = todo.pop() {
            match part {
                b"" | b"." => continue,
                b".." => {
                    at = split(&at).0.into();
                    inode = *self.names.get(at.as_bstr())?;
                    continue;
                }
                _ => {}
            }
            let next = join(&at, part);
            let found = *self.names.get(next.as_bstr())?;
            match self.member(found).filter(|m| m.kind == Kind::Symlink) {
                Some(link) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return None;
                    }
                    if link.link.starts_with(b"/") {
                        at.clear();
                        inode = Inode(0);
                    }
                    todo.extend(link.link.split(|&c| c == b'/').rev());
                }
                None => (at, inode) = (next, found),
            }
        }
        Some(Found { path: at, inode })
    }

    fn put(&mut self, made: Made) -> Inode {
        self.inodes.push(made);
        Inode(self.inodes.len() as u32 - 1)
    }

    fn unpack(&mut self, index: usize) -> Result<Own, String> {
        let layer = self.layers[index];
        let mut own = Own {
            names: Names::from([(BString::default(), self.put(Made::Implied))]),
            whiteouts: Vec::new(),
            opaques: Vec::new(),
            pending: HashMap::new(),
        };
        let mut whiteouts = Vec::new();
        for (number, member) in layer.members.iter().enumerate() {
            let (dir, name) = split(&member.path);
            let is_whiteout = name.starts_with(b".wh.");
            if dir.split(|&c| c == b'/').any(|part| part.starts_with(b".wh.")) {
                continue;
            }
            if is_whiteout {
                whiteouts.push(&member.path);
                continue;
            }
            let made = Made::Member(index as u32, number as u32);
            self.add(&mut own, member, made).map_err(|e| format!("{}: {e}", super::findings::show(&member.path)))?;
        }
        for whiteout in whiteouts {
            let (dir, name) = split(whiteout);
            // A directory that leads through a file names nothing.
            let Some(dir) = self.follow(&own.names, dir) else { continue };
            match &name[4..] {
                b".wh..opq" => own.opaques.push(dir),
                b"" | b"." | b".." => {}
                hidden if hidden.starts_with(b".wh.") => {}
                hidden => own.whiteouts.push(join(&dir, hidden)),
            }
        }
        settle(&mut own, |inode| self.kind(inode) == Kind::Dir);
        Ok(own)
    }

    fn add(&mut self, own: &mut Own, member: &Member, made: Made) -> Result<(), &'static str> {
        let (dir, name) = split(&member.path);
        let dir = self.follow(&own.names, dir).ok_or("it lies below a loop of symbolic links")?;
        let path = if name.is_empty() { dir } else { join(&dir, name) };
        self.parents(&mut own.names, &path)?;
        let inode = if member.kind == Kind::HardLink {
            match self.link(own, &path, member, made)? {
                Some(inode) => inode,
                None => return Ok(()),
            }
        } else {
            self.put(made)
        };
        if member.kind != Kind::Dir {
            if path.is_empty() {
                return Err("the root is no directory");
            }
            clear(&mut own.names, &path);
        }
        own.names.insert(path, inode);
        Ok(())
    }

    /// Returns the inode that a hard link means; `None` for one to itself that is there.
    fn link(
        &mut self,
        own: &mut Own,
        path: &BString,
        member: &Member,
        made: Made,
    ) -> Result<Option<Inode>, &'static str> {
        let (dir, name) = split(&member.link);
        let dir = self.follow(&own.names, dir).ok_or("its target lies below a loop of symbolic links")?;
        let target = join(&dir, name);
        match own.names.get(&target) {
            Some(&inode) if self.kind(inode) == Kind::Dir => Err("a hard link to a directory"),
            Some(_) if target == *path => Ok(None),
            Some(&inode) => Ok(Some(inode)),
            None => {
                let inode = self.put(made);
                own.pending.insert(inode, target);
                Ok(Some(inode))
            }
        }
    }

    fn parents(&mut self, names: &mut Names, path: &[u8]) -> Result<(), &'static str> {
        // The usual case: the nearest directory is there, and so are all above it.
        let is_dir = |tree: &Self, names: &Names, path: &[u8]| {
            names.get(path.as_bstr()).is_some_and(|inode| tree.kind(*inode) == Kind::Dir)
        };
        if is_dir(self, names, split(path).0) {
            return Ok(());
        }
        for end in (0..path.len()).filter(|&i| path[i] == b'/') {
            if !is_dir(self, names, &path[..end]) {
                let inode = self.put(Made::Implied);
                names.insert(path[..end].into(), inode);
                self.implied += end;
                if self.implied > MAX_IMPLIED {
                    return Err("the names of directories that no layer describes would fill the memory");
                }
            }
        }
        Ok(())
    }

    /// Returns the directory that a path means within `names`: its symbolic links are followed, and parts that are not there
    /// are kept as they are. Returns `None` for a loop.
    fn follow(&self, names: &Names, dir: &[u8]) -> Option<BString> {
        if names.get(dir.as_bstr()).is_some_and(|inode| self.kind(*inode) == Kind::Dir) {
            return Some(dir.into());
        }
        let mut at = BString::default();
        let mut todo: Vec<&[u8]> = dir.split(|&c| c == b'/').rev().collect();
        let mut links = 0;
        while let Some(part) = todo.pop() {
            match part {
                b"" | b"." => continue,
                b".." => {
                    at = split(&at).0.into();
                    continue;
                }
                _ => {}
            }
            let next = join(&at, part);
            let link = names.get(&next).and_then(|inode| self.member(*inode)).filter(|m| m.kind == Kind::Symlink);
            match link {
                Some(link) => {
                    links += 1;
                    if links > 255 {
                        return None;
                    }
                    if link.link.starts_with(b"/") {
                        at.clear();
                    }
                    todo.extend(link.link.split(|&c| c == b'/').rev());
                }
                None => at = next,
            }
        }
        Some(at)
    }

    fn lay(&mut self, mut own: Own) -> Result<(), String> {
        // Links to lower layers mean the files that are there before this layer hides any.
        let mut means = HashMap::new();
        for (inode, target) in &own.pending {
            let found = self.names.get(target).filter(|inode| self.kind(**inode) != Kind::Dir);
            means.insert(*inode, found.copied());
        }
        for (path, inode) in own.names.iter_mut().filter(|_| !means.is_empty()) {
            if let Some(found) = means.get(inode) {
                *inode = found.ok_or_else(|| format!("{}: a hard link to nothing", super::findings::show(path)))?;
            }
        }
        for hidden in &own.whiteouts {
            self.names.remove(hidden);
            clear(&mut self.names, hidden);
        }
        for dir in &own.opaques {
            clear(&mut self.names, dir);
        }
        // Engines make the directories on the way to a whiteout, and such a directory hides a symbolic link of a lower layer.
        for dir in own.whiteouts.iter().map(|path| split(path).0).chain(own.opaques.iter().map(|dir| &dir[..])) {
            let mut ways = (0..dir.len()).filter(|&i| dir[i] == b'/').map(|i| &dir[..i]).chain([dir]);
            let is_link = |way: &[u8]| self.names.get(way.as_bstr()).is_some_and(|i| self.kind(*i) == Kind::Symlink);
            if ways.any(is_link) {
                self.parents(&mut own.names, &join(dir, b"x"))?;
            }
        }
        for (path, inode) in own.names {
            let dir = self.kind(inode) == Kind::Dir;
            let lower = self.names.get(&path).map(|lower| self.kind(*lower) == Kind::Dir);
            if dir && lower == Some(true) && self.member(inode).is_none() {
                continue;
            }
            if !dir && lower == Some(true) {
                clear(&mut self.names, &path);
            }
            self.names.insert(path, inode);
        }
        Ok(())
    }
}

/// Resolves links that come before their targets, if these are in the same layer.
fn settle(own: &mut Own, is_dir: impl Fn(Inode) -> bool) {
    let mut means: HashMap<Inode, Inode> = HashMap::new();
    let mut all: Vec<Inode> = own.pending.keys().copied().collect();
    // A circle of links means nothing, but the result must be the same each time.
    all.sort_unstable();
    for first in all {
        // Links on the way to the end mean the end as well, so that no link is followed twice.
        let (mut way, mut at) = (Vec::new(), first);
        let mut seen = HashSet::from([first]);
        while !means.contains_key(&at) {
            let next = own.pending.get(&at).and_then(|target| own.names.get(target)).copied();
            match next.filter(|next| !is_dir(*next) && seen.insert(*next)) {
                Some(next) => way.push(std::mem::replace(&mut at, next)),
                None => break,
            }
        }
        let end = means.get(&at).copied().unwrap_or(at);
        means.extend(way.into_iter().map(|link| (link, end)));
        means.entry(first).or_insert(end);
    }
    means.retain(|link, end| link != end);
    if means.is_empty() {
        return;
    }
    own.names.values_mut().for_each(|inode| *inode = means.get(inode).copied().unwrap_or(*inode));
    own.pending.retain(|inode, _| !means.contains_key(inode));
}

/// Returns the bounds between which all paths below `dir` lie: `a/` and `a0`, as 0 comes after the slash.
fn bounds(dir: &[u8]) -> (Bound<BString>, Bound<BString>) {
    if dir.is_empty() {
        return (Bound::Excluded(BString::default()), Bound::Unbounded);
    }
    (Bound::Included([dir, b"/"].concat().into()), Bound::Excluded([dir, b"0"].concat().into()))
}

/// Removes all paths below `dir`.
fn clear(names: &mut Names, dir: &[u8]) {
    let gone: Vec<BString> = names.range::<BString, _>(bounds(dir)).map(|(path, _)| path.clone()).collect();
    for path in gone {
        names.remove(&path);
    }
}
