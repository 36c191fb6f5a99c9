//! Labels and annotations that say something of the image's very bytes, and images that share layers.

use crate::archives::{edit, rewrite_manifest, small};
use crate::builder::archive::{OCI_MANIFEST, blob_path, push_blob, to_tar};
use crate::builder::{Archive, Comp, Entries, Form, Image, Item, layer, sha256};
use crate::oracle::open;
use crate::run::Dir;
use serde_json::{Value, json};

/// Three layers: one that changes, one that goes, one that stays.
fn three(labels: Value) -> Image {
    let layers = vec![
        layer("file a content=gone-content\nfile b content=b-content"),
        layer("whiteout a"),
        layer("file c content=c-content"),
    ];
    Image { config: json!({"config": {"Cmd": ["/b"], "Labels": labels}}), ..Image::new(layers) }
}

/// Runs slim; the new config, and what was said.
fn config(image: &Image, form: Form, args: &[&str]) -> (Value, String) {
    let dir = Dir::new();
    Archive::new(image.clone().comp(Comp::Gzip), form).write(dir.path());
    let run = dir.run(&[&["in.tar", "-o", "out.tar"], args].concat()).ok();
    let view = open(&dir.join("out.tar"));
    assert_eq!(view.problems, Vec::<String>::new());
    let verified = dir.run(&[&["verify", "out.tar", "--against", "in.tar"], &args[..2]].concat());
    assert_eq!(verified.code, Some(0), "{}{}", verified.text(), verified.stderr);
    (view.images[0].config.clone(), run.stderr)
}

const CHANGES: [&str; 2] = ["-p", "shadowed.toml"];

#[test]
fn labels_follow_the_layers_that_they_name() {
    for form in [Form::Docker, Form::OciTar, Form::Hybrid] {
        let ids: Vec<String> = three(json!({})).layers.iter().map(|l| sha256(l)).collect();
        let lifecycle = |first: &str, last: &str| {
            json!({"app": [{"sha": first}], "buildpacks": [{"key": "x", "layers": {"y": {"sha": last, "launch": true}}}]}).to_string()
        };
        let labels = json!({
            "ostree.final-diffid": ids[0], "io.buildpacks.lifecycle.metadata": lifecycle(&ids[0], &ids[2]), "mine": "1",
        });
        let (after, said) = config(&three(labels.clone()), form, &CHANGES);
        let new = &after["rootfs"]["diff_ids"];
        assert_eq!(new.as_array().unwrap().len(), 2);
        assert_eq!(after["config"]["Labels"]["ostree.final-diffid"], new[0], "{form:?}");
        let want = lifecycle(new[0].as_str().unwrap(), new[1].as_str().unwrap());
        assert_eq!(after["config"]["Labels"]["io.buildpacks.lifecycle.metadata"], json!(want), "{form:?}");
        assert_eq!(after["config"]["Labels"]["mine"], "1");
        assert!(!said.contains("ostree"), "{said}");
        // Where nothing changes nothing is edited.
        let (same, said) = config(&three(labels.clone()), form, &["-p", "none"]);
        assert_eq!(same["config"]["Labels"], labels);
        assert!(!said.contains("label"), "{said}");
    }
}

#[test]
fn labels_whose_layer_is_gone_go_with_a_warning() {
    let gone = sha256(&three(json!({})).layers[1]);
    let labels =
        json!({"ostree.final-diffid": gone, "containers.composefs.fsverity": "ab", "who.knows": gone, "mine": "1"});
    let (after, said) = config(&three(labels.clone()), Form::OciTar, &CHANGES);
    assert_eq!(after["config"]["Labels"], json!({"who.knows": gone, "mine": "1"}));
    for key in ["ostree.final-diffid names the layer", "containers.composefs.fsverity describes", "who.knows names"] {
        assert!(said.contains(&format!("label {key}")), "{key}: {said}");
    }
    // The image below is another one, too, and where it came from is as true as before.
    let (digest, name) = ("org.opencontainers.image.base.digest", "org.opencontainers.image.base.name");
    let labels = json!({digest: gone, name: "debian:12"});
    let (after, said) = config(&three(labels.clone()), Form::OciTar, &CHANGES);
    assert_eq!(after["config"]["Labels"], json!({name: "debian:12"}));
    assert!(said.contains(&format!("label {digest} describes")), "{said}");
    assert_eq!(config(&three(labels.clone()), Form::OciTar, &["-p", "none"]).0["config"]["Labels"], labels);
    // A squash is made from no single layer.
    let first = sha256(&three(json!({})).layers[0]);
    let labels = json!({"ostree.final-diffid": first});
    let (after, said) = config(&three(labels), Form::Docker, &["-p", "none", "--layers", "squash"]);
    assert!(after["config"].get("Labels").is_none() && said.contains("ostree.final-diffid"), "{said}");
    // What the user says is what is there.
    let labels = json!({"ostree.final-diffid": gone});
    let given = ["-p", "shadowed.toml", "--label", "ostree.final-diffid=mine"];
    let (after, _) = config(&three(labels), Form::OciTar, &given);
    assert_eq!(after["config"]["Labels"], json!({"ostree.final-diffid": "mine"}));
}

