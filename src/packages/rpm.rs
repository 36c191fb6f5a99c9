//! rpm, whose database is not read: it is SQLite, Berkeley DB or a format of its own, depending on the distribution.
//! Source: rpm(8), `%_db_backend`.

use super::manager::{Files, Installed, PackageManager, Unread};

/// rpm.
pub struct Rpm;

impl PackageManager for Rpm {
    fn name(&self) -> &'static str {
        "rpm"
    }

    fn is_distribution(&self) -> bool {
        true
    }

    fn unread(&self) -> Option<Unread> {
        let paths = &[
            "var/lib/rpm/Packages",
            "var/lib/rpm/Packages.db",
            "var/lib/rpm/rpmdb.sqlite",
            "usr/lib/sysimage/rpm/Packages",
            "usr/lib/sysimage/rpm/Packages.db",
            "usr/lib/sysimage/rpm/rpmdb.sqlite",
            "usr/share/rpm/Packages",
            "usr/share/rpm/Packages.db",
            "usr/share/rpm/rpmdb.sqlite",
        ];
        Some(Unread { paths, remove: "`rpm -e` or `dnf remove`" })
    }

    fn packages<'a>(&self, _: &dyn Files<'a>) -> Vec<Installed<'a>> {
        Vec::new()
    }
}
