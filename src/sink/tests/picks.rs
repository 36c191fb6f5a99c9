//! Tags, platforms, and what refers to an image.

use super::*;

#[test]
fn tags_replace_those_of_one_image_and_are_refused_for_several() {
    let out = run(&docker_25(), "", &["new", "ghcr.io/a/b:2"], same);
    assert_eq!(out.json("manifest.json")[0]["RepoTags"], json!(["new:latest", "ghcr.io/a/b:2"]));
    let root = out.json("index.json");
    let names: Vec<&Value> = root["manifests"].as_array().unwrap().iter().map(|d| &d["annotations"]).collect();
    assert_eq!(names[0]["io.containerd.image.name"], "docker.io/library/new:latest");
    assert_eq!((names.len(), &names[1]["org.opencontainers.image.ref.name"]), (2, &json!("2")));
    let out = run(&multi_platform(), "", &["v2"], same);
    let annotations = &out.json("index.json")["manifests"][0]["annotations"];
    assert_eq!(*annotations, json!({"org.opencontainers.image.ref.name": "v2", "x": "y"}));
    let out = run(&multi_platform(), "docker-archive:", &[], same);
    assert_eq!(out.warnings, ["no-name"]);
    let out = run(&multi_platform(), "docker-archive:", &["app:2"], same);
    assert_eq!(
        (&out.json("manifest.json")[0]["RepoTags"], out.warnings.as_slice()),
        (&json!(["app:2"]), &["several-platforms"][..])
    );

    let mut build = docker_20(&[layer("a")], &json!(["app:1"]));
    let other = docker_20(&[layer("b")], &json!(["web:1"]));
    let entry = |b: &Build| serde_json::from_slice::<Value>(&b.files.last().unwrap().1).unwrap()[0].clone();
    let mut second = entry(&other);
    second["Layers"] = json!(["b"]);
    let manifest = json!([entry(&build), second]);
    build.files.last_mut().unwrap().1 = manifest.to_string().into_bytes();
    build.files.push(other.files[0].clone());
    build.file("b", layer("b"));
    let input = build.open().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("x.tar");
    let e = rewrite(&input, out.to_str().unwrap(), &["new"], same).unwrap_err();
    assert_eq!((e.kind, e.hint.unwrap().contains("app:1, web:1")), (ErrorKind::Usage, true));
    assert!(rewrite(&input, out.to_str().unwrap(), &["A:B:C"], same).is_err());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    assert_eq!(run(&build, "", &[], same).input.images.len(), 2);
}

#[test]
fn picking_a_platform_leaves_the_others_out() {
    let build = multi_platform();
    let input = build.pick(Some("v1"), Some("linux/arm64")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    // The opened file is gone by now; what is open stays readable.
    rewrite(&input, &format!("oci:{}", dir.path().join("out").display()), &[], same).unwrap();
    let read = |name: &str| fs::read(dir.path().join("out").join(name)).unwrap();
    let root: Value = serde_json::from_slice(&read("index.json")).unwrap();
    let index = root["manifests"][0]["digest"].as_str().unwrap().replace("sha256:", "blobs/sha256/");
    let index: Value = serde_json::from_slice(&read(&index)).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
    assert_eq!(index["manifests"][0]["platform"]["architecture"], "arm64");
    assert_eq!(fs::read_dir(dir.path().join("out/blobs/sha256")).unwrap().count(), 5);
}

#[test]
fn referrers_stay_while_what_they_refer_to_does() {
    let mut build = Build::default();
    let image = build.image(&[layer("a"), layer("b")], Compression::Gzip, "amd64");
    let empty = build.json("application/vnd.oci.empty.v1+json", &json!({}));
    let mut referrer = |subject: Option<&Value>, kind: &str| {
        let payload = build.blob("text/plain", kind.as_bytes());
        let mut manifest = json!({"schemaVersion": 2, "mediaType": media::MediaType::ImageManifest, "artifactType": kind, "config": empty, "layers": [payload]});
        if let Some(subject) = subject {
            manifest["subject"] = subject.clone();
        }
        build.json(media::MediaType::ImageManifest.as_ref(), &manifest)
    };
    let signature = referrer(Some(&image), "application/signature");
    let unrelated = referrer(None, "application/other");
    let mut cosign = referrer(None, "application/cosign");
    let tag = image["digest"].as_str().unwrap().replace(':', "-") + ".sig";
    cosign["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
    build.root(&[image, signature, unrelated.clone(), cosign]);
    let out = run(&build, "", &[], same);
    assert_eq!(out.json("index.json")["manifests"].as_array().unwrap().len(), 4);
    let out = run(&build, "", &[], without_last);
    let root = out.json("index.json");
    assert_eq!((root["manifests"].as_array().unwrap().len(), &root["manifests"][1]), (2, &unrelated));
    assert_eq!(out.warnings, ["attestation-dropped", "attestation-dropped"]);
}
