//! Layouts with other things in them than images, images that say less than others, and inputs that are told what they are.

use crate::archives::{FORMS, check_entries, edit, small};
use crate::bad_input::refused;
use crate::builder::archive::{OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, blob_path, push_blob, to_tar, write_dir};
use crate::builder::{Archive, Comp, Entries, Entry, Form, layer, sha256};
use crate::oracle::archive::get;
use crate::run::Dir;
use base64::Engine as _;
use serde_json::{Value, json};

/// A layout with an image, and its manifest's descriptor.
fn layout() -> (Entries, Value) {
    let entries = Archive::new(small().comp(Comp::Gzip), Form::OciTar).entries();
    let index: Value = serde_json::from_slice(&get(&entries, "index.json").unwrap()).unwrap();
    let descriptor = index["manifests"][0].clone();
    (entries, descriptor)
}

/// Adds a manifest to the layout; its descriptor.
fn add(entries: &mut Entries, name: &str, manifest: &Value) -> Value {
    let mut descriptor = push_blob(entries, OCI_MANIFEST, manifest.to_string().into_bytes());
    if !name.is_empty() {
        descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": name});
    }
    edit(entries, "index.json", |i| i["manifests"].as_array_mut().unwrap().push(descriptor.clone()));
    descriptor
}

/// Adds an artifact of one config and one layer; its descriptor and the digests of its blobs.
fn artifact(entries: &mut Entries, config: (&str, &str), layer: (&str, &[u8]), more: Value) -> (Value, Vec<String>) {
    let config = push_blob(entries, config.0, config.1.as_bytes().to_vec());
    let layer = push_blob(entries, layer.0, layer.1.to_vec());
    let blobs = [&config, &layer].map(|d| d["digest"].as_str().unwrap().to_owned()).to_vec();
    let mut manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer]});
    for (key, value) in more.as_object().unwrap() {
        manifest[key] = value.clone();
    }
    (add(entries, "any-name", &manifest), blobs)
}

fn run(entries: &Entries, args: &[&str]) -> (Entries, String) {
    let dir = Dir::new();
    dir.write("in.tar", to_tar(entries));
    let run = dir.run(&[&["in.tar", "-o", "out.tar"], args].concat()).ok();
    for more in [&[][..], &["--against", "in.tar"]] {
        let verified = dir.run(&[&["verify", "out.tar"], more].concat());
        assert_eq!(verified.code, Some(0), "{more:?} {}{}", verified.text(), verified.stderr);
    }
    let bytes = std::fs::read(dir.join("out.tar")).unwrap();
    let members = crate::oracle::tar::read(&bytes).unwrap();
    let files = members
        .iter()
        .filter(|m| m.flag == b'0')
        .map(|m| (String::from_utf8(m.name.clone()).unwrap(), Entry::File(m.content.to_vec())));
    (files.collect(), run.stderr)
}

fn manifests(entries: &Entries) -> Vec<Value> {
    let index: Value = serde_json::from_slice(&get(entries, "index.json").unwrap()).unwrap();
    index["manifests"].as_array().unwrap().clone()
}

const CHANGES: [&str; 2] = ["-p", "shadowed.toml"];

