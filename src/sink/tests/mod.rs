//! Whole outputs: what passes unchanged, and what is re-pointed.

mod blobs;
mod picks;

use crate::digest::Hashing;
use crate::image::media::{self, Family};
use crate::image::{Compression, ConfigChange, LayerMedia, config};
use crate::sink::*;
use crate::source::testing::{Build, docker_20, docker_25, layer, open_path, pack};
use crate::source::{ImageFormat, Input};
use crate::{Digest, ErrorKind, Result, Warning};
use oci_spec::image::MediaType;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// A test's rewriting of the layers of an image.
type Change = fn(Vec<OutLayer>, &Output) -> Vec<OutLayer>;

fn same(layers: Vec<OutLayer>, _: &Output) -> Vec<OutLayer> {
    layers
}

fn without_last(mut layers: Vec<OutLayer>, _: &Output) -> Vec<OutLayer> {
    layers.pop();
    layers
}

/// The last layer with other content, as zstd.
fn last_as_zstd(mut layers: Vec<OutLayer>, output: &Output) -> Vec<OutLayer> {
    let tar = layer("new");
    let blob = pack(&tar, Compression::Zstd);
    let (digest, size) = (Digest::of(&blob), blob.len() as u64);
    let mut writer = output.begin(None).unwrap();
    writer.write_all(&blob).unwrap();
    output.commit(writer, digest).unwrap();
    let last = layers.last_mut().unwrap();
    *last = OutLayer { digest, size, diff_id: Digest::of(&tar), compression: Compression::Zstd, from: last.from };
    layers
}

fn copy_layers(input: &Input, output: &Output, image: usize) -> Result<Vec<OutLayer>> {
    let mut layers = Vec::new();
    for (from, layer) in input.images[image].layers.iter().enumerate() {
        let mut writer = output.begin(Some(layer.size))?;
        let mut reader = Hashing::new(input.open_blob(&layer.blob)?);
        io::copy(&mut reader, &mut writer)?;
        let (_, digest, size) = reader.finish();
        output.commit(writer, digest)?;
        let (diff_id, compression) = (layer.diff_id, layer.compression);
        layers.push(OutLayer { digest, size, diff_id, compression, from: Some(from) });
    }
    Ok(layers)
}

fn rewrite(input: &Input, target: &str, tags: &[&str], change: Change) -> Result<Vec<Warning>> {
    let output = Output::create(&Target::parse(target)?, input.form, None)?;
    let mut images = Vec::new();
    for (i, image) in input.images.iter().enumerate() {
        let layers = change(copy_layers(input, &output, i)?, &output);
        let change = ConfigChange {
            fates: (0..image.layers.len()).map(|l| l < layers.len()).collect(),
            diff_ids: layers.iter().map(|l| l.diff_id).collect(),
            ..Default::default()
        };
        images.push(Rewritten { image: i, config: config::rewrite(&image.config, &change).doc, layers });
    }
    let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
    let form = output.form();
    let (documents, warnings) = assemble(&Assembly { input, images: &images, tags: &tags, form })?;
    output.copy_raw(input, &documents)?;
    output.seal(&documents)?.publish()?;
    Ok(warnings)
}

/// A rewritten archive: its files and the warnings.
struct Run {
    files: BTreeMap<String, Vec<u8>>,
    warnings: Vec<&'static str>,
    input: Input,
}

impl Run {
    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.files[name]).unwrap()
    }

    /// The document that `descriptor` names, verified.
    fn blob(&self, descriptor: &Value) -> Value {
        let digest = Digest::parse(descriptor["digest"].as_str().unwrap()).unwrap();
        let bytes = &self.files[&format!("blobs/sha256/{}", digest.hex())];
        assert_eq!((Digest::of(bytes), json!(bytes.len())), (digest, descriptor["size"].clone()));
        serde_json::from_slice(bytes).unwrap()
    }
}

