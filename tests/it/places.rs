//! Outputs that are no files to be replaced: pipes, open descriptors, devices, files that are mounts. All get the bytes that a
//! file would, when they are verified, and what cannot work is said before the work.

use crate::archives::small;
use crate::builder::archive::to_tar;
use crate::builder::{Archive, Form, Image, layer};
use crate::run::{Dir, Outcome, finish, slim};
use std::process::{Command, Stdio};

const WANT: [&str; 6] = ["in.tar", "-p", "shadowed.toml", "-q", "-o", "want.tar"];

fn dir() -> (Dir, Vec<u8>) {
    let dir = Dir::new();
    Archive::new(small(), Form::Hybrid).write(dir.path());
    dir.run(&WANT).ok();
    let want = std::fs::read(dir.join("want.tar")).unwrap();
    (dir, want)
}

/// Runs a script of bash; `$slim` is the program with the usual arguments.
fn bash(dir: &Dir, script: &str) -> Outcome {
    let mut bash = Command::new("bash");
    let slim = format!("slim() {{ {} in.tar -p shadowed.toml \"$@\"; }}\n{script}", slim().display());
    bash.arg("-c").arg(slim).current_dir(dir.path());
    finish(bash, b"")
}

#[test]
fn a_process_substitution() {
    let (dir, want) = dir();
    bash(&dir, "slim -q -o >(cat > piped.tar) && while [ ! -s piped.tar ] || pidof -q cat; do sleep 0.05; done").ok();
    assert!(std::fs::read(dir.join("piped.tar")).unwrap() == want);
    bash(&dir, "slim -q -o docker-archive:>(cat > piped.tar) && sleep 0.5").ok();
    // The reader's end is told, and nothing but what it read is anywhere.
    bash(&dir, "slim -o >(true) -q; exit $?");
    assert_eq!(dir.names(), ["in.tar", "piped.tar", "shadowed.toml", "want.tar"]);
}

#[test]
fn an_open_descriptor() {
    let (dir, want) = dir();
    for name in ["/dev/fd/3", "/proc/self/fd/3", "oci-archive:/dev/fd/3", "docker-archive:/dev/fd/3"] {
        bash(&dir, &format!("slim -q -o {name} 3>fd.tar")).ok();
        let written = std::fs::read(dir.join("fd.tar")).unwrap();
        assert!(written == want || name.starts_with("oci-archive") && written.len() > 1000, "{name}");
    }
    // What stands before it in the file stays: the shell that opened it decides where it goes.
    bash(&dir, "{ echo first; slim -q -o /dev/fd/3; echo last; } 3>&1 >log 2>&1 | cat > piped").ok();
    assert!(std::fs::read(dir.join("piped")).unwrap() == want);
    bash(&dir, "exec 3>>appended; echo -n first >&3; slim -q -o /dev/fd/3; echo -n last >&3").ok();
    assert!(std::fs::read(dir.join("appended")).unwrap() == [b"first", &want[..], b"last"].concat());
    std::os::unix::fs::symlink("/dev/fd/3", dir.join("link")).unwrap();
    bash(&dir, "slim -q -o link 3>fd.tar").ok();
    assert!(std::fs::read(dir.join("fd.tar")).unwrap() == want);
    bash(&dir, "slim -q -o /dev/stdout > fd.tar").ok();
    assert!(std::fs::read(dir.join("fd.tar")).unwrap() == want);
}

#[test]
fn a_descriptor_that_cannot_be_written_to_is_told_before_the_work() {
    let (dir, _) = dir();
    // A broken layer would be found by the work.
    let mut entries = Archive::new(small(), Form::Docker).entries();
    let tar = entries.iter_mut().find(|(name, _)| name.ends_with("layer.tar")).unwrap();
    tar.1 = crate::builder::Entry::File(b"broken".to_vec());
    dir.write("in.tar", to_tar(&entries));
    bash(&dir, "slim -o /dev/fd/7").error(&["/dev/fd/7", "descriptor 7 is not open", "hint:"]);
    bash(&dir, "slim -o /dev/fd/4").error(&["descriptor 4 is not open"]);
    bash(&dir, "slim -o /dev/fd/3 3<in.tar").error(&["the output is the input"]);
    bash(&dir, "slim -o /dev/fd/3 3<shadowed.toml").error(&["descriptor 3 is open for reading only"]);
    bash(&dir, "slim -o oci:/dev/fd/3 3>x").error(&["a layout directory cannot be written to a descriptor", "hint:"]);
    bash(&dir, "slim -o in.tar/out").error(&["in.tar is no directory"]);
}

