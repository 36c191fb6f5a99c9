//! Images in registries: a client of the distribution API, for pulling and pushing.
//! Source: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>.

mod auth;
mod challenge;
mod client;
mod credentials;
mod http;
mod manifest;
mod mirrors;
mod name;
mod options;
mod proxy;
mod pull;
mod push;
mod retry;
mod temporary;
mod tls;

pub use client::Client;
pub use credentials::environment;
pub use mirrors::own;
pub use name::{Name, Version};
pub use options::{Creds, Options};
pub use pull::{Found, Remote};
pub use push::{Attachment, Moved, Push};
pub use temporary::{no_room, temporary_file};