/// Rewrites to a file and reads that back, with another tar implementation and with our own.
fn run(build: &Build, prefix: &str, tags: &[&str], change: Change) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let input = open_path(&build.write_tar(dir.path())).unwrap();
    let out = dir.path().join("out.tar");
    let warnings = rewrite(&input, &format!("{prefix}{}", out.display()), tags, change).unwrap();
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(fs::File::open(&out).unwrap()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        files.insert(entry.path().unwrap().display().to_string(), bytes);
    }
    for (name, bytes) in files.iter().filter(|(n, _)| n.len() > 60) {
        assert_eq!(name.trim_start_matches("blobs/sha256/"), Digest::of(bytes).hex());
    }
    let again = open_path(&out).unwrap();
    assert_eq!(again.images.len(), input.images.len());
    let left: Vec<PathBuf> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    Run { files, warnings: warnings.iter().map(|w| w.id).collect(), input }
}

fn multi_platform() -> Build {
    let mut build = Build::default();
    let amd = build.image(&[layer("a"), layer("b")], Compression::Gzip, "amd64");
    let arm = build.image(&[layer("a"), layer("c")], Compression::Gzip, "arm64");
    let attestation = build.attestation(&amd);
    let mut index = build.index(&[amd, arm, attestation]);
    index["annotations"] = json!({"org.opencontainers.image.ref.name": "v1", "x": "y"});
    build.root(&[index]);
    build
}

#[test]
fn what_does_not_change_keeps_its_bytes() {
    for (build, prefix) in [(multi_platform(), ""), (docker_25(), ""), (docker_25(), "oci-archive:")] {
        let out = run(&build, prefix, &[], same);
        let before: BTreeMap<String, Vec<u8>> = build.files.iter().cloned().collect();
        let mut after = out.files.clone();
        after.retain(|name, _| !name.ends_with('/'));
        for (name, bytes) in &before {
            if prefix.is_empty() || name != "manifest.json" {
                assert_eq!(after.get(name), Some(bytes), "{name}");
            }
        }
        assert_eq!(after.len(), before.len() - usize::from(!prefix.is_empty()));
        assert!(out.warnings.is_empty());
    }
}

#[test]
fn a_changed_image_is_re_pointed_in_all_indexes_and_its_attestation_dropped() {
    let out = run(&multi_platform(), "", &[], without_last);
    let root = out.json("index.json");
    assert_eq!((&root["x-root"], root["manifests"].as_array().unwrap().len()), (&json!(true), 1));
    assert_eq!(root["manifests"][0]["annotations"]["x"], "y");
    let index = out.blob(&root["manifests"][0]);
    let list = index["manifests"].as_array().unwrap();
    assert_eq!(list.len(), 2);
    for (descriptor, arch) in list.iter().zip(["amd64", "arm64"]) {
        assert_eq!(descriptor["platform"]["architecture"], arch);
        let manifest = out.blob(descriptor);
        assert_eq!((&manifest["x-unknown"], manifest["layers"].as_array().unwrap().len()), (&json!(1), 1));
        let config = out.blob(&manifest["config"]);
        assert_eq!((&config["history"][1]["empty_layer"], &config["x-unknown"]), (&json!(true), &json!(1)));
    }
    assert_eq!(out.warnings, ["attestation-dropped"]);
}

#[test]
fn a_docker_archive_becomes_a_hybrid() {
    let mut build = docker_20(&[layer("a"), layer("b")], &json!(["app:1", "h:5000/x:2"]));
    let mut manifest: Value = serde_json::from_slice(&build.files.last().unwrap().1).unwrap();
    manifest[0]["x-unknown"] = json!(1);
    build.files.last_mut().unwrap().1 = manifest.to_string().into_bytes();
    let out = run(&build, "", &[], same);
    let entry = &out.json("manifest.json")[0];
    let path = |bytes: &[u8]| json!(format!("blobs/sha256/{}", Digest::of(bytes).hex()));
    assert_eq!(entry["RepoTags"], json!(["app:1", "h:5000/x:2"]));
    assert_eq!(entry["Layers"], json!([path(&layer("a")), path(&layer("b"))]));
    assert_eq!((&entry["Config"], &entry["x-unknown"]), (&path(&build.files[0].1), &json!(1)));
    let root = out.json("index.json");
    let names: Vec<&Value> = root["manifests"].as_array().unwrap().iter().map(|d| &d["annotations"]).collect();
    assert_eq!(names[0]["io.containerd.image.name"], "docker.io/library/app:1");
    assert_eq!(names[0]["org.opencontainers.image.ref.name"], "1");
    assert_eq!(names[1]["io.containerd.image.name"], "h:5000/x:2");
    let manifest = out.blob(&root["manifests"][1]);
    assert_eq!(manifest["layers"][0]["mediaType"], LayerMedia::name(Family::Oci, Compression::None).as_ref());
    let untagged = run(&docker_20(&[layer("a")], &json!(null)), "", &[], same);
    assert_eq!(untagged.json("manifest.json")[0]["RepoTags"], Value::Null);
    assert_eq!(untagged.json("index.json")["manifests"].as_array().unwrap().len(), 1);
    let oci = run(&build, "oci-archive:", &[], same);
    assert_eq!(
        oci.json("index.json")["manifests"][0]["annotations"],
        json!({"org.opencontainers.image.ref.name": "app:1"})
    );
    assert!(!oci.files.contains_key("manifest.json"));
}

