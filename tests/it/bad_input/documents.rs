//! Digests, sizes and JSON documents that are wrong.

use super::{refused, run};
use crate::archives::{edit, rewrite_manifest, small};
use crate::builder::archive::to_tar;
use crate::builder::{Archive, Comp, Entries, Entry, Form, sha256};
use crate::oracle::archive::get;
use crate::run::Dir;
use serde_json::{Value, json};

/// One byte wrong in any blob is found, and the message names the digest or file.
#[test]
fn one_byte_flipped_anywhere() {
    for form in [Form::Docker, Form::Hybrid, Form::OciTar] {
        let entries =
            Archive::new(small().comp(if form == Form::OciTar { Comp::Gzip } else { Comp::None }), form).entries();
        for (i, (name, entry)) in entries.iter().enumerate() {
            let Entry::File(bytes) = entry else { continue };
            let hex = name.rsplit('/').next().unwrap().trim_end_matches(".json");
            let checked = hex.len() == 64 || name.ends_with("layer.tar");
            if !checked {
                continue;
            }
            for at in (0..bytes.len()).step_by(bytes.len() / 12 + 1) {
                let mut broken = entries.clone();
                let Entry::File(b) = &mut broken[i].1 else { continue };
                b[at] ^= 1;
                let run = run(&to_tar(&broken));
                let named = run.stderr.contains(&hex[..12.min(hex.len())])
                    || run.stderr.contains("layer")
                    || run.stderr.contains("config")
                    || run.stderr.contains("manifest");
                assert!(run.code == Some(2) && named, "{form:?} {name} at {at}: {:?} {}", run.code, run.stderr);
            }
        }
    }
}

#[test]
fn wrong_diff_ids_and_sizes() {
    for (form, comp) in
        [(Form::Docker, Comp::None), (Form::Docker, Comp::Gzip), (Form::OciTar, Comp::Gzip), (Form::OciTar, Comp::None)]
    {
        let mut entries = Archive::new(small().comp(comp), form).entries();
        let config = small().config_bytes();
        let old = sha256(&config)[7..].to_owned();
        let mut json: Value = serde_json::from_slice(&config).unwrap();
        json["rootfs"]["diff_ids"][0] = sha256(b"something else").into();
        let bytes = serde_json::to_vec(&json).unwrap();
        let new = sha256(&bytes)[7..].to_owned();
        for (name, entry) in &mut entries {
            if name.contains(&old) {
                *name = name.replace(&old, &new);
                *entry = Entry::File(bytes.clone());
            }
        }
        if form == Form::Docker {
            edit(&mut entries, "manifest.json", |m| m[0]["Config"] = format!("{new}.json").into());
        } else {
            rewrite_manifest(&mut entries, |m| {
                m["config"]["digest"] = format!("sha256:{new}").into();
                m["config"]["size"] = bytes.len().into();
            });
        }
        for profile in ["shadowed.toml", "none"] {
            let dir = Dir::new();
            dir.write("in.tar", to_tar(&entries));
            dir.run(&["in.tar", "-p", profile, "-o", "out.tar"]).error(&["layer", &sha256(b"something else")[..19]]);
            assert_eq!(dir.names(), ["in.tar", "shadowed.toml"]);
        }
    }
    for size in [json!(0), json!(1), json!(1u64 << 60), json!(-1), json!("x"), Value::Null] {
        for what in ["config", "layer"] {
            let mut entries = Archive::new(small(), Form::OciTar).entries();
            rewrite_manifest(&mut entries, |m| {
                if what == "config" {
                    m["config"]["size"] = size.clone()
                } else {
                    m["layers"][0]["size"] = size.clone()
                }
            });
            refused(&to_tar(&entries), &["size"]);
        }
    }
}

#[test]
fn too_few_or_too_many_layers_for_the_config() {
    for form in [Form::Docker, Form::OciTar] {
        for change in [-1, 1] {
            let mut entries = Archive::new(small(), form).entries();
            let resize = |layers: &mut Value| {
                let layers = layers.as_array_mut().unwrap();
                if change < 0 { drop(layers.pop()) } else { layers.push(layers[0].clone()) }
            };
            if form == Form::Docker {
                edit(&mut entries, "manifest.json", |m| resize(&mut m[0]["Layers"]));
            } else {
                rewrite_manifest(&mut entries, |m| resize(&mut m["layers"]));
            }
            refused(&to_tar(&entries), &["layer"]);
        }
    }
}

#[test]
fn missing_blobs() {
    for form in [Form::Docker, Form::Hybrid, Form::OciTar] {
        let entries = Archive::new(small(), form).entries();
        for (i, (name, entry)) in entries.iter().enumerate() {
            let needed = name.starts_with("blobs/sha256/")
                || name.ends_with("layer.tar")
                || name.len() == 69 && !name.contains('/');
            if *entry == Entry::Dir || !needed {
                continue;
            }
            let mut broken = entries.clone();
            broken.remove(i);
            refused(
                &to_tar(&broken),
                &[&name.rsplit('/').nth(usize::from(name.ends_with("layer.tar"))).unwrap()[..12]],
            );
        }
    }
}