#[test]
fn devices_and_pipes() {
    let (dir, want) = dir();
    dir.run(&["in.tar", "-p", "shadowed.toml", "-o", "/dev/null"]).ok();
    bash(&dir, "mkfifo fifo; cat fifo > out.tar & slim -q -o fifo; wait").ok();
    assert!(std::fs::read(dir.join("out.tar")).unwrap() == want);
    dir.run(&["in.tar", "-p", "shadowed.toml", "-o", "/dev/full"]).error(&["/dev/full", "space"]);
}

/// Mounts need rights that not every place gives; where they are missing nothing is tested.
fn mounted(dir: &Dir, script: &str) -> Option<Outcome> {
    let probe = Command::new("unshare").args(["-m", "true"]).stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        eprintln!("no rights to mount: not tested");
        return None;
    }
    dir.write("script", format!("set -e\nslim() {{ {} in.tar -p shadowed.toml \"$@\"; }}\n{script}", slim().display()));
    let mut unshare = Command::new("unshare");
    unshare.args(["-m", "bash", "script"]).current_dir(dir.path());
    Some(finish(unshare, b""))
}

#[test]
fn a_bind_mounted_file_is_written_over() {
    let (dir, want) = dir();
    for old in [vec![b'x'; 10], vec![b'x'; 4 << 20]] {
        for more in ["", "mount --bind d d; mount -o remount,ro,bind d;"] {
            std::fs::create_dir_all(dir.join("d")).unwrap();
            dir.write("real", &old);
            dir.write("d/out.tar", "");
            let Some(run) =
                mounted(&dir, &format!("{more}mount --bind real d/out.tar; slim -o d/out.tar; ls -A d >&2"))
            else {
                return;
            };
            assert!(run.stderr.contains("written over when the image is whole"), "{}", run.stderr);
            assert!(run.stderr.ends_with("out.tar\n") && !run.stderr.contains(".slim-"), "{}", run.stderr);
            run.ok();
            assert!(std::fs::read(dir.join("real")).unwrap() == want);
        }
    }
}

/// The file is there, nothing can be renamed to it, and it may be written to.
#[test]
fn a_file_in_a_directory_that_is_read_only() {
    let (dir, _) = dir();
    std::fs::create_dir(dir.join("d")).unwrap();
    let script = "mount --bind d d; mount -o remount,ro,bind d; slim -o d/out.tar";
    if let Some(run) = mounted(&dir, script) {
        run.error(&["d/out.tar", "no file can be made in the directory d"]);
    }
    dir.write("d/out.tar", "old");
    if let Some(run) = mounted(&dir, script) {
        run.error(&["d/out.tar", "cannot be written to"]);
        assert_eq!(std::fs::read(dir.join("d/out.tar")).unwrap(), b"old");
    }
    if let Some(run) = mounted(&dir, "mkdir m; mount -t tmpfs x m; slim -o oci:m") {
        run.error(&["something is mounted at the output directory", "hint: give a new directory in it: oci:m/image"]);
    }
}

/// A full disk leaves no half of an image in a file that had to be written over.
#[test]
fn a_full_disk_under_a_mounted_file() {
    let dir = Dir::new();
    Archive::new(Image::new(vec![layer("file big random=3000000")]), Form::Docker).write(dir.path());
    dir.write("out.tar", "");
    std::fs::create_dir(dir.join("m")).unwrap();
    let script = "mount -t tmpfs -o size=1m x m; echo old > m/f; mount --bind m/f out.tar\n\
                  slim -o out.tar || { echo code $? size $(stat -c %s m/f) >&2; exit 2; }";
    if let Some(run) = mounted(&dir, script) {
        run.error(&["out.tar", "the file is empty now", "code 2 size 0"]);
    }
}

/// A file has no name before it is whole, so that a signal that cannot be caught leaves nothing.
#[test]
fn nothing_is_left_after_kill_9() {
    let dir = Dir::new();
    Archive::new(
        Image::new(vec![layer("file big random=60000000\nfile b content=b"), layer("whiteout b")]),
        Form::OciTar,
    )
    .write(dir.path());
    let names = dir.names();
    for milliseconds in [50, 100, 200, 300, 400, 600] {
        let arguments =
            ["in.tar", "-p", "shadowed.toml", "--compression", "gzip:9", "--report", "r.json", "-o", "out.tar"];
        let mut child = Command::new(slim());
        child.args(arguments).current_dir(dir.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = child.spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        let left: Vec<String> = dir.names().into_iter().filter(|n| !names.contains(n)).collect();
        assert!(left.iter().all(|name| name == "out.tar" || name == "r.json"), "{left:?} after {milliseconds} ms");
        left.iter().for_each(|name| std::fs::remove_file(dir.join(name)).unwrap());
    }
}
