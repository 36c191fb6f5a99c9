//! Layouts, tags, platforms and compression.

use crate::archives::{FORMS, MODES, check, check_entries, rewrite_manifest, small};
use crate::builder::archive::to_tar;
use crate::builder::{Archive, Comp, Entry, Form, Item, layer};
use crate::oracle::{Checks, diff, open, well_formed};
use crate::run::Dir;
use serde_json::Value;

#[test]
fn tags_none_one_and_several_in_order() {
    for form in FORMS {
        for tags in [vec![], vec!["z/app:2"], vec!["z/app:2", "a/app:1", "m.example.com:5000/x/y:latest"]] {
            let mut archive = Archive::new(small(), form);
            archive.items[0].tags = tags;
            for mode in MODES {
                check(&archive, mode);
            }
        }
    }
}

#[test]
fn members_of_the_archive_in_any_order_and_spelling() {
    for form in [Form::Docker, Form::Hybrid, Form::OciTar] {
        let mut entries = Archive::new(small(), form).entries();
        entries.reverse();
        check_entries(&entries, form, &[]);
        for (name, _) in &mut entries {
            *name = format!("./{name}");
        }
        check_entries(&entries, form, &[]);
        entries.retain(|(_, e)| *e != Entry::Dir);
        check_entries(&entries, form, &[]);
        entries.insert(0, ("./".into(), Entry::Dir));
        check_entries(&entries, form, &[]);
    }
}

