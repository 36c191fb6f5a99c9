//! What is broken: exit code 2, a message that names it, no panic, nothing left at OUT, and the host untouched.

mod archives;
mod documents;
mod hostile;
mod layers;

use crate::archives::rewrite_manifest;
use crate::builder::archive::{Entries, to_tar};
use crate::builder::{Archive, Comp, Entry, Form, Image, layer, sha256};
use crate::oracle::open;
use crate::run::{Dir, Outcome};
use serde_json::json;

pub const RUN: [&str; 5] = ["in.tar", "-p", "shadowed.toml", "-o", "out.tar"];

/// Runs on these bytes; whatever comes of it, no panic and no stray files.
#[track_caller]
pub fn run(bytes: &[u8]) -> Outcome {
    let dir = Dir::new();
    dir.write("in.tar", bytes);
    let run = dir.run(&RUN);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    match run.code {
        Some(0) => assert_eq!(open(&dir.join("out.tar")).problems, Vec::<String>::new()),
        Some(2) => assert_eq!(dir.names(), ["in.tar", "shadowed.toml"], "{}", run.stderr),
        code => panic!("exit code {code:?}: {}", run.stderr),
    }
    run
}

#[track_caller]
pub fn refused(bytes: &[u8], words: &[&str]) {
    run(bytes).error(words);
}

pub fn image_of(tar: Vec<u8>) -> Image {
    Image::new(vec![tar, layer("file other content=other\nwhiteout gone")])
}

/// The image with this as its first layer, in two layouts.
#[track_caller]
pub fn refused_layer(tar: &[u8], words: &[&str]) {
    for (form, comp) in [(Form::Docker, Comp::None), (Form::OciTar, Comp::Gzip)] {
        refused(&to_tar(&Archive::new(image_of(tar.to_vec()).comp(comp), form).entries()), words);
    }
}

/// The image's archive with the first layer's blob replaced, its descriptor made to fit.
pub fn with_blob(image: &Image, blob: &[u8], comp: Comp) -> Entries {
    let mut entries = Archive::new(image.clone(), Form::OciTar).entries();
    entries.push((format!("blobs/sha256/{}", &sha256(blob)[7..]), Entry::File(blob.to_vec())));
    let (digest, size) = (sha256(blob), blob.len());
    rewrite_manifest(&mut entries, |m| {
        m["layers"][0] = json!({"mediaType": format!("application/vnd.oci.image.layer.v1.tar{}", comp.suffix(false)), "digest": digest, "size": size});
    });
    entries
}

/// Runs with 400 MB of address space for data, where that can be had.
pub fn limited(dir: &Dir, args: &[&str]) -> Outcome {
    let mut sh = std::process::Command::new("sh");
    sh.arg("-c").arg("ulimit -d 400000; exec \"$0\" \"$@\"").arg(crate::run::slim()).args(args).current_dir(dir.path());
    crate::run::finish(sh, b"")
}
