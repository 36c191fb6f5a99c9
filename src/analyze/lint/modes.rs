//! Programs that run with other users' rights, and files that everybody may write.

use super::finding::Severity;
use super::look::Look;
use crate::report::units;
use crate::tree::{NodeId, Type};
use std::collections::BTreeMap;

const SETUID: &str = "setuid";
const WRITABLE: &str = "world-writable";
const CAPABILITIES: &str = "capabilities";
/// The extended attribute that gives a program capabilities.
const XATTR: &str = "SCHILY.xattr.security.capability";

pub(super) fn look(look: &mut Look<'_>) {
    let tree = look.tree;
    // The topmost writable directory above each path, and the number of paths that it stands for.
    let mut within: Vec<Option<NodeId>> = vec![None; tree.len()];
    let mut tops: BTreeMap<NodeId, (Severity, u64)> = BTreeMap::new();
    for id in tree.ids() {
        let Some(member) = look.member(id) else { continue };
        let attrs = &member.meta.attrs;
        let kind = tree.inode_of(id).kind;
        if kind == Type::File && attrs.mode & 0o6000 != 0 && attrs.mode & 0o111 != 0 {
            privileged(look, id, attrs.mode, attrs.uid, attrs.gid);
        }
        if kind == Type::File && attrs.records.iter().any(|(key, _)| key == XATTR) {
            let path = tree.path(id);
            if let Some(severity) = look.rules().severity(CAPABILITIES, "file", &path) {
                look.report(CAPABILITIES, severity, id, "", "a program with file capabilities".to_owned());
            }
        }
        let case = match kind {
            Type::Dir if attrs.mode & 0o1002 == 0o002 => "directory",
            Type::File if attrs.mode & 0o002 != 0 => "file",
            _ => continue,
        };
        let parent = tree.node(id).parent;
        let top = within[parent.index()].unwrap_or(id);
        within[id.index()] = Some(top);
        if top != id {
            tops.entry(top).and_modify(|top| top.1 += 1);
        } else if let Some(severity) = look.rules().severity(WRITABLE, case, &tree.path(id)) {
            tops.insert(id, (severity, 1));
        }
    }
    for (id, (severity, count)) in tops {
        let message = match (tree.is_dir(id), count) {
            (true, 1) => "a directory that everybody may write, without the sticky bit".to_owned(),
            (true, n) => {
                format!("a directory that everybody may write, with {} such paths below it", units::count(n - 1))
            }
            (false, _) => "a file that everybody may write".to_owned(),
        };
        look.report(WRITABLE, severity, id, "", message).count = count;
    }
}

fn privileged(look: &mut Look<'_>, id: NodeId, mode: u32, uid: u64, gid: u64) {
    let (case, message) = if mode & 0o4000 != 0 {
        ("setuid", format!("runs as its owner, user {uid}, whoever starts it (mode {mode:04o})"))
    } else {
        ("setgid", format!("runs as its group, {gid}, whoever starts it (mode {mode:04o})"))
    };
    let path = look.tree.path(id);
    if let Some(severity) = look.rules().severity(SETUID, case, &path) {
        look.report(SETUID, severity, id, case, message);
    }
}
