//! Broken inputs and their errors.

use super::*;

#[test]
fn broken_documents_are_named() {
    // A flipped byte in any document; a missing one; a wrong size.
    let good = docker_25();
    for i in 0..good.files.len() {
        let mut build = good.clone();
        let bytes = &mut build.files[i].1;
        let (name, middle) = (good.files[i].0.clone(), bytes.len() / 2);
        bytes[middle] ^= 0x20;
        // Layers and attestation blobs are verified later; the index at the root has no digest.
        if let Err(e) = build.open() {
            assert!(e.archive.is_some(), "{name}: {e}");
            assert!(matches!(e.kind, ErrorKind::Digest | ErrorKind::Archive | ErrorKind::Unsupported), "{name}: {e}");
        }
    }
    let mut build = docker_20(&[layer("a")], &json!(null));
    build.files[0].1.push(b' ');
    let e = error(build.open());
    assert_eq!((e.kind, e.expected.is_some(), e.member.is_some()), (ErrorKind::Digest, true, true));
    let mut build = docker_20(&[layer("a"), layer("b")], &json!(null));
    let config = config(&[layer("a")], "amd64").to_string();
    build.files[0].1 = config.clone().into_bytes();
    let manifest: Value = serde_json::from_slice(&build.files[3].1).unwrap();
    build.files[0].0 = "config".into();
    let manifest = json!([{"Config": "config", "Layers": manifest[0]["Layers"]}]);
    build.files[3].1 = manifest.to_string().into_bytes();
    let e = error(build.open());
    assert_eq!(
        (e.expected.as_deref(), e.found.as_deref()),
        (Some("1 (its diff_ids)"), Some("2 layers in the manifest"))
    );
    build.files.remove(0);
    assert!(error(build.open()).to_string().contains("member config: missing"));
}

#[test]
fn indexes_may_be_nested_but_not_without_end() {
    let deep = |levels: usize, wide: usize| {
        let mut build = Build::default();
        let mut node = build.image(&[layer("a")], Compression::None, "amd64");
        for _ in 0..levels {
            node = build.index(&vec![node; wide]);
        }
        build.root(&[node]);
        build.open()
    };
    assert_eq!(deep(7, 200).unwrap().images.len(), 1, "and nothing is walked twice");
    assert_eq!(error(deep(8, 1)).kind, ErrorKind::Archive);
    assert_eq!(error(deep(1, 10_001)).kind, ErrorKind::Archive);
}

#[test]
fn what_is_no_image_is_said_with_the_next_step() {
    let dir = tempfile::tempdir().unwrap();
    let file = |bytes: &[u8]| {
        let path = dir.path().join("x");
        fs::write(&path, bytes).unwrap();
        error(open_path(&path))
    };
    let tar = |names: &[&str]| names.iter().fold(Tar::new(), |tar, name| tar.file(name, b"{}")).end();
    let version = Tar::new().file("manifest.json", b"{}").file("version", b"1").end();
    for (bytes, words) in [
        (b"".to_vec(), "empty file"),
        (b"<!DOCTYPE html><html>".repeat(100), "found an HTML page"),
        (b"PK\x03\x04".repeat(200), "found a zip file"),
        (tar(&[]), "without members"),
        (tar(&["etc/passwd", "bin/sh"]), "root file system"),
        (tar(&["repositories", "x/layer.tar"]), "v1 format"),
        (tar(&["app/index.json", "app/oci-layout"]), "no manifest.json and no index.json"),
        (tar(&["readme"]), "no manifest.json and no index.json"),
        (version, "`dir:` directory of skopeo"),
    ] {
        let e = file(&bytes);
        assert!(e.to_string().contains(words), "{e}");
        assert!(e.hint.is_some() || words == "without members", "{e}");
        assert_eq!(e.archive.as_deref(), dir.path().join("x").to_str());
    }
    assert!(error(open_path(&dir.path().join("missing"))).hint.unwrap().contains("docker-daemon:"));
    let empty = tempfile::tempdir().unwrap();
    assert!(error(open_path(empty.path())).what.contains("empty directory"));
    fs::create_dir_all(empty.path().join("etc")).unwrap();
    fs::create_dir_all(empty.path().join("usr")).unwrap();
    assert!(error(open_path(empty.path())).what.contains("root file system"));
}

