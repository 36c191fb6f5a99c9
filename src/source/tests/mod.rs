//! Opening whole inputs: all forms, and what is picked of them.

mod bad;

use crate::image::media;
use crate::source::testing::{Build, Tar, config, docker_20, docker_25, gzip, layer, open_path, pack};
use crate::source::*;
use crate::{Error, ErrorKind};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

fn read(input: &Input, layer: &LayerRef) -> Vec<u8> {
    let mut bytes = Vec::new();
    input.open_blob(&layer.blob).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn error(result: Result<Input>) -> Error {
    result.map(|i| i.images.len()).unwrap_err()
}

fn one_image(compression: Compression) -> Build {
    let mut build = Build::default();
    let mut image = build.image(&[layer("a"), layer("b")], compression, "amd64");
    image["annotations"] = json!({"org.opencontainers.image.ref.name": "app:1"});
    build.root(&[image]);
    build
}

#[test]
fn docker_archives_are_read_with_links_between_equal_layers() {
    let mut build = docker_20(&[layer("a"), layer("b"), layer("a")], &json!(["app:1", "app:2"]));
    // The third layer as docker 20.10 writes it.
    let third = build.files.remove(3).0;
    let link = Tar::new().symlink(&third, &format!("../{:064}/layer.tar", 0)).end();
    let mut tar = link[..512].to_vec();
    tar.extend(build.tar());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.tar");
    fs::write(&path, &tar).unwrap();
    let input = open_path(&path).unwrap();
    assert_eq!((input.form, input.archive_bytes), (ImageFormat::Docker, Some(tar.len() as u64)));
    let image = &input.images[0];
    assert_eq!(image.tags, ["app:1", "app:2"]);
    assert_eq!((image.manifest.is_none(), image.platform.to_string().as_str()), (true, "linux/amd64"));
    assert_eq!(image.layers[0].blob, image.layers[2].blob);
    assert_eq!(read(&input, &image.layers[1]), layer("b"));
    assert_eq!(image.layers[1].name, format!("layer 2 of 3 (sha256:{}…)", Digest::of(&layer("b")).short()));
    assert_eq!((image.layers[1].digest, image.layers[1].size), (None, layer("b").len() as u64));
}

#[test]
fn oci_layouts_are_read_as_archive_and_directory_in_any_compression() {
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let build = one_image(compression);
        let dir = tempfile::tempdir().unwrap();
        for (path, form) in
            [(build.write_tar(dir.path()), ImageFormat::Oci), (build.write_dir(dir.path()), ImageFormat::OciDir)]
        {
            let input = open_path(&path).unwrap();
            assert_eq!((input.form, input.warnings.len()), (form, 0));
            let image = &input.images[0];
            assert_eq!(image.tags, ["app:1"]);
            let packed = pack(&layer("b"), compression);
            assert_eq!(read(&input, &image.layers[1]), packed);
            assert_eq!(image.layers[1].digest, Some(Digest::of(&packed)));
            assert_eq!((image.layers[1].compression, image.layers[1].diff_id), (compression, Digest::of(&layer("b"))));
            for skip in [0, 7, packed.len(), packed.len() + 1] {
                let mut rest = Vec::new();
                input.open_blob_at(&image.layers[1].blob, skip as u64).unwrap().read_to_end(&mut rest).unwrap();
                assert_eq!(rest, packed[skip.min(packed.len())..]);
            }
            input.unchanged_since_open().unwrap();
        }
    }
}

#[test]
fn archives_may_be_compressed_as_a_whole_and_spell_names_in_any_way() {
    let mut build = one_image(Compression::Gzip);
    build.files.iter_mut().for_each(|(name, _)| name.insert_str(0, "./"));
    build.files.reverse();
    let dir = tempfile::tempdir().unwrap();
    for packed in [gzip(&build.tar()), zstd::encode_all(&build.tar()[..], 1).unwrap()] {
        let path = dir.path().join("in");
        fs::write(&path, &packed).unwrap();
        let notes = std::sync::Mutex::new(Vec::new());
        let note = |text: &str| notes.lock().unwrap().push(text.to_owned());
        let location = Location::parse(path.to_str().unwrap()).unwrap();
        let input =
            open(&location, &OpenOptions { platform: None, registry: &Default::default(), spool_note: &note }).unwrap();
        assert_eq!((input.images.len(), input.archive_bytes), (1, Some(packed.len() as u64)));
        assert_eq!(notes.lock().unwrap().len(), 1);
    }
}

#[test]
fn a_hybrid_names_one_image_and_skips_what_is_not_there() {
    let input = docker_25().open().unwrap();
    assert_eq!((input.form, input.images.len()), (ImageFormat::Hybrid, 1));
    let image = &input.images[0];
    assert_eq!((image.tags.as_slice(), image.layers.len()), (&["app:1".to_owned()][..], 2));
    assert!(image.manifest.is_some());
    let ids: Vec<&str> = input.warnings.iter().map(|w| w.id).collect();
    assert_eq!(ids, ["absent-image"]);
    assert!(input.warnings[0].message.starts_with("linux/arm64"), "{}", input.warnings[0].message);
}