fn layout(comp: Comp) -> Entries {
    Archive::new(small().comp(comp), Form::OciTar).entries()
}

fn run(entries: &Entries, args: &[&str]) -> (Value, Value, String) {
    let dir = Dir::new();
    dir.write("in.tar", to_tar(entries));
    let run = dir.run(&[&["in.tar", "-o", "out.tar"], args].concat()).ok();
    let verified = dir.run(&["verify", "out.tar"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.text(), verified.stderr);
    let view = open(&dir.join("out.tar"));
    let members = crate::oracle::tar::read(&std::fs::read(dir.join("out.tar")).unwrap()).unwrap();
    let index = view.index.unwrap();
    let name = blob_path(index["manifests"][0]["digest"].as_str().unwrap());
    let manifest = members.iter().find(|m| m.name == name.as_bytes()).unwrap();
    (index, serde_json::from_slice(&manifest.content).unwrap(), run.stderr)
}

#[test]
fn what_describes_a_layers_bytes_goes_with_them() {
    let mut entries = layout(Comp::Gzip);
    let keys = [
        "containerd.io/snapshot/stargz/toc.digest",
        "io.containers.estargz.uncompressed-size",
        "io.github.containers.zstd-chunked.manifest-checksum",
    ];
    let notes = json!({keys[0]: "sha256:ab", keys[1]: "1", keys[2]: "x", "mine": "1"});
    rewrite_manifest(&mut entries, |m| {
        (m["layers"][0]["annotations"], m["annotations"]) = (notes.clone(), notes.clone())
    });
    let (_, manifest, said) = run(&entries, &CHANGES);
    assert_eq!(manifest["layers"][0]["annotations"], json!({"mine": "1"}));
    assert_eq!(manifest["annotations"], notes, "of a manifest they mean nothing");
    assert!(keys.iter().all(|key| said.contains(&format!("annotation {key} describes bytes"))), "{said}");
    let (_, manifest, said) = run(&entries, &["-p", "none"]);
    assert_eq!(manifest["layers"][0]["annotations"], notes);
    assert!(!said.contains("annotation"), "{said}");
}

#[test]
fn the_mark_of_zstd_goes_when_the_layers_become_gzip() {
    let mark = "io.github.containers.compression.zstd";
    let mut entries = layout(Comp::Zstd);
    edit(&mut entries, "index.json", |i| i["manifests"][0]["annotations"][mark] = json!("true"));
    for (args, stays) in [
        (&["-p", "shadowed.toml", "--compression", "gzip"][..], false),
        (&["-p", "none", "--compression", "none"], false),
        (&["-p", "shadowed.toml", "--compression", "zstd"], true),
        (&["-p", "none"], true),
    ] {
        let (index, _, said) = run(&entries, args);
        assert_eq!(index["manifests"][0]["annotations"].get(mark).is_some(), stays, "{args:?}");
        assert_eq!(said.contains(mark), !stays, "{said}");
        assert!(index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"].is_string());
    }
}

/// An index for lazy loading names the image, and the image names it: both go.
#[test]
fn an_index_for_lazy_loading_goes_with_what_names_it() {
    let of_image = "com.amazon.soci.image-manifest-digest";
    let of_index = "com.amazon.soci.index-digest";
    for where_named in ["descriptor", "manifest"] {
        let mut entries = layout(Comp::Gzip);
        rewrite_manifest(&mut entries, |m| m["annotations"] = json!({of_index: sha256(b"x"), "mine": "1"}));
        let image: Value =
            serde_json::from_slice(&crate::oracle::archive::get(&entries, "index.json").unwrap()).unwrap();
        let digest = image["manifests"][0]["digest"].clone();
        let config = push_blob(&mut entries, "application/vnd.oci.empty.v1+json", b"{}".to_vec());
        let table = push_blob(&mut entries, "application/octet-stream", b"\0table".to_vec());
        let mut manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [table],
            "artifactType": "application/vnd.amazon.soci.index.v2+json"});
        if where_named == "manifest" {
            manifest["annotations"] = json!({of_image: digest});
        }
        let mut soci = push_blob(&mut entries, OCI_MANIFEST, manifest.to_string().into_bytes());
        soci["platform"] = json!({"os": "linux", "architecture": "amd64"});
        if where_named == "descriptor" {
            soci["annotations"] = json!({of_image: digest});
        }
        edit(&mut entries, "index.json", |i| {
            i["manifests"][0]["annotations"][of_index] = soci["digest"].clone();
            i["manifests"].as_array_mut().unwrap().push(soci.clone());
        });
        let (index, manifest, said) = run(&entries, &CHANGES);
        assert_eq!(index["manifests"].as_array().unwrap().len(), 1, "{where_named}: {index}");
        assert!(index["manifests"][0]["annotations"].get(of_index).is_none(), "{where_named}: {index}");
        assert_eq!(manifest["annotations"], json!({"mine": "1"}));
        assert!(said.contains("is about") && said.contains(of_index), "{said}");
        let (index, manifest, _) = run(&entries, &["-p", "none"]);
        assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
        assert!(manifest["annotations"].get(of_index).is_some());
    }
}

