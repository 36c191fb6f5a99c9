//! Image paths: bytes, relative to the image's root, without a leading slash. Tar writers spell one path in many ways;
//! [`normalize`] makes one of them.

use bstr::BString;

/// A name that leaves the image's root by `..`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escape;

/// The canonical spelling of a member's name: `./a`, `/a`, `x//y`, `x/./y`, `x/` and `a/../b` lose what means nothing.
/// The root itself is the empty path.
///
/// # Errors
/// [`Escape`] where `..` leads above the root.
pub fn normalize(name: &[u8]) -> Result<BString, Escape> {
    let clean = |part: &[u8]| !part.is_empty() && part != b"." && part != b"..";
    // The usual case costs one pass and one copy.
    let trimmed = name.strip_suffix(b"/").unwrap_or(name);
    if trimmed.split(|&c| c == b'/').all(clean) {
        return Ok(trimmed.into());
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in name.split(|&c| c == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop().ok_or(Escape)?;
            }
            _ => parts.push(part),
        }
    }
    Ok(parts.join(&b'/').into())
}

/// The parent directory and the last component; the parent of `a` is the root, `b""`.
#[must_use]
pub fn split(path: &[u8]) -> (&[u8], &[u8]) {
    memchr::memrchr(b'/', path).map_or((&path[..0], path), |i| (&path[..i], &path[i + 1..]))
}

/// The components of a normalized path; none for the root.
pub fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|&c| c == b'/').filter(|part| !part.is_empty())
}

/// What follows the last dot of a name; empty where it has none.
#[must_use]
pub fn extension(name: &[u8]) -> &[u8] {
    memchr::memrchr(b'.', name).map_or(&name[name.len()..], |at| &name[at + 1..])
}

/// Whether a file is an application's own: not of the distribution, nor in a package of Python's or Node's.
#[must_use]
pub fn is_own(path: &[u8]) -> bool {
    let distribution = [&b"usr/"[..], b"lib/", b"lib64/", b"bin/", b"sbin/", b"var/lib/"];
    let local = path.starts_with(b"usr/local/") || path.starts_with(b"usr/src/");
    (local || !distribution.iter().any(|dir| path.starts_with(dir))) && !in_packages(path)
}

/// Whether a file is part of a package of Python's or Node's, or lies in a cache of these.
#[must_use]
pub fn in_packages(path: &[u8]) -> bool {
    // What a package manager's cache has is linked to from where it is installed.
    let dirs = [&b"site-packages"[..], b"dist-packages", b"node_modules", b".cache", b"_cacache"];
    components(split(path).0).any(|part| dirs.contains(&part) || part.starts_with(b"python3"))
}

/// `parent/name`, or `name` at the root.
#[must_use]
pub fn join(parent: &[u8], name: &[u8]) -> BString {
    if parent.is_empty() {
        return name.into();
    }
    let mut out = Vec::with_capacity(parent.len() + 1 + name.len());
    out.extend_from_slice(parent);
    out.push(b'/');
    out.extend_from_slice(name);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_a_path_are_one() {
        for name in ["x/y", "./x/y", "/x/y", "x//y", "x/./y", "x/y/", "x/z/../y", "//x/y//"] {
            assert_eq!(normalize(name.as_bytes()).unwrap(), "x/y", "{name}");
        }
        for root in ["", ".", "./", "/", "a/.."] {
            assert_eq!(normalize(root.as_bytes()).unwrap(), "", "{root}");
        }
        assert_eq!(normalize(b"..."), Ok("...".into()));
        assert_eq!(normalize(b"../x"), Err(Escape));
        assert_eq!(normalize(b"/a/../../x"), Err(Escape));
    }

    #[test]
    fn split_and_join_undo_each_other() {
        assert_eq!(split(b"a/b/c"), (&b"a/b"[..], &b"c"[..]));
        assert_eq!(split(b"c"), (&b""[..], &b"c"[..]));
        assert_eq!(join(b"a/b", b"c"), "a/b/c");
        assert_eq!(join(b"", b"c"), "c");
    }
}