#[test]
fn docker_media_types_in_an_oci_layout() {
    for form in [Form::OciTar, Form::OciDir, Form::Hybrid] {
        for comp in [Comp::None, Comp::Gzip, Comp::Zstd] {
            let mut archive = Archive::new(small().comp(comp), form);
            archive.schema2 = true;
            for mode in MODES {
                let (_, after) = check(&archive, mode);
                let manifest: Value = serde_json::from_slice(after.images[0].manifest.as_ref().unwrap()).unwrap();
                // All of docker's types or all of OCI's: a mixture is refused by some readers.
                let docker = manifest["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json";
                let config = manifest["config"]["mediaType"].as_str().unwrap();
                assert_eq!(config.starts_with("application/vnd.docker."), docker, "{manifest}");
                for l in &after.images[0].layers {
                    assert_eq!(l.media.starts_with("application/vnd.docker."), docker, "{manifest}");
                }
                assert!(docker || mode[..] != ["-p", "none"], "passed through: {manifest}");
            }
        }
    }
}

#[test]
fn the_layers_compression_is_kept_or_chosen() {
    let magic = |comp: Comp| match comp {
        Comp::Gzip => vec![0x1f, 0x8b],
        Comp::Zstd => vec![0x28, 0xb5, 0x2f, 0xfd],
        _ => Vec::new(),
    };
    for form in [Form::OciTar, Form::OciDir] {
        for comp in [Comp::None, Comp::Gzip, Comp::Zstd] {
            for (option, want) in [
                (None, comp),
                (Some("none"), Comp::None),
                (Some("gzip"), Comp::Gzip),
                (Some("gzip:1"), Comp::Gzip),
                (Some("zstd:19"), Comp::Zstd),
            ] {
                let mut args = vec!["--layers", "keep"];
                args.extend(option.into_iter().flat_map(|o| ["--compression", o]));
                let (_, after) = check(&Archive::new(small().comp(comp), form), &args);
                for l in &after.images[0].layers {
                    let suffix = want.suffix(false);
                    assert!(l.blob.starts_with(&magic(want)), "{comp:?} {option:?}");
                    assert_eq!(
                        l.media,
                        format!("application/vnd.oci.image.layer.v1.tar{suffix}"),
                        "{comp:?} {option:?}"
                    );
                    assert!(want != Comp::None || l.blob == l.tar, "{comp:?} {option:?}");
                }
            }
        }
    }
}

#[test]
fn mixed_compression_in_one_image() {
    let mut image = small();
    image.layers.push(layer("file z content=z"));
    image.comp = vec![Comp::Gzip, Comp::Zstd, Comp::None];
    for mode in MODES {
        check(&Archive::new(image.clone(), Form::OciTar), mode);
    }
}

/// As docker does: `...tar` over gzip bytes, or `...tar+gzip` over a plain tar. A warning, not an error.
#[test]
fn a_media_type_that_disagrees_with_the_bytes() {
    for (real, said) in [(Comp::Gzip, "+zstd"), (Comp::Gzip, ""), (Comp::None, "+gzip"), (Comp::Zstd, "+gzip")] {
        let archive = Archive::new(small().comp(real), Form::OciTar);
        let mut entries = archive.entries();
        rewrite_manifest(&mut entries, |m| {
            for l in m["layers"].as_array_mut().unwrap() {
                l["mediaType"] = format!("application/vnd.oci.image.layer.v1.tar{said}").into();
            }
        });
        check_entries(&entries, Form::OciTar, &[]);
        let dir = Dir::new();
        dir.write("in.tar", to_tar(&entries));
        let run = dir.run(&["in.tar", "-p", "shadowed.toml", "-o", "out.tar"]).ok();
        assert!(run.stderr.contains("warning:"), "{}", run.stderr);
    }
}

#[test]
fn several_images_in_one_archive_are_all_rewritten() {
    for form in FORMS {
        let mut second = small();
        second.layers.push(layer("file second content=2\nwhiteout b"));
        let items = vec![
            Item { tags: vec!["x/one:1"], ..Item::new(small()) },
            Item { tags: vec!["x/two:1", "x/two:2"], ..Item::new(second) },
        ];
        let archive = Archive { items, form, schema2: false };
        for mode in MODES {
            let (_, after) = check(&archive, mode);
            assert_eq!(after.images.len(), 2);
        }
        let dir = Dir::new();
        let path = archive.write(dir.path());
        let scheme = match form {
            Form::OciTar => "oci-archive",
            Form::OciDir => "oci",
            _ => "docker-archive",
        };
        let input = format!("{scheme}:{}:x/two:2", path.display());
        let out = if form == Form::OciDir { "out" } else { "out.tar" };
        dir.run(&[&input, "-p", "shadowed.toml", "-o", out]).ok();
        let after = open(&dir.join(out));
        assert_eq!((after.images.len(), after.problems.len()), (1, 0), "{:?}", after.problems);
        assert!(after.images[0].tree().unwrap().names.contains_key(&b"second"[..]));
    }
}

fn platforms(nested: bool, attest: bool) -> Item {
    let mut images = Vec::new();
    for (i, platform) in
        [("linux", "amd64", None), ("linux", "arm64", Some("v8")), ("linux", "arm", Some("v7"))].into_iter().enumerate()
    {
        let mut image = small().comp(Comp::Gzip);
        image.layers.push(layer(&format!("file platform content=platform-{i}")));
        image.platform = platform;
        images.push(image);
    }
    Item { images, nested, attest, ..Item::new(small()) }
}

#[test]
fn every_platform_of_an_index_is_rewritten() {
    for form in [Form::OciTar, Form::OciDir] {
        for schema2 in [false, true] {
            let archive = Archive { items: vec![platforms(true, false)], form, schema2 };
            for mode in MODES {
                let (before, after) = check(&archive, mode);
                assert_eq!(after.images.len(), 3);
                for (a, b) in before.images.iter().zip(&after.images) {
                    assert_eq!(a.platform, b.platform);
                }
            }
            let dir = Dir::new();
            let path = archive.write(dir.path());
            let out = if form == Form::OciDir { "out" } else { "out.tar" };
            dir.run(&[path.to_str().unwrap(), "-p", "shadowed.toml", "--platform", "linux/arm64", "-o", out]).ok();
            let after = open(&dir.join(out));
            assert_eq!(after.problems, Vec::<String>::new());
            assert_eq!(after.images.len(), 1);
            assert_eq!(after.images[0].config["architecture"], "arm64");
        }
    }
}

/// An attestation speaks of the manifest it was made for: it goes where that changed, and says so; nothing may dangle.
#[test]
fn attestations_do_not_dangle() {
    for form in [Form::OciTar, Form::OciDir] {
        let archive = Archive { items: vec![platforms(true, true)], form, schema2: false };
        let (_, after) = check(&archive, &[]);
        let text: String = after
            .entries
            .iter()
            .filter_map(
                |(_, e)| {
                    if let Entry::File(b) = e { Some(String::from_utf8_lossy(b).into_owned()) } else { None }
                },
            )
            .collect();
        let (before, _) = check(&archive, &["-p", "none"]);
        for image in &before.images {
            let digest = crate::builder::sha256(image.manifest.as_ref().unwrap());
            assert!(!text.contains(&digest[7..]), "the output still speaks of {digest}");
        }
    }
}

#[test]
fn an_archive_that_is_itself_compressed() {
    for form in [Form::Docker, Form::Hybrid, Form::OciTar] {
        for comp in [Comp::Gzip, Comp::Zstd, Comp::GzipMembers] {
            let dir = Dir::new();
            dir.write("in.tar", comp.encode(&to_tar(&Archive::new(small(), form).entries())));
            dir.run(&["in.tar", "-p", "shadowed.toml", "-o", "out.tar"]).ok();
            let (before, after) = (open(&dir.join("in.tar")), open(&dir.join("out.tar")));
            assert_eq!(
                well_formed(&before, &after, Checks { squash: None, base: 0 }),
                Vec::<String>::new(),
                "{form:?} {comp:?}"
            );
            assert_eq!(diff(&before.images[0].tree().unwrap(), &after.images[0].tree().unwrap()), None);
        }
    }
}

#[test]
fn the_form_of_the_input_is_the_outputs() {
    for form in FORMS {
        let (_, after) = check(&Archive::new(small(), form), &[]);
        // For an archive of the old form a hybrid will do: both kinds of readers take it.
        assert!(after.index.is_some() || form == Form::Docker, "{form:?}");
        assert_eq!(!after.docker.is_empty(), matches!(form, Form::Docker | Form::Hybrid), "{form:?}");
    }
}

/// docker 25+ with the containerd store: `index.json` names an index, and that the manifest.
#[test]
fn a_nested_index_stays_one() {
    let mut archive = Archive::new(small().comp(Comp::Gzip), Form::Hybrid);
    archive.items[0].nested = true;
    for mode in MODES {
        let (_, after) = check(&archive, mode);
        let media = after.index.unwrap()["manifests"][0]["mediaType"].clone();
        assert_eq!(media, crate::builder::archive::OCI_INDEX);
    }
}
