//! Whole archives: changed by hand, run, and held against each other.

use crate::builder::archive::{to_tar, write_dir};
use crate::builder::{Archive, Entries, Entry, Form, Image, layer};
use crate::oracle::archive::View;
use crate::oracle::{Checks, diff, open, well_formed};
use crate::run::Dir;
use serde_json::Value;

pub const FORMS: [Form; 4] = [Form::Docker, Form::Hybrid, Form::OciTar, Form::OciDir];

/// An image whose second layer hides a file of the first.
pub fn small() -> Image {
    Image::new(vec![
        layer("dir d mode=0700\nfile d/a content=hidden-content repeat=500\nfile b content=b-content"),
        layer("whiteout d/a\nfile c content=c-content"),
    ])
}

/// Runs slim on an archive and holds the output against the input: digests, config, tags, trees.
#[track_caller]
pub fn check(archive: &Archive, args: &[&str]) -> (View, View) {
    check_entries(&archive.entries(), archive.form, args)
}

#[track_caller]
pub fn check_entries(entries: &Entries, form: Form, args: &[&str]) -> (View, View) {
    let dir = Dir::new();
    let (input, output) = if form == Form::OciDir { ("in", "out") } else { ("in.tar", "out.tar") };
    if form == Form::OciDir {
        write_dir(entries, &dir.join("in"));
    } else {
        dir.write("in.tar", to_tar(entries));
    }
    let mut all = vec![input, "-o", output];
    if !args.contains(&"-p") {
        all.extend(["-p", "shadowed.toml"]);
    }
    all.extend(args);
    dir.run(&all).ok();
    let (before, after) = (open(&dir.join(input)), open(&dir.join(output)));
    let checks = Checks { squash: args.contains(&"squash").then_some(0), base: 0 };
    let bad = well_formed(&before, &after, checks);
    assert!(bad.is_empty(), "{form:?} {args:?} {bad:#?}");
    for (a, b) in before.images.iter().zip(&after.images) {
        assert_eq!(diff(&a.tree().unwrap(), &b.tree().unwrap()), None, "{form:?} {args:?}");
    }
    (before, after)
}

pub const MODES: [&[&str]; 3] = [&[], &["--layers", "squash"], &["-p", "none"]];

/// Changes a JSON document of an archive in its place.
pub fn edit(entries: &mut Entries, name: &str, change: impl FnOnce(&mut Value)) {
    let entry = entries.iter_mut().find(|(n, _)| n == name).unwrap();
    let Entry::File(bytes) = &mut entry.1 else { panic!("{name} is no file") };
    let mut json: Value = serde_json::from_slice(bytes).unwrap();
    change(&mut json);
    *bytes = serde_json::to_vec(&json).unwrap();
}

/// Changes the manifest that `index.json` names first, and the digest and size there.
pub fn rewrite_manifest(entries: &mut Entries, change: impl FnOnce(&mut Value)) {
    let index = crate::oracle::archive::get(entries, "index.json").unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    let old = crate::builder::archive::blob_path(index["manifests"][0]["digest"].as_str().unwrap());
    edit(entries, &old, change);
    let bytes = crate::oracle::archive::get(entries, &old).unwrap();
    let digest = crate::builder::sha256(&bytes);
    entries.iter_mut().find(|(n, _)| *n == old).unwrap().0 = crate::builder::archive::blob_path(&digest);
    edit(entries, "index.json", |i| {
        i["manifests"][0]["digest"] = digest.into();
        i["manifests"][0]["size"] = bytes.len().into();
    });
}
