//! Layers that are broken, huge or odd.

use super::{RUN, image_of, limited, refused, refused_layer, run, with_blob};
use crate::archives::small;
use crate::builder::archive::to_tar;
use crate::builder::{Archive, Comp, Entry, Form, Image, layer};
use crate::run::Dir;

/// The layer's blob is cut and its digests made to fit: only the framing of tar, gzip or zstd can tell.
#[test]
fn a_layer_cut_at_many_places() {
    let tar = layer(
        "dir d\nfile d/a content=content repeat=300\nset long=pax\nfile pax-name content=x xattr.user.x=1\nfile s sparse=1.0 map=step:3 size=20000 content=x",
    );
    let tar = &tar[..tar.len() - 1024];
    for cut in (1..tar.len()).step_by(131) {
        if cut % 512 != 0 {
            refused_layer(&tar[..cut], &["layer"]);
        }
    }
    for comp in [Comp::Gzip, Comp::Zstd] {
        let blob = comp.encode(tar);
        for cut in (1..blob.len()).step_by(blob.len() / 25 + 1) {
            let mut image = image_of(tar.to_vec());
            image.comp = vec![Comp::None];
            refused(&to_tar(&with_blob(&image, &blob[..cut], comp)), &["layer"]);
        }
    }
}

#[test]
fn garbage_after_compressed_data() {
    let image = small();
    for comp in [Comp::Gzip, Comp::Zstd] {
        let blob = [comp.encode(&image.layers[0]), b"garbage".repeat(20)].concat();
        refused(&to_tar(&with_blob(&image, &blob, comp)), &["layer"]);
    }
}

#[test]
fn broken_tar_headers() {
    for (line, words) in [
        ("file d/name content=x checksum=bad", &["layer", "checksum"][..]),
        ("file d/name rawsize=1152921504606846976", &["layer", "d/name"]),
        ("file d/name rawsize=9223372036854775807", &["layer", "d/name"]),
        ("file d/name content=x pax.size=1152921504606846976", &["layer"]),
        ("file d/name content=x pax.size=-5", &["layer"]),
        ("file d/name content=x pax.mtime=yesterday", &["layer"]),
        ("file d/name content=x pax.uid=99999999999999999999999", &["layer"]),
        ("file d/name content=x pax.path=a\\000b", &["layer"]),
        ("file d/name content=x type=Z", &["layer", "d/name"]),
        ("file d/name content=x pax.path=", &["layer"]),
        ("sym d/name -> \"\"", &[]),
    ] {
        if line.starts_with("sym")
            || line.contains("type=Z")
            || line.contains("pax.path= ")
            || line.ends_with("pax.path=")
        {
            // Odd, but readable to some: an error or a result.
            run(&to_tar(
                &Archive::new(image_of(layer(&format!("file ok content=ok\n{line}\nfile gone"))), Form::OciTar)
                    .entries(),
            ));
        } else {
            refused_layer(&layer(&format!("file ok content=ok\n{line}\nfile gone")), words);
        }
    }
    // A negative size is nonsense; of a negative mode or owner a reader may make something.
    for (field, len, must_fail) in [(124, 12, true), (100, 8, false), (108, 8, false)] {
        let mut tar = layer("file a content=x\nfile gone");
        tar[field..field + len].fill(0xff);
        crate::builder::tar::checksum((&mut tar[..512]).try_into().unwrap(), false);
        if must_fail {
            refused_layer(&tar, &["layer"]);
        } else {
            run(&to_tar(&Archive::new(image_of(tar), Form::Docker).entries()));
        }
    }
    let mut tar = layer("file a content=x\nfile gone");
    tar[124..136].copy_from_slice(b"12x45678901\0");
    crate::builder::tar::checksum((&mut tar[..512]).try_into().unwrap(), false);
    refused_layer(&tar, &["layer"]);
}

#[test]
fn broken_pax_records() {
    for body in [
        "5 a=b\n",
        "99 a=b\n",
        "0 a=b\n",
        "a=b\n",
        "-6 a=b\n",
        "6 abc\n",
        "99999999999999999999 a=b\n",
        "7 a=bc",
        "6 a\0b\n",
        "5 =b\n x",
    ] {
        let mut tar = Vec::new();
        let mut e = crate::builder::tar::TarEntry::new(b"PaxHeaders/x", b'x');
        e.content = body.as_bytes().to_vec();
        e.write(&mut tar);
        tar.extend(layer("file a content=a\nfile gone"));
        refused_layer(&tar, &["layer"]);
    }
    // A prefix without its member.
    let mut tar = Vec::new();
    crate::builder::tar::pax(b'x', &[(b"path".to_vec(), b"a".to_vec())], &mut tar);
    tar.resize(tar.len() + 1024, 0);
    run(&to_tar(&Archive::new(image_of(tar), Form::OciTar).entries()));
}

