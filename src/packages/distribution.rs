//! The distribution of an image, from its `os-release`. Source: os-release(5).

use bstr::ByteSlice;

/// The paths of the file; the first that is there counts.
pub const PATHS: [&[u8]; 2] = [b"etc/os-release", b"usr/lib/os-release"];
/// The size in bytes of the largest such file.
pub const MAX_SIZE: u64 = 64 << 10;

/// True if a file may be one: links lead to it from other names.
#[must_use]
pub fn is(path: &[u8]) -> bool {
    crate::path::split(path).1.ends_with(b"os-release")
}

/// Returns the distribution's id, then those of the ones it is like: `ID` and `ID_LIKE`. If a key is there twice, the last
/// counts, as in a shell.
#[must_use]
pub fn ids(text: &[u8]) -> Vec<String> {
    let value = |key: &str| {
        let line =
            text.lines().filter_map(|line| line.trim().strip_prefix(key.as_bytes())?.strip_prefix(b"=")).next_back();
        line.unwrap_or_default().trim_with(|c| c == '"' || c == '\'').to_str_lossy().into_owned()
    };
    let (id, like) = (value("ID"), value("ID_LIKE"));
    std::iter::once(id.as_str())
        .chain(like.split_ascii_whitespace())
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_the_distribution_and_of_its_kin() {
        let ubuntu = b"NAME=\"Ubuntu\"\nVERSION_ID=\"24.04\"\nID=ubuntu\nID_LIKE=debian\n";
        assert_eq!(ids(ubuntu), ["ubuntu", "debian"]);
        assert_eq!(ids(b"ID=\"rocky\"\r\nID_LIKE='rhel centos fedora'\n"), ["rocky", "rhel", "centos", "fedora"]);
        assert_eq!(ids(b"ID=a\n#ID=b\nID=c"), ["c"]);
        assert!(ids(b"").is_empty() && ids(b"ID=\nIDLE=x\n\xff").is_empty());
        assert!(is(b"etc/os-release") && is(b"usr/lib/os-release") && !is(b"etc/os-release.d/x"));
    }
}
