//! Images in registries: a client of the distribution API, for pulling and pushing.
//! Source: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>.

mod name;

pub use name::{Name, Version};
