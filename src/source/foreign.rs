//! Recognition of inputs that hold no image, so that the error can say the next step.

use crate::{Error, ErrorKind};

/// The error for an archive or directory with these names at its top.
pub fn no_image(names: &[String], is_dir: bool) -> Error {
    let has = |name: &str| names.iter().any(|n| n == name);
    let error = |what: &str| Error::new(ErrorKind::Archive, what);
    if names.is_empty() {
        return error(if is_dir {
            "an empty directory, no OCI layout"
        } else {
            "an archive without members, no image"
        });
    }
    if has("repositories") {
        return Error::new(
            ErrorKind::Unsupported,
            "a docker archive of the v1 format (`repositories`, no manifest.json)",
        )
        .hint("load it with a docker of that time (up to 1.9) or newer and `docker save` it again");
    }
    let roots = ["etc", "bin", "usr", "lib", "sbin", "proc", "dev", "var"];
    if roots.iter().filter(|r| has(r)).count() >= 2 || (has(".dockerenv") && !is_dir) {
        let what = if is_dir { "a root file system, no OCI layout" } else { "a root file system, no image" };
        return error(what)
            .hint("`docker save IMAGE` writes an image; `docker export` writes only a container's files");
    }
    if has("blobs") {
        return error("no index.json and no manifest.json beside `blobs`")
            .hint("the layout is incomplete: copy the image again");
    }
    let what = if is_dir { "not an OCI layout: no index.json" } else { "no image: no manifest.json and no index.json" };
    let hint = match names {
        [only] if !is_dir => format!("an image's files lie at the top of its archive: try `tar -C {only} -cf out.tar .`"),
        _ => "slim reads what `docker save`, `podman save`, `skopeo copy` and `docker buildx build --output type=oci` write".into(),
    };
    error(what).expected("an image", listing(names)).hint(hint)
}

/// The error for `manifest.json` that is no list: a `dir:` directory of skopeo, or something else of that name.
pub fn no_docker_manifest(names: &[String], place: &str) -> Error {
    let error = Error::new(ErrorKind::Archive, "manifest.json is no list of images").member(b"manifest.json");
    if names.iter().any(|n| n == "version") {
        return Error::new(ErrorKind::Unsupported, "a `dir:` directory of skopeo")
            .hint(format!("convert it: `skopeo copy dir:{place} oci:app:latest`"));
    }
    error
}

/// The error for an input whose first bytes are no tar header, with what they are.
pub fn no_tar(error: Error, head: &[u8]) -> Error {
    let start = head.trim_ascii_start();
    let begins = |text: &str| start.get(..text.len()).is_some_and(|s| s.eq_ignore_ascii_case(text.as_bytes()));
    if error.what != "not a tar archive" {
        return error;
    }
    let (found, hint) = match () {
        () if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") => (
            "text in UTF-16, as PowerShell's `>` makes of any output",
            "save without it: `docker save -o app.tar app:latest`",
        ),
        // Bytes that are no text became U+FFFD.
        () if head.starts_with(b"\xef\xbb\xbf") || head.windows(3).any(|bytes| bytes == b"\xef\xbf\xbd") => (
            "text in UTF-8, as a shell's `>` makes of bytes that it takes for text",
            "save without it: `docker save -o app.tar app:latest`",
        ),
        () if begins("<!doctype") || begins("<html") || begins("<?xml") => ("an HTML page", "the download went wrong"),
        () if begins("{") || begins("[") => ("JSON", "give the archive or layout that the document lies in"),
        () if head.starts_with(b"PK\x03\x04") => ("a zip file", "unpack it first: `unzip`"),
        () if head.starts_with(b"hsqs") => ("a squashfs image", "slim reads container images only"),
        () if head.starts_with(b"\x7fELF") => ("an ELF file", "slim reads container images only"),
        () => ("other data", "slim reads what `docker save`, `podman save` and `skopeo copy` write"),
    };
    error.expected("an image archive", found).hint(hint)
}

fn listing(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
    let more = if names.len() > 5 { ", …" } else { "" };
    format!("{}{more}", shown.join(", ").escape_debug())
}