#[test]
fn broken_sparse_maps() {
    for form in ["old", "0.0", "0.1", "1.0"] {
        for (map, size) in [
            ("0+512,256+512", 4096),
            ("4096+512,0+512", 8192),
            ("0+512,8192+512", 4096),
            ("1152921504606846976+512", 4096),
            ("18446744073709551000+512", 4096),
        ] {
            let tar = layer(&format!("file s sparse={form} map={map} size={size} content=x\nfile gone"));
            refused_layer(&tar, &["layer", "s"]);
        }
    }
    let bad = [
        "pax.GNU.sparse.major=1 pax.GNU.sparse.minor=0 pax.GNU.sparse.realsize=100 pax.GNU.sparse.name=s content=\"99999999999\\n0\\n\"",
        "pax.GNU.sparse.major=1 pax.GNU.sparse.minor=0 pax.GNU.sparse.realsize=100 pax.GNU.sparse.name=s content=\"2\\n0\\nx\\n\"",
        "pax.GNU.sparse.major=9 pax.GNU.sparse.minor=9 pax.GNU.sparse.realsize=100 content=abc",
        "pax.GNU.sparse.size=100 pax.GNU.sparse.numblocks=1 pax.GNU.sparse.map=0 content=abc",
        "pax.GNU.sparse.size=100 pax.GNU.sparse.numblocks=5 pax.GNU.sparse.map=0,3 content=abc",
        "pax.GNU.sparse.size=-1 pax.GNU.sparse.numblocks=1 pax.GNU.sparse.map=0,3 content=abc",
    ];
    for attrs in bad {
        refused_layer(&layer(&format!("file s {attrs}\nfile gone")), &["layer"]);
    }
    // A sparse file of 2^60 bytes is legal and costs nothing: its zeros are never written.
    let tar = layer("file s sparse=1.0 map=0+512 size=1152921504606846976 content=x\nfile gone");
    run(&to_tar(&Archive::new(image_of(tar), Form::OciTar).entries()));
}

/// 500 MB of zeros behind the end marker, 500 kB in the blob: read through for its digest, never held.
#[test]
fn a_gzip_bomb() {
    let zeros = 500 << 20;
    let mut tar = layer("file a content=a-content\nfile gone content=gone-content");
    tar.resize(tar.len() + zeros, 0);
    let dir = Dir::new();
    Archive::new(image_of(tar).comp(Comp::Gzip), Form::OciTar).write(dir.path());
    let run = limited(&dir, &RUN);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(std::fs::metadata(dir.join("out.tar")).unwrap().len() < 2_000_000);
}

#[test]
fn a_bomb_as_json_and_as_pax_header() {
    let dir = Dir::new();
    let mut tar = Vec::new();
    let mut e = crate::builder::tar::TarEntry::new(b"PaxHeaders/x", b'x');
    e.content = crate::builder::tar::pax_record(b"comment", &vec![b'x'; 300 << 20]);
    e.write(&mut tar);
    tar.extend(layer("file a content=a"));
    Archive::new(image_of(tar).comp(Comp::Gzip), Form::OciTar).write(dir.path());
    let run = limited(&dir, &RUN);
    assert!(run.code == Some(2) || run.code == Some(0), "{:?} {}", run.code, run.stderr);
    assert!(!run.stderr.contains("panicked") && !run.stderr.contains("memory allocation"), "{}", run.stderr);
    let mut entries = Archive::new(small(), Form::OciTar).entries();
    entries.iter_mut().find(|(n, _)| n == "index.json").unwrap().1 = Entry::File(vec![b' '; 600 << 20]);
    dir.write("in.tar", to_tar(&entries));
    drop(entries);
    limited(&dir, &RUN).error(&["index.json"]);
}

#[test]
fn five_thousand_tiny_layers_in_an_oci_layout() {
    let layers = (0..5000).map(|i| layer(&format!("file f{i} content=x"))).collect();
    let dir = Dir::new();
    Archive::new(Image::new(layers).comp(Comp::Gzip), Form::OciTar).write(dir.path());
    let run = dir.run(&RUN);
    assert!(matches!(run.code, Some(0 | 2)) && !run.stderr.contains("panicked"), "{}", run.stderr);
}

#[test]
fn deep_directories_and_many_components() {
    let deep = "d/".repeat(20_000);
    let run = run(&to_tar(
        &Archive::new(image_of(layer(&format!("set long=pax\nfile {deep}f content=x\nfile gone"))), Form::OciTar)
            .entries(),
    ));
    assert!(matches!(run.code, Some(0 | 2)), "{}", run.stderr);
}
