//! Whole images: history, layers, configs.

use crate::archives::{FORMS, MODES, check, check_entries, edit, small};
use crate::builder::archive::history_entry;
use crate::builder::{Archive, Comp, Form, Image, layer};
use crate::case::Case;
use crate::oracle::archive::View;
use crate::oracle::open;
use crate::run::Dir;
use serde_json::{Value, json};

#[test]
fn history_with_sixty_empty_entries_round_two_layers() {
    let mut history: Vec<Value> = (0..62).map(history_entry).collect();
    for (i, h) in history.iter_mut().enumerate().filter(|(i, _)| *i != 20 && *i != 40) {
        h["empty_layer"] = true.into();
        h["author"] = format!("author {i}").into();
    }
    let case = |name: &str| Case::new(name).history(history.clone());
    case("62 entries")
        .layer("file a content=old-content\nfile b content=b")
        .layer("whiteout a\nfile c content=c")
        .run();
    case("a layer goes").layer("file a content=old-content\nfile b content=b").layer("whiteout a").run();
    case("the other goes").layer("file a content=old-content").layer("file a content=new-content").run();
}

#[test]
fn no_history_at_all() {
    Case::new("no history")
        .history(Vec::new())
        .layer("file a content=old-content\nfile b content=b")
        .layer("whiteout a")
        .layer("file c content=c")
        .run();
}

#[test]
fn the_same_layer_twice() {
    let a = "file a content=a-content\nfile x content=x-content";
    Case::new("A B A")
        .layer(a)
        .layer("file a content=b-content\nwhiteout x")
        .layer(a)
        .want("a", "a-content")
        .want("x", "x-content")
        .run();
    Case::new("A A").layer(a).layer(a).want("a", "a-content").run();
    Case::new("A B A B").layer(a).layer("whiteout a").layer(a).layer("whiteout a").gone("a").run();
    Case::new("empty ones").layer("").layer("").layer(a).layer("").run();
}

/// Equal layers are one blob, and `manifest.json` may name one file twice.
#[test]
fn one_layer_file_named_twice() {
    let a = layer("file a content=a-content");
    let image = Image::new(vec![a.clone(), layer("file b content=b-content"), a]);
    let mut entries = Archive::new(image, Form::Docker).entries();
    let paths: Vec<String> = entries.iter().filter(|(n, _)| n.ends_with("layer.tar")).map(|(n, _)| n.clone()).collect();
    entries.retain(|(n, _)| *n != paths[2]);
    edit(&mut entries, "manifest.json", |m| m[0]["Layers"] = json!([paths[0], paths[1], paths[0]]));
    for mode in MODES {
        check_entries(&entries, Form::Docker, mode);
    }
}

#[test]
fn twenty_layers_with_one_file() {
    let mut case = Case::new("twenty");
    for i in 0..20 {
        case = case.layer(&format!("file a content=content-number-{i:02}"));
    }
    case.want("a", "content-number-19").keep().squash().base(1).base(10).base(19).run();
}

#[test]
fn everything_deleted() {
    let case = Case::new("all")
        .layer("file a content=old-content\nfile d/b content=old-content2")
        .layer("opaque .")
        .gone("a")
        .gone("d");
    case.forms(&[
        (Form::Docker, Comp::None),
        (Form::OciTar, Comp::Gzip),
        (Form::OciDir, Comp::Zstd),
        (Form::Hybrid, Comp::None),
    ])
    .run();
    Case::new("by name").layer("file a content=old-content").layer("whiteout a").gone("a").run();
}

