//! Archives that are cut, lie, or are none.

use super::{RUN, refused, run};
use crate::archives::{edit, rewrite_manifest, small};
use crate::builder::archive::to_tar;
use crate::builder::{Archive, Comp, Entry, Form, Image, layer, sha256};
use crate::oracle::open;
use crate::run::Dir;

#[test]
fn not_an_image_at_all() {
    refused(b"", &["in.tar"]);
    refused(b"<!DOCTYPE html><html><body>404 not found</body></html>", &["in.tar"]);
    refused(&vec![b'<'; 5000], &["in.tar"]);
    refused(&[0; 10240], &["in.tar"]);
    refused(b"hello\n", &["in.tar"]);
    refused(&Comp::Gzip.encode(b"hello"), &["in.tar"]);
    refused(&Comp::Gzip.encode(b""), &["in.tar"]);
    refused(br#"{"schemaVersion": 2}"#, &["in.tar"]);
    refused(b"\x7fELF\x02\x01\x01", &["in.tar"]);
}

#[test]
fn a_root_file_system_tar_gets_a_hint() {
    let tar = layer(
        "dir bin\nfile bin/sh content=x mode=0755\ndir etc\nfile etc/os-release content=ID=debian\nsym lib -> usr/lib\ndir usr\ndir dev\nchar dev/null 1 3",
    );
    refused(&tar, &["in.tar", "hint:", "docker export"]);
}

#[test]
fn missing_files_and_directories() {
    let dir = Dir::new();
    dir.run(&RUN).error(&["in.tar"]);
    std::fs::create_dir(dir.join("in.tar")).unwrap();
    dir.run(&RUN).error(&["in.tar"]);
    dir.write("in.tar/file", "x");
    dir.run(&RUN).error(&["in.tar"]);
    let dir = Dir::new();
    Archive::new(small(), Form::OciTar).write(dir.path());
    dir.run(&["in.tar", "-p", "none", "-o", "no/such/dir/out.tar"]).error(&["no/such/dir"]);
    std::fs::create_dir(dir.join("d")).unwrap();
    dir.run(&["in.tar", "-p", "none", "-o", "d"]).error(&["d"]);
    assert_eq!(dir.names(), ["d", "in.tar", "shadowed.toml"]);
}

/// A rename onto `/dev/null` would replace the device: what is no regular file is written into, or refused, never replaced.
#[test]
fn an_output_that_is_no_regular_file_is_not_replaced() {
    let dir = Dir::new();
    Archive::new(small(), Form::OciTar).write(dir.path());
    assert!(std::process::Command::new("mkfifo").arg(dir.join("fifo")).status().unwrap().success());
    let fifo = dir.join("fifo");
    let reader = std::thread::spawn(move || std::fs::read(fifo).unwrap());
    let run = dir.run(&["in.tar", "-p", "none", "-o", "fifo"]);
    assert!(std::os::unix::fs::FileTypeExt::is_fifo(&std::fs::metadata(dir.join("fifo")).unwrap().file_type()));
    assert_eq!(dir.names(), ["fifo", "in.tar", "shadowed.toml"]);
    if run.code == Some(0) {
        let bytes = reader.join().unwrap();
        dir.write("out.tar", bytes);
        assert_eq!(open(&dir.join("out.tar")).problems, Vec::<String>::new());
    } else {
        run.error(&["fifo"]);
        // Ends the reader.
        drop(std::fs::OpenOptions::new().write(true).open(dir.join("fifo")));
    }
}

#[test]
fn a_full_disk_behind_a_pipe() {
    let dir = Dir::new();
    Archive::new(small(), Form::OciTar).write(dir.path());
    let mut sh = std::process::Command::new("sh");
    sh.arg("-c").arg("exec \"$0\" in.tar -p none -o - > /dev/full").arg(crate::run::slim()).current_dir(dir.path());
    crate::run::finish(sh, b"").error(&["space"]);
}

#[test]
fn the_archive_cut_at_many_places() {
    for (form, comp) in [(Form::Docker, Comp::None), (Form::OciTar, Comp::Gzip), (Form::Hybrid, Comp::None)] {
        let tar = to_tar(&Archive::new(small().comp(comp), form).entries());
        let end = tar.len() - 1024;
        let mut cuts: Vec<usize> = (0..end).step_by(512).collect();
        cuts.extend((0..end).step_by(1777));
        for cut in cuts {
            // manifest.json or repositories come last: cut just before, and what is left is an image still; so is an
            // archive that lacks some of its last padding.
            let zeros = tar[cut..cut.next_multiple_of(512)].iter().all(|&b| b == 0);
            let run = run(&tar[..cut]);
            assert!(
                run.code == Some(2) || zeros && (end - cut < 512 || form != Form::OciTar && end - cut <= 2048),
                "cut at {cut} of {end}, {form:?}"
            );
        }
    }
}

#[test]
fn a_compressed_archive_cut_at_many_places() {
    for comp in [Comp::Gzip, Comp::Zstd] {
        let bytes = comp.encode(&to_tar(&Archive::new(small(), Form::OciTar).entries()));
        for cut in (1..bytes.len()).step_by(bytes.len() / 40 + 1) {
            refused(&bytes[..cut], &["in.tar"]);
        }
    }
}

/// Paths and links of the archive that point to the host are refused; the host's file is not read.
#[test]
fn nothing_outside_of_the_archive_is_read() {
    let dir = Dir::new();
    let secret = dir.write("secret.tar", layer("file secret content=host-secret"));
    let secret = secret.to_str().unwrap();
    let up = format!("{}{}", "../".repeat(20), &secret[1..]);
    let image = Image::new(vec![layer("file secret content=host-secret")]);
    let clean = Archive::new(image, Form::Docker).entries();
    for path in ["../../etc/passwd", "/etc/passwd", secret, &up, "x/../../secret.tar", ""] {
        let mut entries = clean.clone();
        edit(&mut entries, "manifest.json", |m| m[0]["Layers"][0] = path.into());
        dir.write("in.tar", to_tar(&entries));
        dir.run(&RUN).error(&["in.tar", path]);
        let mut entries = clean.clone();
        edit(&mut entries, "manifest.json", |m| m[0]["Config"] = path.into());
        dir.write("in.tar", to_tar(&entries));
        dir.run(&RUN).error(&[]);
    }
    for target in [secret, &up, "../../etc/passwd", "/etc/passwd", "layer.tar", "../missing/layer.tar"] {
        let mut entries = clean.clone();
        let entry = entries.iter_mut().find(|(n, _)| n.ends_with("layer.tar")).unwrap();
        entry.1 = Entry::Symlink(target.into());
        dir.write("in.tar", to_tar(&entries));
        dir.run(&RUN).error(&["layer.tar"]);
    }
    assert_eq!(dir.names(), ["in.tar", "secret.tar", "shadowed.toml"]);
}

/// In a directory the links are real ones.
#[test]
fn a_layout_whose_blob_is_a_link_to_the_host() {
    let dir = Dir::new();
    Archive::new(small(), Form::OciDir).write(dir.path());
    let digest = sha256(&small().layers[0]);
    let blob = dir.join("in/blobs/sha256").join(&digest[7..]);
    std::fs::rename(&blob, dir.join("outside")).unwrap();
    std::os::unix::fs::symlink("../../../outside", &blob).unwrap();
    // Same bytes: taking them would be right by digest, refusing is right by caution. What counts is: no crash, no half output.
    let run = dir.run(&["in", "-p", "shadowed.toml", "-o", "out"]);
    assert!(matches!(run.code, Some(0 | 2)) && !run.stderr.contains("panicked"), "{}", run.stderr);
    for bad in
        ["../../../../etc/passwd", "sha256:../../../etc/passwd", "sha256:", "sha256:zz", "md5:00", "sha256:ABCDEF"]
    {
        let mut entries = Archive::new(small(), Form::OciTar).entries();
        rewrite_manifest(&mut entries, |m| m["layers"][0]["digest"] = bad.into());
        refused(&to_tar(&entries), &["digest"]);
    }
}

/// An archive whose own tar has sizes and names that lie.
#[test]
fn a_lying_outer_tar() {
    for text in [
        "file manifest.json rawsize=1152921504606846976",
        "file manifest.json content=x checksum=bad",
        "sym manifest.json -> /etc/passwd",
        "sym manifest.json -> manifest.json",
        "dir manifest.json",
        "link manifest.json -> ../../etc/passwd",
        "char manifest.json 1 5",
        "file ../manifest.json content=[]",
        "file index.json content={}\nfile oci-layout content={}",
    ] {
        refused(&layer(text), &["in.tar"]);
    }
}
