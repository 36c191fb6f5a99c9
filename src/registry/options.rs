//! What the user says of registries.

use std::fmt;
use std::path::PathBuf;

/// The options of reading from and writing to registries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// A user's name and password, in place of those in the files of docker and podman.
    pub creds: Option<Creds>,
    /// The file with credentials, in place of all others.
    pub authfile: Option<PathBuf>,
    /// False if certificates are not checked and plain HTTP is spoken where HTTPS is not.
    pub tls_verify: bool,
    /// A file of further certificate authorities, in PEM.
    pub ca_file: Option<PathBuf>,
    /// How often a request that failed is sent again.
    pub retries: u32,
    /// The number of blobs that move at once.
    pub jobs: usize,
    /// True if no registry may be asked.
    pub offline: bool,
    /// Hosts that a registry may send uploads to, beside itself.
    pub upload_hosts: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            creds: None,
            authfile: None,
            tls_verify: true,
            ca_file: None,
            retries: 3,
            jobs: 4,
            offline: false,
            upload_hosts: Vec::new(),
        }
    }
}

/// A user's name and password. The password is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Creds {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Creds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Creds {{ user: {:?}, … }}", self.user)
    }
}