fn sharing(base: &str, tops: &[&str]) -> Archive {
    let image = |top: &&str| Image::new(vec![layer(base), layer(top)]);
    let names = ["example.com/a:1", "example.com/b:1", "example.com/c:1"];
    let items = tops.iter().zip(names).map(|(top, name)| Item { tags: vec![name], ..Item::new(image(top)) });
    Archive { items: items.collect(), form: Form::Docker, schema2: false }
}

#[test]
fn a_shared_base_never_makes_the_output_grow() {
    let base = "file big random=500000\nfile hidden random=100000\nfile x content=gone-content";
    let archive = sharing(base, &["file a content=a-content", "whiteout hidden\nfile b content=b", "whiteout x"]);
    for form in [Form::Docker, Form::Hybrid, Form::OciTar] {
        let dir = Dir::new();
        let input = Archive { form, ..archive.clone() }.write(dir.path());
        let run = dir.run(&["in.tar", "-p", "shadowed.toml", "-o", "out.tar"]).ok();
        let size = |name: &str| std::fs::metadata(dir.join(name)).unwrap().len();
        assert!(size("out.tar") <= size("in.tar") + 4096, "{form:?}: {} of {}", size("out.tar"), size("in.tar"));
        assert!(
            run.stderr.contains("several images share") && run.stderr.contains("--base 1 for example.com/b:1"),
            "{}",
            run.stderr
        );
        let (before, after) = (open(&input), open(&dir.join("out.tar")));
        for (a, b) in before.images.iter().zip(&after.images) {
            assert_eq!(crate::oracle::diff(&a.tree().unwrap(), &b.tree().unwrap()), None);
            assert_eq!(a.layers[0].tar, b.layers[0].tar, "the base stays as it is");
        }
        dir.run(&["verify", "out.tar", "--against", "in.tar", "-p", "shadowed.toml"]).ok();
        // The user's own choice counts, and a squash is one layer.
        let run = dir.run(&["in.tar", "-p", "shadowed.toml", "--base", "1", "-o", "out2.tar"]).ok();
        assert!(!run.stderr.contains("several images share"), "{}", run.stderr);
        let run = dir.run(&["in.tar", "-p", "shadowed.toml", "--layers", "squash", "-o", "out3.tar"]).ok();
        assert!(run.stderr.contains("with --base"), "{}", run.stderr);
    }
}

#[test]
fn of_a_shared_base_goes_what_goes_for_all() {
    // `tests` stays for a, `old/x` is hidden in b, and nothing but `both` and `gone` can go; `only` holds nothing after that.
    let base = "file big random=300000\nfile tests/x random=100000\nfile both/x random=60000\nfile old/x content=one-content
        dir only mode=0700\nfile only/gone random=5000\nfile implied/gone random=5000\nfile kept content=k\nlink both/y -> both/x";
    let archive =
        sharing(base, &["sym a -> tests/x", "whiteout old", "file big content=other\nfile implied/here content=h"]);
    let dir = Dir::new();
    archive.write(dir.path());
    std::fs::write(
        dir.join("p.toml"),
        "extends = ['./shadowed.toml']\n[[rule]]\nid = 'd'\naction = 'drop'\nabout = 'x'\nrisk = 'low'\npaths = ['tests/**', 'both/**', '**/gone']\n",
    )
    .unwrap();
    let run = dir.run(&["in.tar", "-p", "./p.toml", "-o", "out.tar"]).ok();
    assert!(run.stderr.contains("only files that no image needs go"), "{}", run.stderr);
    let (before, after) = (open(&dir.join("in.tar")), open(&dir.join("out.tar")));
    for (a, b) in before.images.iter().zip(&after.images) {
        assert_eq!(after.images[0].layers[0].tar, b.layers[0].tar, "the base is one");
        let mut want = a.tree().unwrap();
        want.names.retain(|path, _| {
            let path = String::from_utf8_lossy(path);
            !path.starts_with("both/") && !path.ends_with("gone")
        });
        assert_eq!(crate::oracle::diff(&want, &b.tree().unwrap()), None);
    }
    dir.run(&["verify", "out.tar", "--against", "in.tar", "-p", "./p.toml"]).ok();
}

