//! The files in which package managers record the checksums of the files they installed: pip's `RECORD`, dpkg's `md5sums`,
//! apk's `installed`. If slim changes a file, its row is changed too, so that `pip check`, `dpkg -V` and `apk audit` stay
//! right. Bytes in, rows and edits out; nothing here knows where files are.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

mod apk;
mod dpkg;
mod record;
mod row;
#[cfg(test)]
mod tests;

pub use row::Row;

/// The size in bytes of the largest ledger that is read: the rows of 100,000 files take less.
pub const MAX_SIZE: u64 = 16 << 20;

/// A kind of ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ledger {
    /// `RECORD` in a `.dist-info` directory: CSV of path, `sha256=` and url-safe base64, size.
    /// Source: <https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file>.
    Record,
    /// `PACKAGE.md5sums` in dpkg's database: lines of hex digest, two blanks and path.
    /// Source: deb-md5sums(5).
    Md5sums,
    /// `installed` in apk's database: `F:` directory, `R:` file, `Z:Q1` and base64 of the SHA-1.
    /// Source: apk-v2(5).
    ApkInstalled,
}

/// The checksums of one content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// SHA-256.
    pub sha256: [u8; 32],
    /// MD5 and SHA-1, which only distributions' packages use; `None` if they were not computed.
    pub legacy: Option<([u8; 16], [u8; 20])>,
}

impl Ledger {
    /// Returns the kind of ledger at this path, if it is one.
    #[must_use]
    pub fn of(path: &[u8]) -> Option<Self> {
        let (dir, name) = crate::path::split(path);
        match name {
            b"RECORD" if dir.ends_with(b".dist-info") => Some(Self::Record),
            b"installed" if dir.ends_with(b"lib/apk/db") => Some(Self::ApkInstalled),
            _ if name.ends_with(b".md5sums") => {
                let known = [&b"var/lib/dpkg/info"[..], b"var/lib/dpkg/status.d"].contains(&dir);
                known.then_some(Self::Md5sums)
            }
            _ => None,
        }
    }

    /// Returns the rows. `at` is the ledger's own path: rows of `RECORD` are relative to the directory above its own.
    #[must_use]
    pub fn rows<'a>(self, at: &'a [u8], text: &'a [u8]) -> Box<dyn Iterator<Item = Row> + 'a> {
        match self {
            Self::Record => Box::new(record::rows(at, text)),
            Self::Md5sums => Box::new(dpkg::rows(text)),
            Self::ApkInstalled => Box::new(apk::rows(text)),
        }
    }

    /// Returns a checksum as written in a row, in place of `old`; `None` if `sums` does not have it, or `old` is of an unknown
    /// kind.
    #[must_use]
    pub fn checksum(self, sums: &Sums, old: &[u8]) -> Option<Vec<u8>> {
        use std::fmt::Write as _;
        let text = match self {
            Self::Record => format!("sha256={}", URL_SAFE_NO_PAD.encode(sums.sha256)),
            Self::Md5sums => sums.legacy?.0.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            }),
            Self::ApkInstalled if !old.starts_with(b"Q1") => return None,
            Self::ApkInstalled => format!("Q1{}", STANDARD.encode(sums.legacy?.1)),
        };
        Some(text.into_bytes())
    }
}
