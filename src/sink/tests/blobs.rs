//! The output itself: blobs, sizes, and what is at the target before and after.

use super::*;

fn create(path: &Path) -> Output {
    Output::create(&Target::parse(path.to_str().unwrap()).unwrap(), ImageFormat::Oci, None).unwrap()
}

fn put(output: &Output, mut writer: BlobWriter, bytes: &[u8]) -> Result<()> {
    bytes.chunks(1000).try_for_each(|c| writer.write_all(c))?;
    output.commit(writer, Digest::of(bytes))
}

#[test]
fn bytes_depend_on_the_order_of_beginning_and_not_on_that_of_writing() {
    let dir = tempfile::tempdir().unwrap();
    let blobs: Vec<Vec<u8>> = [0, 1, 511, 512, 513, 300_000].iter().map(|&n| vec![n as u8; n]).collect();
    let mut archives = Vec::new();
    for backwards in [false, true] {
        let path = dir.path().join("out.tar");
        let output = create(&path);
        let mut writers: Vec<_> = blobs.iter().map(|b| (output.begin(Some(b.len() as u64)).unwrap(), b)).collect();
        if backwards {
            writers.reverse();
        }
        std::thread::scope(|scope| {
            for (writer, bytes) in writers {
                scope.spawn(|| put(&output, writer, bytes).unwrap());
            }
        });
        // One that is there already is taken back.
        for bytes in [&blobs[4], &blobs[5], &vec![9; 5000]] {
            put(&output, output.begin(None).unwrap(), bytes).unwrap();
        }
        output.seal(&Documents::default()).unwrap().publish().unwrap();
        archives.push(fs::read(&path).unwrap());
    }
    assert_eq!(archives[0], archives[1]);
    let names: Vec<u64> = tar::Archive::new(&archives[0][..]).entries().unwrap().map(|e| e.unwrap().size()).collect();
    assert_eq!(names, [0, 0, 0, 1, 511, 512, 513, 300_000, 5000, 0, 0]);
}

#[test]
fn wrong_sizes_and_open_blobs_are_errors_and_leave_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.tar");
    fs::write(&path, "old").unwrap();
    let digest = Digest::of(b"abc");
    let output = create(&path);
    let mut writer = output.begin(Some(4)).unwrap();
    writer.write_all(b"abc").unwrap();
    assert!(output.commit(writer, digest).unwrap_err().to_string().contains("expected 4 bytes, found 3 bytes"));
    let mut writer = output.begin(Some(2)).unwrap();
    assert!(writer.write_all(b"abc").is_err());
    let tail = output.begin(None).unwrap();
    assert!(output.begin(None).is_err());
    assert!(output.begin(Some(1)).is_err());
    put(&output, tail, b"abc").unwrap();
    assert!(output.begin(Some(u64::MAX)).is_err());
    // It has no name yet.
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    assert!(output.seal(&Documents::default()).is_err(), "two blobs were never committed");
    let needs = Documents { layers: vec![digest], ..Documents::default() };
    assert!(create(&path).seal(&needs).is_err_and(|e| e.what.contains("was not written")));
    drop(create(&path));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    assert_eq!(fs::read(&path).unwrap(), b"old");
}

#[test]
fn outputs_are_replaced_through_links_and_get_the_usual_mode() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("usual"), "").unwrap();
    fs::set_permissions(at("usual"), fs::Permissions::from_mode(0o600)).unwrap();
    symlink("usual", at("link")).unwrap();
    create(&at("link")).seal(&Documents::default()).unwrap().publish().unwrap();
    assert!(at("link").symlink_metadata().unwrap().is_symlink());
    fs::write(at("plain"), "").unwrap();
    let mode = |name: &str| at(name).metadata().unwrap().permissions().mode();
    assert_eq!(mode("usual"), mode("plain"));
    assert!(at("usual").metadata().unwrap().len() > 0);
    create(Path::new("/dev/null")).seal(&Documents::default()).unwrap().publish().unwrap();
    assert!(!Path::new("/dev/null").metadata().unwrap().is_file());
}

#[test]
fn layout_directories_appear_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    fs::create_dir(&out).unwrap();
    let target = Target::parse(&format!("oci:{}", out.display())).unwrap();
    let output = Output::create(&target, ImageFormat::Docker, None).unwrap();
    assert_eq!(output.form(), ImageFormat::OciDir);
    let (a, b) = (output.begin(None).unwrap(), output.begin(Some(3)).unwrap());
    put(&output, a, b"abc").unwrap();
    put(&output, b, b"abc").unwrap();
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
    let sealed = output.seal(&Documents { index_json: b"{}".to_vec(), ..Documents::default() }).unwrap();
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
    assert_eq!(sealed.finished().archive_bytes, 5);
    sealed.publish().unwrap();
    let names = |dir: &Path| {
        let mut names: Vec<_> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&out), ["blobs", "index.json", "oci-layout"]);
    assert_eq!(names(&out.join("blobs/sha256")), [Digest::of(b"abc").hex()]);
    assert_eq!(names(dir.path()), ["out"]);
    drop(Output::create(&Target::parse(&format!("oci:{}-2", out.display())).unwrap(), ImageFormat::Oci, None).unwrap());
    assert_eq!(names(dir.path()), ["out"]);
}
