//! Rules that depend on a file's name alone. The caller checks them before it strips.

/// The most dots of a name such as `libcrypto.so.1.1.1k` at which it is cut.
const MOST_DOTS: usize = 8;

/// True if a file of this name keeps its `.symtab`, so is stripped with [`Level::Debug`](super::Level::Debug) at most: gdb,
/// valgrind and libthread\_db look up symbols of the C library and its loader there.
#[must_use]
pub fn keeps_symtab(name: &[u8]) -> bool {
    let loader = [&b"ld-linux"[..], b"ld-musl-", b"ld-uClibc", b"ld64.so", b"ld.so", b"ld32.so"];
    let library = [&b"libc.so"[..], b"libpthread.so", b"libpthread-", b"libthread_db", b"libc.musl-", b"vgpreload_"];
    starts(name, &loader) || starts(name, &library) || versioned(name, b"ld-") || versioned(name, b"libc-")
}

/// True if a file of this name is verified byte for byte when it is loaded (FIPS modules of OpenSSL and its kin), so is never
/// stripped.
#[must_use]
pub fn is_checked_name(name: &[u8]) -> bool {
    let stem = name.split(|&c| c == b'.').next().unwrap_or_default();
    matches!(
        stem,
        b"fips" | b"libfips" | b"libwolfssl-fips" | b"libfreeblpriv3" | b"libfreebl3" | b"libsoftokn3" | b"libnssdbm3"
    )
}

/// The suffixes that the names of detached signatures and checksums add to a file's name, in any case: those of GnuPG,
/// minisign, signify, cosign, CMS and the kernel's fs-verity and dm-verity, of coreutils' tools, and of Maven's repositories.
/// Packer's have no dot: <https://developer.hashicorp.com/packer/docs/configure>.
pub const SEALS: [&str; 44] = [
    ".sig",
    ".asc",
    ".sign",
    ".gpg",
    ".pgp",
    ".signature",
    ".minisig",
    ".sigstore",
    ".sigstore.json",
    ".cosign.bundle",
    ".cosign.sig",
    ".p7s",
    ".p7",
    ".fsv_sig",
    ".verity",
    ".roothash",
    ".intoto.jsonl",
    ".sum",
    ".sums",
    ".checksum",
    ".digest",
    ".hash",
    ".md5",
    ".md5sum",
    ".sha",
    ".sha1",
    ".sha1sum",
    ".sha224",
    ".sha224sum",
    ".sha256",
    ".sha256sum",
    ".sha384",
    ".sha384sum",
    ".sha512",
    ".sha512sum",
    ".sha3",
    ".b2",
    ".b2sum",
    ".b3",
    ".b3sum",
    "_SHA256SUM",
    "_SHA512SUM",
    "_SHA1SUM",
    "_MD5SUM",
];

/// Returns the paths, relative to a file of this name, at which a checksum of it may lie; if one is there, the file is not
/// stripped. Examples are `.libcrypto.so.3.hmac`, `libsoftokn3.chk` and `fipscheck/ssh.hmac`. The checksum of
/// `libgcrypt.so.20.2.5` may have the name of the link that is loaded, `.libgcrypt.so.20.hmac`.
#[must_use]
pub fn side_cars(name: &[u8]) -> Vec<Vec<u8>> {
    let stem = name.iter().rposition(|&c| c == b'.').map_or(name, |dot| &name[..dot]);
    let mut all = vec![[stem, b".chk"].concat()];
    let dots = name.iter().enumerate().filter(|(_, c)| **c == b'.').map(|(at, _)| at);
    for end in dots.chain([name.len()]).filter(|&end| end > 0).take(MOST_DOTS) {
        for dir in [&b""[..], b"fipscheck/", b"hmaccalc/"] {
            for dot in [&b""[..], b"."] {
                all.push([dir, dot, &name[..end], b".hmac"].concat());
            }
        }
    }
    all
}

fn starts(name: &[u8], with: &[&[u8]]) -> bool {
    with.iter().any(|start| name.starts_with(start))
}

/// True for a name with a version: `ld-2.31.so`, `libc-2.31.so`.
fn versioned(name: &[u8], start: &[u8]) -> bool {
    name.strip_prefix(start).is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_digit) && rest.ends_with(b".so"))
}