#[test]
fn what_is_no_image_passes_as_it_is() {
    let gzip = Comp::Gzip.encode(&layer("file policy.rego content=allow"));
    let gzip_layer = format!("{OCI_LAYER}+gzip");
    let nothing = "application/vnd.oci.empty.v1+json";
    type Typed<'a, T> = (&'a str, &'a T);
    let cases: Vec<(Typed<'_, str>, Typed<'_, [u8]>, Value)> = vec![
        (
            ("application/vnd.cncf.helm.config.v1+json", r#"{"name":"chart"}"#),
            ("application/vnd.cncf.helm.chart.content.v1.tar+gzip", &gzip),
            json!({}),
        ),
        (("application/vnd.wasm.config.v0+json", r#"{"os":"wasip2"}"#), ("application/wasm", b"\0asm"), json!({})),
        ((OCI_CONFIG, "{}"), ("application/vnd.wasm.content.layer.v1+wasm", b"\0asm"), json!({})),
        // An OPA bundle says that it is an image in all but what its config has.
        ((OCI_CONFIG, "{}"), (&gzip_layer, &gzip), json!({})),
        ((OCI_CONFIG, r#"{"created":"2024-01-01T00:00:00Z"}"#), (&gzip_layer, &gzip), json!({})),
        // Older versions of oras.
        (("application/vnd.unknown.config.v1+json", "{}"), (OCI_LAYER, b"no tar at all"), json!({})),
        (
            ("application/vnd.docker.ai.model.config.v0.1+json", "{}"),
            ("application/vnd.docker.ai.gguf.v3", b"GGUF"),
            json!({}),
        ),
        ((nothing, "{}"), ("text/plain", b"text"), json!({"artifactType": "application/vnd.example"})),
        ((OCI_CONFIG, "{}"), (OCI_LAYER, b"text"), json!({"artifactType": "application/vnd.example"})),
        (("application/octet-stream", "no JSON"), ("application/octet-stream", b"bytes"), json!({})),
        (("application/octet-stream", r#"{"os":"linux"}"#), (OCI_LAYER, b"bytes"), json!({})),
    ];
    for (config, layer, more) in cases {
        let (mut entries, _) = layout();
        let (descriptor, blobs) = artifact(&mut entries, config, layer, more);
        let (out, _) = run(&entries, &CHANGES);
        assert!(manifests(&out).contains(&descriptor), "{config:?} {layer:?}");
        for digest in blobs.iter().map(String::as_str).chain([descriptor["digest"].as_str().unwrap()]) {
            assert_eq!(get(&out, &blob_path(digest)), get(&entries, &blob_path(digest)), "{config:?} {layer:?}");
        }
        assert_ne!(manifests(&out)[0], manifests(&entries)[0], "the image changes");
        // Alone it is no image.
        edit(&mut entries, "index.json", |i| drop(i["manifests"].as_array_mut().unwrap().remove(0)));
        refused(&to_tar(&entries), &["in.tar", "names no image, only what is of type", "hint:"]);
    }
}

#[test]
fn a_blob_that_an_index_names_without_a_manifest_passes() {
    let (mut entries, _) = layout();
    let blob = push_blob(&mut entries, "text/plain", b"just text".to_vec());
    edit(&mut entries, "index.json", |i| i["manifests"].as_array_mut().unwrap().push(blob.clone()));
    let (out, _) = run(&entries, &CHANGES);
    assert!(manifests(&out).contains(&blob));
}

/// Signatures of cosign, attestations in an envelope, statements: under any name, and by what they say.
#[test]
fn what_is_about_the_image_goes_with_a_warning() {
    let base64 = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    let cosign = ("application/vnd.dev.cosign.simplesigning.v1+json", "config");
    type Make = fn(&str) -> String;
    let payload: Make =
        |digest| json!({"critical": {"image": {"docker-manifest-digest": digest}, "type": "cosign"}}).to_string();
    let statement: Make = |digest| {
        json!({"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "x", "digest": {"sha256": &digest[7..]}}]}).to_string()
    };
    for (media, about) in [(cosign.0, payload), ("application/vnd.in-toto+json", statement)] {
        for packed in [false, true] {
            let (mut entries, image) = layout();
            let text = about(image["digest"].as_str().unwrap());
            let text = if packed {
                json!({"payloadType": media, "payload": base64(text), "signatures": []}).to_string()
            } else {
                text
            };
            let config = json!({"architecture": "", "os": "", "config": {}, "rootfs": {"type": "layers", "diff_ids": [sha256(text.as_bytes())]}});
            let (signature, _) =
                artifact(&mut entries, (OCI_CONFIG, &config.to_string()), (media, text.as_bytes()), json!({}));
            // Another of the same kind, about something that is not here.
            let other = about(&sha256(b"elsewhere"));
            let (kept, _) = artifact(&mut entries, (OCI_CONFIG, "{}"), (media, other.as_bytes()), json!({}));
            let (out, said) = run(&entries, &CHANGES);
            assert!(said.contains("is about") && said.contains("dropped"), "{said}");
            assert!(!manifests(&out).contains(&signature) && manifests(&out).contains(&kept), "{media} {packed}");
            // An image that stays the same keeps its signature.
            let (out, _) = run(&entries, &["-p", "none"]);
            assert!(manifests(&out).contains(&signature), "{media} {packed}");
        }
    }
}

#[test]
fn an_artifact_that_lacks_blobs_passes_too() {
    let (mut entries, _) = layout();
    let (descriptor, blobs) =
        artifact(&mut entries, ("application/vnd.x.config", "{}"), ("application/vnd.x", b"gone"), json!({}));
    entries.retain(|(name, _)| *name != blob_path(&blobs[1]));
    let (out, _) = run(&entries, &CHANGES);
    assert!(manifests(&out).contains(&descriptor));
}

/// The archive's config changed, with the digests that name it.
fn with_config(form: Form, change: impl FnOnce(&mut Value)) -> Entries {
    let mut entries = Archive::new(small().comp(Comp::Gzip), form).entries();
    let old = sha256(&small().config_bytes());
    let mut config: Value = serde_json::from_slice(&small().config_bytes()).unwrap();
    change(&mut config);
    let new = serde_json::to_vec(&config).unwrap();
    let renamed = sha256(&new);
    let size = |bytes: &[u8]| format!("\"size\":{}", bytes.len());
    let mut again = vec![(old[7..].to_owned(), renamed[7..].to_owned())];
    // The config, then the manifest that names it, then what names that.
    for (name, entry) in &mut entries {
        let Entry::File(bytes) = entry else { continue };
        if name.contains(&again[0].0) {
            *bytes = new.clone();
        } else if let Ok(text) = std::str::from_utf8(bytes).map(str::to_owned)
            && text.contains(&again[0].0)
            && name.starts_with("blobs/")
        {
            let before = sha256(text.as_bytes());
            *bytes = text
                .replace(&again[0].0, &again[0].1)
                .replace(&size(&small().config_bytes()), &size(&new))
                .into_bytes();
            again.push((before[7..].to_owned(), sha256(bytes)[7..].to_owned()));
        }
    }
    for (name, entry) in &mut entries {
        again.iter().for_each(|(from, to)| *name = name.replace(from, to));
        if let Entry::File(bytes) = entry
            && name.ends_with(".json")
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            *bytes = again.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to)).into_bytes();
        }
    }
    if form != Form::Docker {
        let manifest = manifests(&entries)[0]["digest"].as_str().unwrap().to_owned();
        let length = get(&entries, &blob_path(&manifest)).unwrap().len();
        edit(&mut entries, "index.json", |i| i["manifests"][0]["size"] = length.into());
    }
    entries
}

#[test]
fn images_that_do_not_say_for_what_they_are() {
    for form in FORMS {
        for what in [json!(null), json!("")] {
            let entries = with_config(form, |c| (c["os"], c["architecture"]) = (what.clone(), what.clone()));
            check_entries(&entries, form, &[]);
        }
        let entries = with_config(form, |c| {
            c.as_object_mut()
                .unwrap()
                .retain(|key, _| !["os", "architecture", "created", "history"].contains(&key.as_str()));
        });
        let (_, after) = check_entries(&entries, form, &[]);
        assert!(after.images[0].config.get("os").is_none(), "{form:?}: what it does not say it does not say after");
        if form != Form::OciDir {
            run(&entries, &CHANGES);
            run(&entries, &["-p", "shadowed.toml", "--platform", "linux/amd64"]);
        }
    }
}

/// One odd image among others, in an archive and in an index whose descriptors say more or otherwise spelled.
#[test]
fn several_images_of_which_one_says_less() {
    let odd = crate::builder::Image { config: json!({"os": null, "architecture": null}), ..small() };
    let spelled = crate::builder::Image { config: json!({"os": "Linux", "architecture": "aarch64"}), ..small() };
    for form in [Form::Docker, Form::Hybrid, Form::OciTar] {
        let item = |tag, image: &crate::builder::Image| crate::builder::Item {
            tags: vec![tag],
            ..crate::builder::Item::new(image.clone().comp(Comp::Gzip))
        };
        let items =
            vec![item("example.com/a:1", &small()), item("example.com/b:1", &odd), item("example.com/c:1", &spelled)];
        let mut entries = Archive { items, form, schema2: false }.entries();
        if form != Form::Docker {
            edit(&mut entries, "index.json", |i| {
                i["manifests"][1]["platform"] = json!({"os": "linux", "architecture": "amd64"});
                i["manifests"][2]["platform"] = json!({"os": "linux", "architecture": "arm64", "variant": "v8"});
            });
        }
        let (_, after) = check_entries(&entries, form, &[]);
        assert_eq!(after.images.len(), 3, "{form:?}");
        run(&entries, &CHANGES);
    }
}

#[test]
fn a_config_of_type_octet_stream_is_an_images() {
    for form in [Form::OciTar, Form::Hybrid] {
        let mut entries = Archive::new(small().comp(Comp::Gzip), form).entries();
        crate::archives::rewrite_manifest(&mut entries, |m| {
            m["config"]["mediaType"] = json!("application/octet-stream")
        });
        let (_, after) = check_entries(&entries, form, &[]);
        assert_eq!(after.images.len(), 1);
        let (out, _) = run(&entries, &CHANGES);
        assert_ne!(manifests(&out)[0]["digest"], manifests(&entries)[0]["digest"]);
    }
}

#[test]
fn text_that_was_an_archive_is_called_that() {
    let tar = to_tar(&Archive::new(small(), Form::Docker).entries());
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(tar.iter().flat_map(|&b| [b, 0])).collect();
    refused(&wide, &["in.tar", "UTF-16", "PowerShell", "hint: save without it: `docker save -o"]);
    let big: Vec<u8> = [0xfe, 0xff].into_iter().chain(tar.iter().flat_map(|&b| [0, b])).collect();
    refused(&big, &["PowerShell"]);
    let gzip = String::from_utf8_lossy(&Comp::Gzip.encode(&tar)).into_owned();
    refused(gzip.as_bytes(), &["in.tar", "UTF-8", "hint: save without it"]);
}

#[test]
fn a_hint_lists_only_the_platforms_that_are_there() {
    let arm = crate::builder::Image { platform: ("linux", "arm64", Some("v8")), ..small() };
    let item =
        crate::builder::archive::Item { images: vec![small(), arm.clone()], ..crate::builder::Item::new(small()) };
    let whole = Archive { items: vec![item], form: Form::OciTar, schema2: false }.entries();
    let config = blob_path(&sha256(&arm.config_bytes()));
    let manifest = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok_and(|t| t.contains(&sha256(&arm.config_bytes())));
    let manifest = whole.iter().find(|(_, e)| matches!(e, Entry::File(bytes) if manifest(bytes))).unwrap().0.clone();
    for gone in [config, manifest] {
        let entries: Entries = whole.iter().filter(|(name, _)| *name != gone).cloned().collect();
        let dir = Dir::new();
        dir.write("in.tar", to_tar(&entries));
        let run = dir.run(&["in.tar", "-p", "none", "-o", "out.tar", "--platform", "linux/s390x"]);
        assert!(run.stderr.contains("platforms in the input: linux/amd64\n"), "{}", run.stderr);
    }
    let dir = Dir::new();
    dir.write("in.tar", to_tar(&whole));
    let run = dir.run(&["in.tar", "-p", "none", "-o", "out.tar", "--platform", "linux/s390x"]);
    assert!(run.stderr.contains("platforms in the input: linux/amd64, linux/arm64"), "{}", run.stderr);
}

#[test]
fn a_broken_config_is_called_one() {
    let broken = [&b"{\"os\": \"lin"[..], b"not JSON", b"[]", b"{\"os\": 1}"];
    for bytes in broken {
        let mut entries = Archive::new(small(), Form::OciTar).entries();
        let config = push_blob(&mut entries, OCI_CONFIG, bytes.to_vec());
        crate::archives::rewrite_manifest(&mut entries, |m| m["config"] = config);
        refused(&to_tar(&entries), &["in.tar", "the image's config is broken"]);
        let mut entries = Archive::new(small(), Form::Docker).entries();
        entries.push(("config.json".into(), Entry::File(bytes.to_vec())));
        edit(&mut entries, "manifest.json", |m| m[0]["Config"] = json!("config.json"));
        refused(&to_tar(&entries), &["in.tar", "config", "the image's config is broken"]);
    }
}

#[test]
fn a_link_out_of_a_layout_is_told_with_the_way_to_copy_it() {
    let dir = Dir::new();
    write_dir(&Archive::new(small(), Form::OciDir).entries(), &dir.join("in"));
    let blob = dir.join("in").join(blob_path(&sha256(&small().layers[0])));
    std::fs::rename(&blob, dir.join("outside")).unwrap();
    std::os::unix::fs::symlink("../../../outside", &blob).unwrap();
    dir.run(&["in", "-p", "none", "-o", "out"]).error(&[
        "symlink leads out of the layout",
        "hint:",
        "cp -RL",
        "in NEW",
    ]);
    dir.run(&["verify", "in"]).error(&["symlink leads out of the layout", "cp -RL"]);
    assert!(
        std::process::Command::new("cp").args(["-RL", "in", "new"]).current_dir(dir.path()).status().unwrap().success()
    );
    dir.run(&["new", "-p", "none", "-o", "out"]).ok();
}
