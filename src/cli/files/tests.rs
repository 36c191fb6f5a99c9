//! Files that appear whole or not at all, and never over the image.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;

use super::*;

fn fill(text: &str) -> impl FnOnce(&mut dyn Write) -> io::Result<()> {
    let text = text.to_owned();
    move |out| out.write_all(text.as_bytes())
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_appears_at_the_end_and_not_before() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.json");
    let pending = Pending::open(&path).unwrap();
    assert!(!path.exists());
    pending.fill(fill("new")).unwrap().publish().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(names(dir.path()), ["r.json"]);
}

#[test]
fn an_old_file_stays_until_the_end_with_its_mode_and_its_links() {
    let dir = tempfile::tempdir().unwrap();
    let (path, link) = (dir.path().join("r.json"), dir.path().join("link"));
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    symlink("r.json", &link).unwrap();
    drop(Pending::open(&link).unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    let failing = Pending::open(&link).unwrap().fill(|_| Err(io::Error::other("no")));
    assert!(failing.is_err_and(|e| e.to_string().contains("link cannot be written")));
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    Pending::open(&link).unwrap().fill(fill("new")).unwrap().publish().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert_eq!(names(dir.path()), ["link", "r.json"]);
    assert!(link.is_symlink());
}

#[test]
fn devices_are_written_and_never_replaced() {
    let before = fs::metadata("/dev/null").unwrap().ino();
    Pending::open(Path::new("/dev/null")).unwrap().fill(fill("x")).unwrap().publish().unwrap();
    assert_eq!(fs::metadata("/dev/null").unwrap().ino(), before);
}

#[test]
fn a_wrong_path_fails_at_once() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().to_owned(), dir.path().join("no/such/dir/r")] {
        let error = Pending::open(&path).err().unwrap();
        assert_eq!(error.kind, ErrorKind::Io, "{error}");
        assert!(!error.to_string().contains(".slim-"), "{error}");
    }
}

#[test]
fn a_report_is_neither_the_image_nor_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("in.tar"), "image").unwrap();
    fs::create_dir(at("layout")).unwrap();
    symlink("in.tar", at("soft")).unwrap();
    fs::hard_link(at("in.tar"), at("hard")).unwrap();
    assert!(within(&at("in.tar"), &at("in.tar")));
    assert!(within(&at("soft"), &at("in.tar")) && within(&at("in.tar"), &at("soft")));
    assert!(within(&at("hard"), &at("in.tar")));
    assert!(within(&at("layout/../out.tar"), &at("out.tar")), "neither is there yet");
    assert!(within(&at("layout/r.json"), &at("layout")));
    assert!(!within(&at("r.json"), &at("in.tar")));
    assert!(!within(&at("layout-report"), &at("layout")));
}
