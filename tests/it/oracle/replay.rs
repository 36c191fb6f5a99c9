//! Layers become a tree.

use super::tar::{self, Member};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    File(Rc<Vec<u8>>),
    Dir,
    Symlink(Vec<u8>),
    Char(u32, u32),
    Block(u32, u32),
    Fifo,
    /// A hard link whose target is not there yet (never in a finished tree).
    Pending(Vec<u8>),
}

/// An inode; names of one inode share the `Rc`.
#[derive(Clone, Debug)]
pub struct Node {
    pub what: What,
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    pub uname: Vec<u8>,
    pub gname: Vec<u8>,
    /// `None` in a directory that no member names: any time will do.
    pub mtime: Option<(i64, u32)>,
    pub records: BTreeMap<Vec<u8>, Vec<u8>>,
}

pub type Names = BTreeMap<Vec<u8>, Rc<Node>>;

/// An image's file system. The root is the empty path.
#[derive(Clone, Debug)]
pub struct Tree {
    pub names: Names,
    /// Where the list of traps leaves the meaning open: a test that meets one may only ask for consistency.
    pub questions: Vec<String>,
}

/// What one layer says.
#[derive(Debug, Default)]
pub struct LayerTree {
    pub names: Names,
    pub whiteouts: Vec<Vec<u8>>,
    pub opaques: Vec<Vec<u8>>,
    /// Every link that came before its target, or without one.
    early: Vec<Rc<Node>>,
    questions: Vec<String>,
}

/// The tree that these layers (uncompressed tars) make.
pub fn replay<T: AsRef<[u8]>>(layers: &[T]) -> Result<Tree, String> {
    let mut tree = Tree { names: Names::new(), questions: Vec::new() };
    tree.names.insert(Vec::new(), Rc::new(implied()));
    for (i, layer) in layers.iter().enumerate() {
        let members = tar::read(layer.as_ref()).map_err(|e| format!("layer {i}: {e}"))?;
        let layer = unpack(&members).map_err(|e| format!("layer {i}: {e}"))?;
        merge(&mut tree, layer).map_err(|e| format!("layer {i}: {e}"))?;
    }
    Ok(tree)
}

fn implied() -> Node {
    Node {
        what: What::Dir,
        mode: 0o755,
        uid: 0,
        gid: 0,
        uname: Vec::new(),
        gname: Vec::new(),
        mtime: None,
        records: BTreeMap::new(),
    }
}

/// The components of a name from the root; an error where `..` leaves it.
pub fn normal(name: &[u8]) -> Result<Vec<u8>, String> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in name.split(|&c| c == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop().ok_or_else(|| format!("{} leaves the root", show(name)))?),
            _ => parts.push(part),
        }
    }
    Ok(parts.join(&b'/'))
}

pub fn split(path: &[u8]) -> (&[u8], &[u8]) {
    path.iter().rposition(|&c| c == b'/').map_or((&path[..0], path), |i| (&path[..i], &path[i + 1..]))
}

fn join(parent: &[u8], name: &[u8]) -> Vec<u8> {
    if parent.is_empty() { name.to_vec() } else { [parent, b"/", name].concat() }
}

fn below(path: &[u8], dir: &[u8]) -> bool {
    dir.is_empty() && !path.is_empty() || path.len() > dir.len() && path.starts_with(dir) && path[dir.len()] == b'/'
}

/// One layer in a tree of its own.
pub fn unpack(members: &[Member]) -> Result<LayerTree, String> {
    let mut layer = LayerTree::default();
    layer.names.insert(Vec::new(), Rc::new(implied()));
    let mut whiteouts = Vec::new();
    for m in members {
        let path = normal(&m.name)?;
        let (parent, base) = split(&path);
        if path.starts_with(b".wh..wh.") && path != b".wh..wh..opq" {
            continue; // AUFS bookkeeping
        }
        if parent.split(|&c| c == b'/').any(|part| part.starts_with(b".wh.")) {
            layer.questions.push(format!("{} is below a whiteout", show(&path)));
        } else if base.starts_with(b".wh.") {
            whiteouts.push(path.clone());
        } else {
            add(&mut layer, &path, m)?;
        }
    }
    // Whiteouts act whatever their order, so their parents are looked up in the finished tree.
    for path in whiteouts {
        let (parent, base) = split(&path);
        let parent = follow(&layer.names, parent)?;
        match &base[4..] {
            b".wh..opq" => layer.opaques.push(parent),
            b"" | b"." | b".." => layer.questions.push(format!("{} hides no name", show(&path))),
            name => layer.whiteouts.push(join(&parent, name)),
        }
    }
    settle_forward_links(&mut layer);
    Ok(layer)
}

