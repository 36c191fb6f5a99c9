//! Errors of decoders, with the name of the format and, if there is one, a way out.

use crate::{Error, ErrorKind};
use std::io::{self, Read};

/// Turns a decoder's own errors into ones that name the format.
pub(super) struct Named<R> {
    pub(super) inner: R,
    pub(super) name: &'static str,
}

impl<R: Read> Read for Named<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf).map_err(|e| {
            if e.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Error>) || e.raw_os_error().is_some()
            {
                return e;
            }
            if let Some((what, hint)) = too_much_memory(self.name, &e) {
                return Error::new(ErrorKind::Unsupported, what).hint(hint).into();
            }
            let what = if e.kind() == io::ErrorKind::UnexpectedEof {
                format!("the {} stream is truncated", self.name)
            } else {
                format!("the {} stream is broken", self.name)
            };
            Error::new(ErrorKind::Layer, what).cause(e).into()
        })
    }
}

/// The most memory that an xz stream may ask for, in bytes: `xz -9` takes 65 MiB.
pub(super) const XZ_MEMORY: u64 = 256 << 20;

/// Returns the message for a stream that needs more memory than it may have, and a way out.
fn too_much_memory(name: &str, error: &io::Error) -> Option<(String, &'static str)> {
    let text = error.to_string();
    let limit =
        |mib: u64| format!("the {name} stream needs more memory than the {mib} MiB that slim gives to its decoder");
    match name {
        "zstd" if text.contains("too much memory") => Some((
            limit(128),
            "it was compressed with `--long`: compress it again without, say `zstd -d --long=31 | zstd`",
        )),
        "xz" if text.contains("memory") => {
            Some((limit(XZ_MEMORY >> 20), "compress it again with a smaller dictionary, say `xz -dc | xz -9`"))
        }
        _ => None,
    }
}