#[test]
fn config_fields_known_and_unknown_survive() {
    let config = json!({
        "author": "someone", "docker_version": "24.0.7", "container": "0123", "x-unknown": {"b": 1, "a": [1, 2.50, 1e3, null]},
        "os.version": "10.0", "os.features": ["x"], "variant": "v3", "id": "abc", "parent": "def", "Size": 18446744073709551615u64,
        "moby.buildkit.cache.v0": "AAAA", "moby.buildkit.buildinfo.v1": "BBBB",
        "config": {
            "Hostname": "h", "User": "1000:1000", "Env": ["PATH=/bin", "A=\u{1F600}<>&"], "Cmd": null, "Entrypoint": ["/e", "--x"], "WorkingDir": "/w",
            "Healthcheck": {"Test": ["CMD", "true"], "Interval": 30000000000u64, "StartInterval": 5000000000u64},
            "Shell": ["/bin/bash", "-c"], "OnBuild": ["RUN true"], "ArgsEscaped": true, "StopSignal": "SIGTERM", "Volumes": {"/v": {}},
            "ExposedPorts": {"80/tcp": {}}, "Labels": {"z": "1", "a": "2"}, "X-Custom": [true]
        },
        "container_config": {"Cmd": ["x"]}
    });
    Case::new("config").config(config).layer("file a content=old-content\nfile b content=b").layer("whiteout a").run();
}

#[test]
fn annotations_stay() {
    for form in [Form::OciTar, Form::OciDir, Form::Hybrid] {
        let mut image = small().comp(Comp::Gzip);
        image.annotations = json!({"org.opencontainers.image.source": "https://example.com", "x.custom": "\u{e9}"});
        for mode in MODES {
            let (_, after) = check(&Archive::new(image.clone(), form), mode);
            let manifest: Value = serde_json::from_slice(after.images[0].manifest.as_ref().unwrap()).unwrap();
            assert_eq!(manifest["annotations"], image.annotations);
        }
    }
}

/// Nothing to do means nothing done: digests of manifest, config and layers are the input's.
#[test]
fn profile_none_passes_everything_through() {
    for form in FORMS {
        for comp in [Comp::None, Comp::Gzip, Comp::GzipMembers, Comp::Zstd, Comp::ZstdFrames] {
            if form == Form::Docker && matches!(comp, Comp::Zstd | Comp::ZstdFrames) {
                continue;
            }
            let (before, after) = check(&Archive::new(small().comp(comp), form), &["-p", "none"]);
            let (a, b) = (&before.images[0], &after.images[0]);
            assert_eq!(a.config_bytes, b.config_bytes, "{form:?} {comp:?}");
            assert!(form == Form::Docker || a.manifest == b.manifest, "{form:?} {comp:?}");
            for (x, y) in a.layers.iter().zip(&b.layers) {
                assert_eq!(x.blob, y.blob, "{form:?} {comp:?}");
            }
        }
    }
}

#[test]
fn a_squash_never_grows_the_image() {
    for comp in [Comp::None, Comp::Gzip, Comp::Zstd] {
        let layers = vec![
            layer("file a random=20000\nfile b content=b\ndir d"),
            layer("file c random=10000\nfile d/e content=e"),
            layer("file f content=f"),
        ];
        for p in ["none", "shadowed.toml"] {
            let (before, after) = check(
                &Archive::new(Image::new(layers.clone()).comp(comp), Form::OciTar),
                &["-p", p, "--layers", "squash"],
            );
            let sum = |v: &View| v.images[0].layers.iter().map(|l| l.tar.len()).sum::<usize>();
            assert!(sum(&after) <= sum(&before), "{comp:?} {p}: {} bytes became {}", sum(&before), sum(&after));
        }
    }
}

/// An error or a result, but no crash, and no minute of work.
#[test]
fn five_thousand_layers() {
    let layers = (0..5000).map(|i| layer(&format!("file f{} content=content-{i:05}", i % 100))).collect();
    let dir = Dir::new();
    Archive::new(Image::new(layers), Form::Docker).write(dir.path());
    for mode in [&[][..], &["--layers", "squash"]] {
        let mut args = vec!["in.tar", "-p", "shadowed.toml", "-o", "out.tar"];
        args.extend(mode);
        let run = dir.run(&args);
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        match run.code {
            Some(0) => assert_eq!(open(&dir.join("out.tar")).images[0].tree().unwrap().names.len(), 101),
            code => assert_eq!(code, Some(2), "{}", run.stderr),
        }
    }
}
