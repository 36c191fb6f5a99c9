//! The names of profile files: how to tell them, and when two mean the same file.

/// True if a profile is named by its file.
pub(super) fn is_path(name: &str) -> bool {
    name.contains('/') || name.ends_with(".toml")
}

/// Returns the path of a file that is named by one in the directory `dir`.
pub(super) fn beside(dir: &str, path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("{dir}{}", path.strip_prefix("./").unwrap_or(path)) }
}

/// Returns one spelling for each file, as far as the path alone can tell.
pub(super) fn identity(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            "" if !parts.is_empty() => {}
            ".." if parts.last().is_some_and(|last| !last.is_empty() && *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