#[test]
fn documents_made_anew_have_the_fields_that_engines_write() {
    let out = run(&docker_20(&[layer("a")], &json!(["app:1"])), "oci-archive:", &[], same);
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap();
        (digest.to_owned(), &out.files[&digest.replace("sha256:", "blobs/sha256/")])
    };
    let index: Value = serde_json::from_slice(&out.files["index.json"]).unwrap();
    let (digest, bytes) = blob(&index["manifests"][0]);
    let descriptor = |media: MediaType, digest: &str, size: usize| {
        format!(r#"{{"mediaType":"{media}","digest":"{digest}","size":{size}"#)
    };
    let annotations = r#","annotations":{"org.opencontainers.image.ref.name":"app:1"}}"#;
    let list = descriptor(MediaType::ImageManifest, &digest, bytes.len()) + annotations;
    let text = format!(r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{list}]}}"#, MediaType::ImageIndex);
    assert_eq!(String::from_utf8_lossy(&out.files["index.json"]), text);
    let manifest: Value = serde_json::from_slice(bytes).unwrap();
    let ((config, of_config), (layer, of_layer)) = (blob(&manifest["config"]), blob(&manifest["layers"][0]));
    let config = descriptor(MediaType::ImageConfig, &config, of_config.len());
    let layer = descriptor(MediaType::ImageLayer, &layer, of_layer.len());
    let media = MediaType::ImageManifest;
    let text = format!(r#"{{"schemaVersion":2,"mediaType":"{media}","config":{config}}},"layers":[{layer}}}]}}"#);
    assert_eq!(String::from_utf8_lossy(bytes), text);
    assert_eq!(out.files["oci-layout"], br#"{"imageLayoutVersion":"1.0.0"}"#);
}

#[test]
fn layer_sources_and_parents_follow() {
    let mut build = docker_25();
    let mut manifest: Value = serde_json::from_slice(&build.files.last().unwrap().1).unwrap();
    let (a, b) = (Digest::of(&layer("a")).to_string(), Digest::of(&layer("b")).to_string());
    let kept =
        json!({"mediaType": "x", "size": 1, "digest": Digest::of(&pack(&layer("a"), Compression::Gzip)).to_string()});
    manifest[0]["LayerSources"] = json!({a.as_str(): kept, b: {"digest": "sha256:0"}});
    let own = manifest[0]["Config"].as_str().unwrap().replace("blobs/sha256/", "sha256:");
    manifest[0]["Parent"] = json!(own);
    build.files.last_mut().unwrap().1 = manifest.to_string().into_bytes();
    let out = run(&build, "", &[], without_last);
    let entry = &out.json("manifest.json")[0];
    assert_eq!(entry["LayerSources"], json!({a: kept}));
    assert_eq!(
        entry["Parent"].as_str().unwrap(),
        entry["Config"].as_str().unwrap().replace("blobs/sha256/", "sha256:")
    );
}

#[test]
fn descriptors_of_new_blobs_lose_what_describes_the_old_bytes() {
    let mut build = Build::default();
    let mut manifest = build.manifest(&[layer("a"), layer("b")], Compression::Gzip, "amd64");
    let annotations = json!({
        "containerd.io/snapshot/stargz/toc.digest": "x", "io.github.containers.zstd-chunked.manifest-checksum": "x",
        "containerd.io/uncompressed": "x", "mine": "1",
    });
    for i in 0..2 {
        manifest["layers"][i]["annotations"] = annotations.clone();
        manifest["layers"][i]["x"] = json!(i);
    }
    let descriptor = build.json(media::MediaType::ImageManifest.as_ref(), &manifest);
    build.root(&[descriptor]);
    let out = run(&build, "", &[], last_as_zstd);
    let new = out.blob(&out.json("index.json")["manifests"][0]);
    assert_eq!(new["layers"][0], manifest["layers"][0]);
    assert_eq!(new["layers"][1]["annotations"], json!({"mine": "1"}));
    assert_eq!(new["layers"][1]["mediaType"], LayerMedia::name(Family::Oci, Compression::Zstd).as_ref());
}

#[test]
fn zstd_turns_dockers_manifest_into_an_oci_one() {
    let mut build = Build::default();
    let mut manifest = build.manifest(&[layer("a"), layer("b")], Compression::Gzip, "amd64");
    manifest["mediaType"] = json!(media::DOCKER_MANIFEST);
    manifest["config"]["mediaType"] = json!(media::DOCKER_CONFIG);
    for i in 0..2 {
        manifest["layers"][i]["mediaType"] = json!(LayerMedia::name(Family::Docker, Compression::Gzip));
    }
    let descriptor = build.json(media::DOCKER_MANIFEST, &manifest);
    let list = json!({"schemaVersion": 2, "mediaType": media::DOCKER_LIST, "manifests": [descriptor]});
    let list = build.json(media::DOCKER_LIST, &list);
    build.root(&[list]);
    let out = run(&build, "", &[], last_as_zstd);
    assert_eq!(out.warnings, ["manifest-converted"]);
    let root = out.json("index.json");
    assert_eq!(root["manifests"][0]["mediaType"], media::MediaType::ImageIndex.as_ref());
    let index = out.blob(&root["manifests"][0]);
    assert_eq!(
        (&index["mediaType"], &index["manifests"][0]["mediaType"]),
        (&json!(media::MediaType::ImageIndex), &json!(media::MediaType::ImageManifest))
    );
    let manifest = out.blob(&index["manifests"][0]);
    assert_eq!(manifest["layers"][0]["mediaType"], LayerMedia::name(Family::Oci, Compression::Gzip).as_ref());
    assert_eq!(manifest["config"]["mediaType"], media::MediaType::ImageConfig.as_ref());
    // Without zstd the family stays.
    let out = run(&build, "", &[], without_last);
    let index = out.blob(&out.json("index.json")["manifests"][0]);
    assert_eq!(out.blob(&index["manifests"][0])["mediaType"], media::DOCKER_MANIFEST);
    assert_eq!(run(&docker_25(), "", &[], last_as_zstd).warnings, ["attestation-dropped", "zstd-in-docker-archive"]);
}

#[test]
fn a_hybrid_that_disagrees_comes_out_right() {
    let mut build = Build::default();
    let mut manifest = build.manifest(&[layer("a"), layer("b")], Compression::Gzip, "amd64");
    let path = |d: &Value| d["digest"].as_str().unwrap().replace("sha256:", "blobs/sha256/");
    let paths: Vec<String> = manifest["layers"].as_array().unwrap().iter().map(path).collect();
    let good = manifest["layers"].clone();
    let entry = json!([{"Config": path(&manifest["config"]), "RepoTags": ["app:1"], "Layers": paths}]);
    for bad in [json!([good[0], good[0]]), json!([good[0]])] {
        let mut build = build.clone();
        manifest["mediaType"] = json!(media::DOCKER_MANIFEST);
        manifest["layers"] = bad;
        let descriptor = build.json(media::DOCKER_MANIFEST, &manifest);
        build.root(&[descriptor]);
        build.file("manifest.json", entry.to_string());
        let out = run(&build, "", &[], same);
        let descriptor = &out.json("index.json")["manifests"][0];
        let manifest = out.blob(descriptor);
        assert_eq!(manifest["mediaType"], descriptor["mediaType"]);
        let digests = |list: &Value| list.as_array().unwrap().iter().map(|l| l["digest"].clone()).collect::<Vec<_>>();
        assert_eq!(digests(&manifest["layers"]), digests(&good));
        assert_eq!(out.json("manifest.json"), entry);
    }
}
