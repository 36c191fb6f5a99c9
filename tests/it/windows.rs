//! Windows images: the hives of all layers count together, and names do not tell case apart, so no layer of them changes.

use crate::archives::edit;
use crate::builder::archive::to_tar;
use crate::builder::{Archive, Comp, Form, Image, Item, layer};
use crate::oracle::open;
use crate::run::Dir;
use serde_json::json;

fn windows() -> Image {
    let lower = "dir Files\nfile Files/app/B.txt content=b-content\nfile Hives/Software_Delta content=one repeat=500\n\
                 file Files/Windows/Temp/x content=temporary\nfile Files/var/cache/apt/archives/x.deb content=cached";
    let upper = "whiteout Files/app/b.txt\nfile Hives/Software_Delta content=two repeat=500\nwhiteout Hives/Sam_Delta";
    Image { platform: ("windows", "amd64", None), ..Image::new(vec![layer(lower), layer(upper)]) }
}

const REQUESTS: [&[&str]; 5] = [
    &["-p", "shadowed.toml"],
    &["-p", "shadowed.toml", "--layers", "squash"],
    &["-p", "none", "--layers", "squash"],
    &["-p", "auto", "--drop", "**/*.txt"],
    &["-p", "caches", "--compression", "zstd"],
];

#[test]
fn no_layer_changes_and_the_user_is_told() {
    for form in [Form::Docker, Form::Hybrid, Form::OciTar] {
        for request in REQUESTS {
            let dir = Dir::new();
            let input = open(&Archive::new(windows().comp(Comp::Gzip), form).write(dir.path()));
            let run = dir.run(&[&["in.tar", "-o", "out.tar"], request].concat());
            assert!(
                run.stderr.contains("windows-image") || run.stderr.contains("is a Windows image"),
                "{}",
                run.stderr
            );
            run.ok();
            let output = open(&dir.join("out.tar"));
            assert_eq!(output.problems, Vec::<String>::new(), "{form:?} {request:?}");
            assert_eq!(output.images[0].tars(), input.images[0].tars(), "{form:?} {request:?}");
            dir.run(&["verify", "out.tar", "--against", "in.tar"]).ok();
            let profile = [&["verify", "out.tar", "--against", "in.tar"], &request[..2]].concat();
            dir.run(&profile).ok();
        }
    }
}

#[test]
fn of_several_platforms_the_others_become_smaller() {
    let linux = Image::new(vec![layer("file a content=gone-content\nfile b content=b"), layer("whiteout a")]);
    let item = Item { images: vec![linux, windows()], ..Item::new(windows()) };
    let dir = Dir::new();
    let archive = Archive { items: vec![item], form: Form::OciTar, schema2: false };
    let input = open(&archive.write(dir.path()));
    dir.run(&["in.tar", "-p", "shadowed.toml", "-o", "out.tar"]).ok();
    let output = open(&dir.join("out.tar"));
    assert_eq!(output.images[1].tars(), input.images[1].tars());
    assert_ne!(output.images[0].tars(), input.images[0].tars());
    dir.run(&["verify", "out.tar", "--against", "in.tar", "-p", "shadowed.toml"]).ok();
}

#[test]
fn verify_calls_no_loss_a_match() {
    let mut squashed = windows();
    let one = "dir Files\nfile Files/app/B.txt content=b-content\nfile Hives/Software_Delta content=two repeat=500";
    squashed.layers = vec![layer(one)];
    let mut swapped = windows();
    swapped.layers.swap(0, 1);
    for other in [squashed, swapped] {
        let dir = Dir::new();
        Archive::new(windows(), Form::OciTar).write(dir.path());
        dir.write("out.tar", to_tar(&Archive::new(other, Form::OciTar).entries()));
        for more in [&[][..], &["-p", "shadowed.toml"]] {
            let run = dir.run(&[&["verify", "out.tar", "--against", "in.tar"], more].concat());
            assert_eq!(run.code, Some(1), "{}{}", run.text(), run.stderr);
            assert!(run.text().contains("Windows image"), "{}", run.text());
        }
    }
}

/// An image that was a Windows image and is called none any more is still no match.
#[test]
fn another_name_for_the_system_is_no_way_round() {
    let dir = Dir::new();
    let mut entries = Archive::new(windows(), Form::Docker).entries();
    dir.write("in.tar", to_tar(&entries));
    let config = entries.iter().find(|(name, _)| name.ends_with(".json") && name.len() > 60 && !name.contains('/'));
    let config = config.unwrap().0.clone();
    edit(&mut entries, &config, |c| c["os"] = json!("Windows"));
    entries.iter_mut().for_each(|(name, _)| *name = name.replace(&config, "config.json"));
    edit(&mut entries, "manifest.json", |m| m[0]["Config"] = json!("config.json"));
    dir.write("in.tar", to_tar(&entries));
    let run = dir.run(&["in.tar", "-p", "none", "--layers", "squash", "-o", "out.tar"]);
    assert!(run.stderr.contains("is a Windows image"), "{}", run.stderr);
    run.ok();
    assert_eq!(open(&dir.join("out.tar")).images[0].layers.len(), 2);
}

#[test]
fn what_looks_into_the_tree_says_why_it_does_not() {
    let dir = Dir::new();
    Archive::new(windows(), Form::OciTar).write(dir.path());
    dir.run(&["analyze", "in.tar"]).error(&["in.tar", "Windows image", "hives", "hint:"]);
    dir.run(&["diff", "in.tar", "in.tar"]).error(&["in.tar", "Windows image", "hives"]);
    let run = dir.run(&["plan", "in.tar", "-p", "caches"]);
    assert!(run.stderr.contains("is a Windows image"), "{}", run.stderr);
    run.ok();
    dir.run(&["verify", "in.tar"]).ok();
}