fn add(layer: &mut LayerTree, path: &[u8], m: &Member) -> Result<(), String> {
    let (parent, base) = split(path);
    let parent = follow(&layer.names, parent)?;
    let path = join(&parent, base);
    make_parents(layer, &path);
    let is_dir = m.flag == b'5' || m.flag == b'D' || (m.flag == 0 || m.flag == b'0') && m.name.ends_with(b"/");
    let node = match m.flag {
        b'1' => match link(layer, &path, m)? {
            Some(node) => node,
            None => return Ok(()),
        },
        _ if is_dir => node_of(m, What::Dir),
        0 | b'0' | b'7' | b'S' => node_of(m, What::File(m.content.clone())),
        b'2' => node_of(m, What::Symlink(m.link.clone())),
        b'3' => node_of(m, What::Char(m.rdev.0, m.rdev.1)),
        b'4' => node_of(m, What::Block(m.rdev.0, m.rdev.1)),
        b'6' => node_of(m, What::Fifo),
        f => return Err(format!("{} has type flag {f:#x}", show(&path))),
    };
    if node.what != What::Dir {
        if path.is_empty() {
            return Err("the root is no directory".into());
        }
        layer.names.retain(|name, _| !below(name, &path));
    }
    layer.names.insert(path, node);
    Ok(())
}

fn node_of(m: &Member, what: What) -> Rc<Node> {
    Rc::new(Node {
        what,
        mode: m.mode,
        uid: m.uid,
        gid: m.gid,
        uname: m.uname.clone(),
        gname: m.gname.clone(),
        mtime: Some(m.mtime),
        records: m.records.clone(),
    })
}

/// The inode that a hard link means; `None` for a link to itself that is there already.
fn link(layer: &mut LayerTree, path: &[u8], m: &Member) -> Result<Option<Rc<Node>>, String> {
    let target = normal(&m.link)?;
    let (parent, base) = split(&target);
    let target = join(&follow(&layer.names, parent)?, base);
    match layer.names.get(&target) {
        Some(node) if node.what == What::Dir => Err(format!("{} is a hard link to a directory", show(path))),
        Some(_) if target == path => Ok(None),
        // Replacing a directory by a link to something inside it loses the target.
        Some(node) => Ok(Some(node.clone())),
        None => {
            if target != normal(&m.link)? {
                layer.questions.push(format!("{} leads through a symlink to a lower layer", show(&m.link)));
            }
            let node = node_of(m, What::Pending(target));
            layer.early.push(node.clone());
            Ok(Some(node))
        }
    }
}

fn make_parents(layer: &mut LayerTree, path: &[u8]) {
    for i in (0..path.len()).filter(|&i| path[i] == b'/') {
        let parent = &path[..i];
        match layer.names.get(parent) {
            Some(node) if node.what == What::Dir => {}
            Some(_) => {
                layer.questions.push(format!("{} is below a file of the same layer", show(path)));
                layer.names.insert(parent.to_vec(), Rc::new(implied()));
            }
            None => drop(layer.names.insert(parent.to_vec(), Rc::new(implied()))),
        }
    }
}

/// The directory that `path` means, symlinks followed, all of them, within these names only.
fn follow(names: &Names, path: &[u8]) -> Result<Vec<u8>, String> {
    let mut todo: Vec<Vec<u8>> = path.split(|&c| c == b'/').rev().map(<[u8]>::to_vec).collect();
    let mut at: Vec<u8> = Vec::new();
    let mut budget = 255;
    while let Some(part) = todo.pop() {
        match part.as_slice() {
            b"" | b"." => continue,
            b".." => {
                at = split(&at).0.to_vec();
                continue;
            }
            _ => {}
        }
        let next = join(&at, &part);
        if let Some(What::Symlink(target)) = names.get(&next).map(|n| &n.what) {
            budget -= 1;
            if budget == 0 {
                return Err(format!("{} has a loop of symlinks", show(path)));
            }
            if target.starts_with(b"/") {
                at.clear();
            }
            todo.extend(target.split(|&c| c == b'/').rev().map(<[u8]>::to_vec));
        } else {
            at = next;
        }
    }
    Ok(at)
}

/// Links before their target, where the target is in the same layer.
fn settle_forward_links(layer: &mut LayerTree) {
    for node in &layer.early {
        if !layer.names.values().any(|n| Rc::ptr_eq(n, node)) {
            layer.questions.push("a link without a target was overwritten".into());
        }
    }
    loop {
        let pending = layer.names.values().find_map(|node| match &node.what {
            What::Pending(target) => {
                let found = layer.names.get(target)?;
                let usable = !Rc::ptr_eq(found, node) && found.what != What::Dir;
                usable.then(|| (node.clone(), found.clone(), target.clone()))
            }
            _ => None,
        });
        let Some((old, new, target)) = pending else { return };
        layer.questions.push(format!("forward link to {}", show(&target)));
        replace(&mut layer.names, &old, &new);
    }
}

fn replace(names: &mut Names, old: &Rc<Node>, new: &Rc<Node>) {
    for node in names.values_mut().filter(|n| Rc::ptr_eq(n, old)) {
        *node = new.clone();
    }
}

