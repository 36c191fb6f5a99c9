//! Where an output comes from, as a predicate that `cosign attest --predicate` signs.
//! Source: <https://slsa.dev/spec/v1.0/provenance>.

use super::image::Inputs;
use super::plan::Plans;
use super::write::rules;
use crate::Digest;
use crate::source::Input;
use serde_json::{Value, json};

/// The type of the predicate.
pub const PREDICATE_TYPE: &str = "https://slsa.dev/provenance/v1";
/// What a build of this kind means: an image, and the rules of profiles that were applied to it.
const BUILD_TYPE: &str = "urn:slim:transform:v1";
/// What made it.
const BUILDER: &str = "urn:slim";

/// Returns the predicate. It has no times in it: it is the same for each run of the same job.
#[must_use]
pub fn predicate(inputs: Inputs<'_>, plans: &Plans<'_>) -> Value {
    let Inputs { request, input, .. } = inputs;
    let mut from = Vec::new();
    // An index is what was named, and its manifests are what was read.
    let roots = input.trees.oci.iter().flat_map(|oci| &oci.edges).map(|edge| edge.descriptor.digest);
    let several = plans.images.len() > 1;
    from.extend(roots.take(1).filter(|_| several).map(|digest| named(input, &digest)));
    for planned in &plans.images {
        let image = planned.image;
        let digest = image.manifest_digest.unwrap_or(image.config_digest);
        let mut image_of = named(input, &digest);
        image_of["annotations"] = json!({ "platform": image.platform.to_string() });
        let profiles = [request.profiles.clone(), planned.profile.picked()].concat();
        from.push(image_of);
        let rules = json!({
            "name": format!("rules of {}", profiles.join(", ")),
            "digest": { "sha256": rules(request, planned).hex() },
        });
        if !from.contains(&rules) {
            from.push(rules);
        }
    }
    json!({
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "input": input.name,
                "profiles": request.profiles,
                "enable": request.enable,
                "drop": request.drop,
                "protect": request.protect,
                "layers": request.layers.name(),
                "base": plans.images.iter().map(|planned| planned.kept).max().unwrap_or(0),
                "compression": request.compression.map(|(compression, level)| json!([compression.name(), level])),
                "platform": request.reading.platform,
                "tags": request.tags,
                "labels": request.labels.iter().map(|(key, _)| key).collect::<Vec<_>>(),
                "created": request.created,
                "runWith": request.run_with.is_some(),
            },
            "resolvedDependencies": from,
        },
        "runDetails": {
            "builder": { "id": BUILDER, "version": { "slim": env!("CARGO_PKG_VERSION") } },
        },
    })
}

/// A document of the input.
fn named(input: &Input, digest: &Digest) -> Value {
    let mut named = json!({ "name": input.name, "digest": { "sha256": digest.hex() } });
    if input.repository().is_some() {
        named["uri"] = json!(input.name);
    }
    named
}

/// Returns a predicate as a statement about an image, as it is attached to one in a registry.
/// Source: <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>.
#[must_use]
pub fn statement(predicate: &Value, name: &str, digest: &Digest) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": name, "digest": { "sha256": digest.hex() } }],
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    })
}
