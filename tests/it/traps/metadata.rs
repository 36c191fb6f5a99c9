//! Metadata. Each image comes three times: as it is; with another file of the layer deleted later, so that the layer is
//! rewritten; and with the file in question being a hard link's target that goes.

use crate::case::Case;

/// A file with these attributes, in an untouched layer, a rewritten one, as the data of a group that loses its first name, and
/// overwritten by itself; `want` is text that its line has.
fn all_ways(attrs: &str, want: &str) {
    let file = format!("file f content=f-content {attrs}");
    Case::new(&format!("untouched {attrs}")).layer(&file).want("f", want).run();
    Case::new(&format!("rewritten {attrs}"))
        .layer(&format!("file x content=gone-content\n{file}"))
        .layer("whiteout x")
        .want("f", want)
        .run();
    Case::new(&format!("re-homed {attrs}"))
        .layer(&format!("{file}\nlink g -> f {attrs}\nlink h -> g {attrs}"))
        .layer("whiteout f")
        .want("g", want)
        .run();
    Case::new(&format!("replaced {attrs}"))
        .layer("file f content=old-content xattr.user.old=1 mode=0600 uid=99")
        .layer(&file)
        .want("f", want)
        .run();
}

#[test]
fn xattrs_of_every_shape() {
    for (attrs, want) in [
        ("xattr.user.plain=value", "SCHILY.xattr.user.plain=value"),
        (r#"xattr.user.newline="a\nb\n""#, r"user.newline=a\nb\n"),
        ("xattr.user.nul=0x610062", r"user.nul=a\x00b"),
        ("xattr.user.eq=a=b==c", "user.eq=a=b==c"),
        (r"xattr.user.bytes=\xff\xfe\x80", r"user.bytes=\xff\xfe\x80"),
        ("xattr.user.a=1 xattr.user.b=2 xattr.trusted.c=3", "user.a=1 SCHILY.xattr.user.b=2"),
        (r#"xattr.user.k\xc3\xa9y=v"#, r"user.k\xc3\xa9y=v"),
        (r#""xattr.user.blank name=v""#, "user.blank name=v"),
    ] {
        all_ways(attrs, want);
    }
    all_ways(&format!("xattr.user.big={}", "v".repeat(4096)), "user.big=vvvv");
}

/// An empty value means an empty attribute here; POSIX reads an empty PAX value as "delete", and Go does the same, so the record
/// has to stay as it is.
#[test]
fn an_empty_xattr_value() {
    all_ways("xattr.user.empty=", "user.empty=");
}

#[test]
fn capabilities_with_their_nuls() {
    all_ways(
        "xattr.security.capability=0x0100000200200000000000000000000000000000",
        r"security.capability=\x01\x00\x00\x02\x00 ",
    );
    all_ways(
        "xattr.security.capability=0x010000030020000000000000000000000000000000e80300",
        r"security.capability=\x01\x00\x00\x03",
    );
}

#[test]
fn an_overwritten_file_has_only_its_new_xattrs() {
    Case::new("file")
        .layer("file f content=old-content xattr.user.old=1 xattr.user.both=1")
        .layer("file f content=new xattr.user.both=2")
        .want("f", "user.both=2")
        .run();
    Case::new("none")
        .layer("file f content=old-content xattr.user.old=1")
        .layer("file f content=new")
        .want("f", "+000000000")
        .run();
    Case::new("directory")
        .layer("dir d xattr.user.old=1\nfile d/a")
        .layer("dir d xattr.user.new=1")
        .want("d", "user.new=1")
        .run();
    Case::new("directory, none").layer("dir d xattr.user.old=1\nfile d/a").layer("dir d").run();
}

#[test]
fn xattrs_of_directories_symlinks_and_devices() {
    let layer = "dir d xattr.user.x=0x00ff\nsym s -> d xattr.trusted.x=1\nchar c 1 3 xattr.trusted.x=1\nfifo p xattr.trusted.x=1\nfile x content=gone-content";
    Case::new("all kinds").layer(layer).layer("whiteout x").want("s", "trusted.x").want("c", "trusted.x").run();
}

#[test]
fn large_ids() {
    for ids in ["", "ids=base256", "ids=pax"] {
        all_ways(&format!("uid=3000000 gid=3000001 {ids}"), "3000000:3000001");
        all_ways(&format!("uid=4294967294 gid=4294967295 {ids}"), "4294967294:4294967295");
        all_ways(&format!("uid=2097151 gid=2097152 {ids}"), "2097151:2097152");
    }
}

#[test]
fn times_of_every_kind() {
    for (time, want) in [
        ("-1", "mtime -1+000000000"),
        ("-1.5", "mtime -2+500000000"),
        ("-2208988800.000000001", "mtime -2208988801+999999999"),
        ("0", "mtime 0+000000000"),
        ("1700000000.123456789", "mtime 1700000000+123456789"),
        ("1700000000.1", "mtime 1700000000+100000000"),
        ("2147483648", "mtime 2147483648+0"),
        ("8589934592", "mtime 8589934592+0"),
        ("8589934593.000000001", "mtime 8589934593+000000001"),
        ("253402300800.5", "mtime 253402300800+500000000"),
    ] {
        all_ways(&format!("mtime={time}"), want);
        Case::new(time)
            .layer(&format!("dir d mtime={time}\nsym s -> x mtime={time}\nfile x content=gone-content"))
            .layer("whiteout x")
            .want("d", want)
            .want("s", want)
            .run();
    }
    all_ways("pax.mtime=12.25", "mtime 12+250000000");
    all_ways("pax.mtime=-0.25", "mtime -1+750000000");
}

#[test]
fn modes_of_every_kind() {
    for mode in ["0000", "4755", "2755", "1777", "7777", "0444", "6711"] {
        all_ways(&format!("mode={mode}"), &format!("{mode} 0:0"));
        Case::new(mode)
            .layer(&format!("dir d mode={mode}\nfile d/a content=gone-content\nsym s -> d mode={mode}"))
            .layer("whiteout d/a")
            .want("d", mode)
            .want("s", mode)
            .run();
    }
}

#[test]
fn symlinks_have_an_owner_and_a_time_of_their_own() {
    Case::new("symlink")
        .layer("file x content=gone-content\nsym s -> x uid=5 gid=6 mtime=7.25")
        .layer("whiteout x")
        .want("s", "5:6")
        .want("s", "mtime 7+250000000")
        .run();
}

#[test]
fn names_of_owners() {
    all_ways("uname=alice gname=staff", "names alice:staff");
    all_ways(r"uname=\xe9lise gname=", r"names \xe9lise:");
    all_ways(&format!("pax.uname={}", "u".repeat(40)), "names uuuu");
}

#[test]
fn other_records_stay_with_their_member() {
    for (attrs, want) in [
        ("pax.atime=1600000000.5 pax.ctime=1600000001.25", "atime=1600000000.5 ctime=1600000001.25"),
        (r#"pax.comment="a remark""#, "comment=a remark"),
        ("pax.SCHILY.acl.access=user::rw-,group::r--,other::r--", "SCHILY.acl.access=user::rw-"),
        ("pax.SCHILY.fflags=nodump", "SCHILY.fflags=nodump"),
        ("pax.VENDOR.key=value", "VENDOR.key=value"),
        ("pax.LIBARCHIVE.xattr.user.x=dmFsdWU", "LIBARCHIVE.xattr.user.x=dmFsdWU"),
        ("pax.SCHILY.dev=2049 pax.SCHILY.ino=12", "SCHILY.dev=2049"),
    ] {
        all_ways(attrs, want);
    }
}

#[test]
fn a_directory_changed_later_keeps_its_children() {
    for attrs in ["mode=0700", "uid=5 gid=5", "mtime=5.5", "xattr.user.x=1"] {
        Case::new(attrs)
            .layer("dir d mode=0755\nfile d/a content=a-content\nfile d/e/b content=b-content")
            .layer(&format!("dir d {attrs}"))
            .want("d/a", "a-content")
            .want("d/e/b", "b-content")
            .run();
    }
}

#[test]
fn missing_parents_exist() {
    Case::new("missing parents")
        .layer("file a/b/c content=c mode=0600 uid=5")
        .want("a", "0755 0:0 Dir mtime any")
        .want("a/b", "0755 0:0 Dir")
        .run();
    Case::new("rewritten")
        .layer("file a/b/c content=c\nfile a/b/x content=gone-content")
        .layer("whiteout a/b/x")
        .want("a/b", "0755 0:0")
        .run();
    Case::new("all children gone")
        .layer("file a/b/x content=gone-content\nfile k content=k")
        .layer("whiteout a/b/x")
        .want("a/b", "0755 0:0 Dir")
        .run();
}

#[test]
fn a_lower_layers_metadata_stays_where_a_later_one_only_implies() {
    Case::new("implied later")
        .layer("dir a mode=0700 uid=1 mtime=1.5\ndir a/b mode=0711 gid=2\nfile x content=gone-content")
        .layer("file a/b/c content=c")
        .layer("whiteout x")
        .want("a", "0700 1:0")
        .want("a/b", "0711 0:2")
        .run();
    Case::new("implied first")
        .layer("file a/b/c content=c")
        .layer("dir a/b mode=0711")
        .layer("file a/b/d content=d")
        .want("a/b", "0711")
        .run();
}

#[test]
fn the_root_has_metadata() {
    for name in [".", "./", "/"] {
        Case::new(name)
            .layer(&format!("dir {name} mode=0711 uid=5 mtime=5.5 xattr.user.x=1 slash=no\nfile a content=gone-content\nfile b content=b"))
            .layer("whiteout a")
            .want("", "0711 5:0")
            .want("", "user.x=1")
            .run();
    }
    Case::new("changed later")
        .layer("dir ./ mode=0711\nfile a content=a")
        .layer("dir ./ mode=0700 mtime=9")
        .want("", "0700")
        .want("a", "file")
        .run();
}

/// The metadata of the parents has to survive where a group moves to another layer or a squash puts everything in one.
#[test]
fn parents_of_moved_files() {
    Case::new("moved")
        .layer("dir p mode=0700 uid=3 mtime=3.5\nfile p/a content=old-content\nfile q/b content=q")
        .layer("dir r mode=0711 mtime=4.5\nlink r/c -> p/a")
        .layer("file p/a content=new-content")
        .want("p", "0700 3:0")
        .want("r", "0711")
        .want("r/c", "old-content")
        .run();
}

#[test]
fn attributes_given_twice_the_last_counts() {
    Case::new("twice")
        .layer("file f content=f pax.mtime=1.5 pax.mtime=2.5 pax.uid=7")
        .want("f", "0644 7:0")
        .decided()
        .run();
}