/// Lays a layer over the tree.
pub fn merge(tree: &mut Tree, mut layer: LayerTree) -> Result<(), String> {
    // Links to lower layers mean the tree below, before this layer hides any of it.
    let pending: Vec<_> = layer.names.iter().filter(|(_, n)| matches!(n.what, What::Pending(_))).collect();
    let pending: Vec<_> = pending.into_iter().map(|(p, n)| (p.clone(), n.clone())).collect();
    for (path, node) in pending {
        let What::Pending(target) = &node.what else { continue };
        let found = tree.names.get(target).filter(|n| n.what != What::Dir).cloned();
        let found =
            found.ok_or_else(|| format!("{} is a hard link to {}, which is no file", show(&path), show(target)))?;
        if layer.names.contains_key(target) {
            tree.questions.push(format!("{} is a hard link to what its own layer has later", show(&path)));
        }
        if layer.whiteouts.iter().any(|w| w == target || below(target, w)) {
            tree.questions.push(format!("{} is a hard link to what its own layer hides", show(&path)));
        }
        replace(&mut layer.names, &node, &found);
    }
    for w in &layer.whiteouts {
        tree.names.retain(|name, _| name != w && !below(name, w));
    }
    for o in &layer.opaques {
        tree.names.retain(|name, _| !below(name, o));
    }
    // docker and podman make the directories that a whiteout lies in. Where a lower layer has a symlink there, that shows.
    for dir in layer.whiteouts.iter().map(|w| split(w).0.to_vec()).chain(layer.opaques.clone()).collect::<Vec<_>>() {
        let is_link = |name: &[u8]| matches!(tree.names.get(name).map(|n| &n.what), Some(What::Symlink(_)));
        if (1..=dir.len()).any(|i| (i == dir.len() || dir[i] == b'/') && is_link(&dir[..i])) {
            make_parents(&mut layer, &join(&dir, b"x"));
        }
    }
    for (path, node) in layer.names {
        let lower_is_dir = tree.names.get(&path).map(|n| n.what == What::Dir);
        let dir = node.what == What::Dir;
        if dir && lower_is_dir == Some(true) && node.mtime.is_none() {
            continue; // only implied: the lower one's metadata stays
        }
        if !dir {
            tree.names.retain(|name, _| !below(name, &path));
        }
        tree.names.insert(path, node);
    }
    tree.questions.append(&mut layer.questions);
    Ok(())
}

/// Bytes as text on one line.
pub fn show(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// A line per path, in order.
pub fn dump(tree: &Tree) -> BTreeMap<Vec<u8>, String> {
    let mut groups: BTreeMap<*const Node, Vec<String>> = BTreeMap::new();
    for (path, node) in &tree.names {
        groups.entry(Rc::as_ptr(node)).or_default().push(show(path));
    }
    let line = |path: &[u8], node: &Rc<Node>| {
        let mut s = format!("/{}  {:04o} {}:{}", show(path), node.mode, node.uid, node.gid);
        let _ = match &node.what {
            What::File(content) if content.len() <= 60 => write!(s, " file \"{}\"", show(content)),
            What::File(content) => {
                write!(s, " file {} bytes {}", content.len(), &crate::builder::sha256(content)[7..19])
            }
            What::Symlink(target) => write!(s, " -> {}", show(target)),
            other => write!(s, " {other:?}"),
        };
        let _ = match node.mtime {
            Some((secs, nanos)) => write!(s, " mtime {secs}+{nanos:09}"),
            None => write!(s, " mtime any"),
        };
        if !node.uname.is_empty() || !node.gname.is_empty() {
            let _ = write!(s, " names {}:{}", show(&node.uname), show(&node.gname));
        }
        for (key, value) in &node.records {
            let _ = write!(s, " {}={}", show(key), show(&value[..value.len().min(60)]));
            if value.len() > 60 {
                let _ = write!(s, "...{}", &crate::builder::sha256(value)[7..19]);
            }
        }
        let group = &groups[&Rc::as_ptr(node)];
        if group.len() > 1 {
            let _ = write!(s, " one inode: {}", group.join(" "));
        }
        s
    };
    tree.names.iter().map(|(path, node)| (path.clone(), line(path, node))).collect()
}

/// The lines in which two trees differ, or `None`. Where the first has no time, the second may have any.
pub fn diff(want: &Tree, got: &Tree) -> Option<String> {
    let mut got = got.clone();
    for (path, node) in &mut got.names {
        if want.names.get(path).is_some_and(|w| w.mtime.is_none()) {
            Rc::make_mut(node).mtime = None;
        }
    }
    let (want, got) = (dump(want), dump(&got));
    let mut out = String::new();
    for path in want.keys().chain(got.keys().filter(|p| !want.contains_key(*p))) {
        let (w, g) = (want.get(path), got.get(path));
        if w != g {
            let _ = writeln!(out, "  want {}\n  got  {}", w.map_or("nothing", |s| s), g.map_or("nothing", |s| s));
        }
    }
    (!out.is_empty()).then_some(out)
}
