//! Names of Python distributions, as installers compare them.

use bstr::{BString, ByteSlice};

/// Returns a name as installers compare it: lower case, runs of `-`, `_` and `.` as one `-`.
/// Source: <https://packaging.python.org/en/latest/specifications/name-normalization/>.
#[must_use]
pub fn normalize(name: &[u8]) -> BString {
    let mut out = BString::default();
    for &c in name.trim() {
        let c = if b"-_.".contains(&c) { b'-' } else { c.to_ascii_lowercase() };
        if c != b'-' || out.last() != Some(&b'-') {
            out.push(c);
        }
    }
    out
}