#[test]
fn where_a_hybrid_disagrees_the_blob_that_verifies_is_used() {
    let layers = [layer("a"), layer("b")];
    for wrong_oci in [true, false] {
        let mut build = Build::default();
        let mut manifest = build.manifest(&layers, Compression::Gzip, "amd64");
        let config = manifest["config"]["digest"].as_str().unwrap().replace("sha256:", "blobs/sha256/");
        let path = |d: &Value| d["digest"].as_str().unwrap().replace("sha256:", "blobs/sha256/");
        let mut paths: Vec<String> = manifest["layers"].as_array().unwrap().iter().map(path).collect();
        if wrong_oci {
            manifest["layers"][1] = manifest["layers"][0].clone();
        } else {
            paths[1] = paths[0].clone();
        }
        let descriptor = build.json(media::MediaType::ImageManifest.as_ref(), &manifest);
        build.root(&[descriptor]);
        build.file("manifest.json", json!([{"Config": config, "RepoTags": null, "Layers": paths}]).to_string());
        let input = build.open().unwrap();
        assert_eq!(read(&input, &input.images[0].layers[1]), gzip(&layers[1]), "{wrong_oci}");
        assert_eq!(input.warnings[0].id, "hybrid-mismatch");
        assert!(input.warnings[0].message.contains(if wrong_oci {
            "manifest.json is right"
        } else {
            "index.json is right"
        }));
    }
}

#[test]
fn entries_with_one_config_are_one_image_with_all_tags() {
    let mut build = docker_20(&[layer("a")], &json!(["app:1"]));
    let entry: Value = serde_json::from_slice(&build.files.last().unwrap().1).unwrap();
    let mut other = entry[0].clone();
    other["RepoTags"] = json!(["app:2", "app:1"]);
    build.files.last_mut().unwrap().1 = json!([entry[0], other]).to_string().into_bytes();
    let input = build.open().unwrap();
    assert_eq!(
        (input.images.len(), input.images[0].tags.as_slice()),
        (1, &["app:1".to_owned(), "app:2".to_owned()][..])
    );
    for tags in [json!(null), json!([])] {
        assert!(docker_20(&[layer("a")], &tags).open().unwrap().images[0].tags.is_empty());
    }
}

#[test]
fn references_and_platforms_pick_images() {
    let mut build = Build::default();
    let amd = build.image(&[layer("a")], Compression::Gzip, "amd64");
    let arm = build.image(&[layer("b")], Compression::Gzip, "arm64");
    let mut multi = build.index(&[amd.clone(), arm.clone()]);
    multi["annotations"] = json!({"org.opencontainers.image.ref.name": "multi"});
    let mut single = arm.clone();
    single["annotations"] = json!({"org.opencontainers.image.ref.name": "docker.io/library/arm:latest"});
    build.root(&[multi, single]);
    let platforms = |reference, platform| {
        let input = build.pick(reference, platform).unwrap();
        input.images.iter().map(|i| i.platform.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(platforms(None, None), ["linux/amd64", "linux/arm64"]);
    assert_eq!(platforms(Some("multi"), None), ["linux/amd64", "linux/arm64"]);
    assert_eq!(platforms(Some("arm"), None), ["linux/arm64"]);
    assert_eq!(platforms(Some("multi"), Some("linux/arm64/v8")), ["linux/arm64"]);
    assert_eq!(platforms(arm["digest"].as_str(), None), ["linux/arm64"]);
    let e = error(build.pick(Some("none"), None));
    assert_eq!((e.kind, e.hint.as_deref().unwrap().contains("multi")), (ErrorKind::Usage, true));
    assert!(e.hint.unwrap().contains("docker.io/library/arm:latest"));
    let e = error(build.pick(None, Some("linux/s390x")));
    assert!(e.hint.unwrap().contains("linux/amd64, linux/arm64"), "{}", e.what);
}

#[test]
fn media_types_that_differ_from_the_bytes_are_warned_of_and_unknown_ones_refused() {
    let build = |media: &str, urls: bool, blob: bool| {
        let mut build = Build::default();
        let mut manifest = build.manifest(&[layer("a")], Compression::Gzip, "amd64");
        manifest["layers"][0]["mediaType"] = json!(media);
        if urls {
            manifest["layers"][0]["urls"] = json!(["https://example.com"]);
        }
        if !blob {
            build.remove(&manifest["layers"][0]["digest"]);
        }
        let descriptor = build.json(media::MediaType::ImageManifest.as_ref(), &manifest);
        build.root(&[descriptor]);
        build.open()
    };
    let input = build("application/vnd.oci.image.layer.v1.tar", false, true).unwrap();
    assert_eq!(
        (input.images[0].layers[0].compression, input.warnings[0].id),
        (Compression::Gzip, "media-type-mismatch")
    );
    let encrypted = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted";
    let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    for (media, urls, blob) in [(encrypted, false, true), ("application/x-tar", false, true), (foreign, true, false)] {
        let e = error(build(media, urls, blob));
        assert_eq!((e.kind, e.what.contains(media), e.layer.is_some()), (ErrorKind::Unsupported, true, true), "{e}");
    }
    build(foreign, true, true).unwrap();
    assert_eq!(error(build("application/vnd.oci.image.layer.v1.tar+gzip", false, false)).kind, ErrorKind::Archive);
}