#[test]
fn links_and_paths_never_leave_the_archive() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    fs::write(secret.path(), layer("a")).unwrap();
    let target = secret.path().to_str().unwrap();
    let out = format!("../../../../../..{target}");
    let config = config(&[layer("a")], "amd64").to_string();
    let build = |path: &str, tar: Tar| {
        let manifest = json!([{"Config": "c", "Layers": [path]}]).to_string();
        let bytes = tar.file("c", config.as_bytes()).file("manifest.json", manifest.as_bytes()).end();
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("x"), bytes).unwrap();
        open_path(&dir.path().join("x"))
    };
    for (path, tar) in [
        (out.as_str(), Tar::new()),
        (target, Tar::new()),
        ("l", Tar::new().symlink("l", target)),
        ("l", Tar::new().symlink("l", &out)),
        ("d/l", Tar::new().symlink("d", "..")),
        ("l", Tar::new().symlink("l", "m").symlink("m", "l")),
        ("l", Tar::new().hard_link("l", "l")),
        ("l", Tar::new().hard_link("l", target)),
        ("l", Tar::new().raw(b'3', "l", b"")),
    ] {
        let e = error(build(path, tar));
        assert_eq!(e.kind, ErrorKind::Archive, "{e}");
    }
    let linked = Tar::new().file("x/y", &layer("a")).symlink("d", "x").hard_link("h", "d/y").symlink("l", "./d/../h");
    assert_eq!(build("l", linked).unwrap().images[0].layers[0].size, layer("a").len() as u64);
}

#[test]
fn links_and_devices_in_a_layout_directory_are_refused() {
    let build = one_image(Compression::Gzip);
    let secret = tempfile::NamedTempFile::new().unwrap();
    for (name, bytes) in build.files.iter().filter(|(n, _)| n.starts_with("blobs")) {
        let dir = tempfile::tempdir().unwrap();
        let layout = build.write_dir(dir.path());
        fs::write(secret.path(), bytes).unwrap();
        fs::remove_file(layout.join(name)).unwrap();
        symlink(secret.path(), layout.join(name)).unwrap();
        let e = error(open_path(&layout));
        assert_eq!(e.what, "symlink leads out of the layout", "{e}");
        // A link that stays inside is fine.
        fs::write(layout.join("inside"), bytes).unwrap();
        fs::remove_file(layout.join(name)).unwrap();
        symlink("../../inside", layout.join(name)).unwrap();
        open_path(&layout).unwrap();
        fs::remove_file(layout.join(name)).unwrap();
        fs::create_dir(layout.join(name)).unwrap();
        assert_eq!(error(open_path(&layout)).what, "not a regular file");
    }
}

#[test]
fn a_change_of_the_input_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let build = one_image(Compression::Gzip);
    let change = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        bytes.push(0);
        fs::write(path, bytes).unwrap();
    };
    let path = build.write_tar(dir.path());
    let input = open_path(&path).unwrap();
    change(&path);
    assert_eq!(input.unchanged_since_open().unwrap_err().archive.as_deref(), path.to_str());
    let path = build.write_dir(dir.path());
    let input = open_path(&path).unwrap();
    let digest = input.images[0].layers[0].digest.unwrap();
    change(&path.join("blobs/sha256").join(digest.hex()));
    assert!(input.unchanged_since_open().is_err());
    assert!(input.open_blob(&input.images[0].layers[0].blob).is_err());
}

#[test]
fn five_thousand_layers_are_read_in_reasonable_time() {
    let build = docker_20(&vec![layer("a"); 5000], &json!(null));
    let input = build.open().unwrap();
    assert_eq!(input.images[0].layers.len(), 5000);
}

#[test]
fn artifacts_alone_are_no_image() {
    let mut build = Build::default();
    let config = build.json("application/vnd.cncf.helm.config.v1+json", &json!({}));
    let manifest = json!({"schemaVersion": 2, "config": config, "layers": []});
    let descriptor = build.json(media::MediaType::ImageManifest.as_ref(), &manifest);
    build.root(&[descriptor]);
    assert!(error(build.open()).what.contains("only what is of type application/vnd.cncf.helm.config"));
}