#[test]
fn layers_above_what_is_shared_do_not_come_to_differ() {
    // For c `x` stays in the lowest layer, so a and b must both hide it in the next one, which only they share.
    let lowest = "file big random=200000\nfile x random=100000";
    let next = "whiteout x\nfile more random=300000";
    let image = |tops: &[&str]| Image::new([lowest].iter().chain(tops).map(|top| layer(top)).collect());
    let images =
        [image(&[next, "file x content=again"]), image(&[next, "file b content=b"]), image(&["file c content=c"])];
    let names = ["example.com/a:1", "example.com/b:1", "example.com/c:1"];
    let items =
        images.into_iter().zip(names).map(|(image, name)| Item { tags: vec![name], ..Item::new(image) }).collect();
    let dir = Dir::new();
    Archive { items, form: Form::Docker, schema2: false }.write(dir.path());
    dir.run(&["in.tar", "-p", "shadowed.toml", "-o", "out.tar"]).ok();
    let size = |name: &str| std::fs::metadata(dir.join(name)).unwrap().len();
    assert!(size("out.tar") <= size("in.tar") + 8192, "{} of {}", size("out.tar"), size("in.tar"));
    let (before, after) = (open(&dir.join("in.tar")), open(&dir.join("out.tar")));
    for (a, b) in before.images.iter().zip(&after.images) {
        assert_eq!(crate::oracle::diff(&a.tree().unwrap(), &b.tree().unwrap()), None);
    }
}

#[test]
fn a_list_of_checksums_loses_the_rows_of_what_goes_for_all() {
    let site = "usr/lib/python3/dist-packages";
    let record = "\"pkg/__init__.py,sha256=a,1\\npkg/tests/__init__.py,sha256=b,1\\n\"";
    let base = format!(
        "file {site}/pkg/__init__.py content=x\nfile {site}/pkg/tests/__init__.py content=t\nfile old random=90000
        file {site}/pkg-1.dist-info/RECORD content={record}"
    );
    let dir = Dir::new();
    sharing(&base, &["file a content=a", "whiteout old"]).write(dir.path());
    dir.run(&["in.tar", "-p", "python-slim", "-o", "out.tar"]).ok();
    let view = open(&dir.join("out.tar"));
    assert_eq!(view.images[0].layers[0].tar, view.images[1].layers[0].tar);
    let tar = &view.images[0].layers[0].tar;
    assert!(memchr::memmem::find(tar, b"pkg/__init__.py,").is_some(), "the list is there");
    assert!(memchr::memmem::find(tar, b"pkg/tests/").is_none(), "and says nothing of what is gone");
    dir.run(&["verify", "out.tar", "--against", "in.tar", "-p", "python-slim"]).ok();
}

#[test]
fn a_shared_base_that_changes_alike_or_pays_is_rewritten() {
    // All of them hide the same.
    let base = "file big random=100000\nfile hidden random=100000";
    let dir = Dir::new();
    sharing(base, &["whiteout hidden\nfile a content=a", "whiteout hidden\nfile b content=b"]).write(dir.path());
    let run = dir.run(&["in.tar", "-p", "shadowed.toml", "-o", "out.tar"]).ok();
    assert!(!run.stderr.contains("several images share"), "{}", run.stderr);
    let view = open(&dir.join("out.tar"));
    assert_eq!(view.images[0].layers[0].tar, view.images[1].layers[0].tar);
    assert!(view.images[0].layers[0].tar.len() < 150_000);
    // Two versions that are smaller than the one.
    let base = "file var/cache/apt/archives/x.deb random=900000\nfile big random=10000\nfile hidden random=10000";
    let dir = Dir::new();
    sharing(base, &["file a content=a", "whiteout hidden\nfile b content=b"]).write(dir.path());
    let run = dir.run(&["in.tar", "-p", "caches", "-o", "out.tar"]).ok();
    assert!(run.stderr.contains("with --base 1 for example.com/a:1, --base 1 for example.com/b:1"), "{}", run.stderr);
    assert!(std::fs::metadata(dir.join("out.tar")).unwrap().len() < 100_000);
}
