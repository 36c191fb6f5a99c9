//! The options of registries and of the way to them.

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, ValueHint};
use std::path::PathBuf;

/// The options of registries; they say nothing where no `docker://` is named.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Registries")]
pub struct RegistryArgs {
    /// The user for the registry; the password comes from SLIM_REGISTRY_PASSWORD, --password-stdin or a prompt
    #[arg(long, value_name = "USER[:PASSWORD]", value_parser = NonEmptyStringValueParser::new())]
    pub creds: Option<String>,

    /// Read the password of --creds from standard input
    #[arg(long, requires = "creds")]
    pub password_stdin: bool,

    /// The file with credentials [default: those of podman, then those of docker]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub authfile: Option<PathBuf>,

    /// Check certificates; with =false also plain HTTP is spoken
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = ArgAction::Set)]
    pub tls_verify: bool,

    /// Trust the certificate authorities in this PEM file, too
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ca_file: Option<PathBuf>,

    /// How often a request that failed is sent again
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub retry_times: u32,

    /// How many blobs move at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub jobs: u32,

    /// Open no connection, whatever is named; SLIM_OFFLINE=1 says the same
    #[arg(long)]
    pub offline: bool,

    /// Let the registry send uploads to this host, beside itself (repeatable)
    #[arg(long, value_name = "HOST", value_parser = NonEmptyStringValueParser::new())]
    pub allow_upload_to: Vec<String>,
}