#[test]
fn broken_json() {
    let deep = "[".repeat(100_000);
    let deep_object = "{\"a\":".repeat(100_000);
    for (form, name) in [(Form::Docker, "manifest.json"), (Form::OciTar, "index.json"), (Form::OciTar, "oci-layout")] {
        for text in [
            &deep,
            &deep_object,
            "",
            "{",
            "null",
            "[]",
            "{}",
            "[null]",
            "[{}]",
            "\"x\"",
            "[[]]",
            "{\"manifests\": 5}",
            "{\"schemaVersion\":2,\"manifests\":[]}",
            "\u{feff}{}",
            "[1e999]",
        ] {
            let mut entries = Archive::new(small(), form).entries();
            entries.iter_mut().find(|(n, _)| n == name).unwrap().1 = Entry::File(text.as_bytes().to_vec());
            let run = run(&to_tar(&entries));
            assert!(
                run.code == Some(2) && (run.stderr.contains(name) || run.stderr.contains("no image")),
                "{name} {:?}: {}",
                &text[..text.len().min(40)],
                run.stderr
            );
        }
    }
    for text in [&deep, &deep_object, "", "[]", "null", "{}", "{\"rootfs\":{}}", "{\"rootfs\":{\"diff_ids\":[5]}}"] {
        let mut entries = Archive::new(small(), Form::OciTar).entries();
        let (digest, size) = (sha256(text.as_bytes()), text.len());
        entries.push((format!("blobs/sha256/{}", &digest[7..]), Entry::File(text.as_bytes().to_vec())));
        let mut as_config = entries.clone();
        rewrite_manifest(&mut as_config, |m| {
            (m["config"]["digest"], m["config"]["size"]) = (digest.clone().into(), size.into())
        });
        // By its digest or by what it is.
        let named = |entries: &Entries, what: &str| {
            let run = run(&to_tar(entries));
            let named = run.stderr.contains(&digest[7..19]) || run.stderr.contains(what);
            assert!(run.code == Some(2) && named, "{what}: {}", run.stderr);
        };
        named(&as_config, "config");
        edit(&mut entries, "index.json", |i| {
            (i["manifests"][0]["digest"], i["manifests"][0]["size"]) = (digest.clone().into(), size.into())
        });
        named(&entries, "manifest");
    }
}

/// An index cannot contain its own digest, but its depth can be anything, and one manifest can be named without end.
#[test]
fn indexes_that_nest_too_deep() {
    let mut entries = Archive::new(small(), Form::OciTar).entries();
    let index = get(&entries, "index.json").unwrap();
    let mut d = serde_json::from_slice::<Value>(&index).unwrap()["manifests"][0].clone();
    for _ in 0..200 {
        let bytes = serde_json::to_vec(&json!({"schemaVersion": 2, "manifests": [d, d]})).unwrap();
        d = json!({"mediaType": "application/vnd.oci.image.index.v1+json", "digest": sha256(&bytes), "size": bytes.len()});
        entries.push((format!("blobs/sha256/{}", &sha256(&bytes)[7..]), Entry::File(bytes)));
    }
    edit(&mut entries, "index.json", |i| i["manifests"] = json!([d]));
    refused(&to_tar(&entries), &["index"]);
}

#[test]
fn an_index_that_contains_itself() {
    // The digest is a lie, of course; what counts is that nobody follows it for ever.
    let mut entries = Archive::new(small(), Form::OciTar).entries();
    let lie = sha256(b"lie");
    let index = json!({"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.index.v1+json", "digest": lie, "size": 400}]});
    let mut bytes = serde_json::to_vec(&index).unwrap();
    bytes.resize(400, b' ');
    entries.push((format!("blobs/sha256/{}", &lie[7..]), Entry::File(bytes.clone())));
    entries.iter_mut().find(|(n, _)| n == "index.json").unwrap().1 = Entry::File(bytes);
    refused(&to_tar(&entries), &[&lie[..19]]);
}

#[test]
fn unknown_media_types_are_named() {
    for media in [
        "application/vnd.oci.image.layer.v1.tar+encrypted",
        "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
        "application/x-unknown",
        "application/vnd.oci.image.layer.v1.tar+lz4",
    ] {
        let mut entries = Archive::new(small(), Form::OciTar).entries();
        rewrite_manifest(&mut entries, |m| m["layers"][0]["mediaType"] = media.into());
        refused(&to_tar(&entries), &[media]);
    }
    for media in [
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    ] {
        let mut entries = Archive::new(small().comp(Comp::Gzip), Form::OciTar).entries();
        let mut lost = String::new();
        rewrite_manifest(&mut entries, |m| {
            m["layers"][0]["mediaType"] = media.into();
            m["layers"][0]["urls"] = json!(["https://example.com/layer"]);
            lost = m["layers"][0]["digest"].as_str().unwrap()[7..].to_owned();
        });
        entries.retain(|(n, _)| !n.contains(&lost));
        refused(&to_tar(&entries), &[media]);
    }
    let mut entries = Archive::new(small(), Form::OciTar).entries();
    edit(&mut entries, "index.json", |i| i["manifests"][0]["mediaType"] = "application/x-nothing".into());
    refused(&to_tar(&entries), &["in.tar", "image"]);
}
