//! Names of images in stores.

use super::*;

#[test]
fn a_namespace_is_told_from_a_name() {
    let parse = |text: &str| Stored::parse(Store::Containerd, text).unwrap();
    for (text, namespace, reference) in [
        ("app:v1", None, "app:v1"),
        ("library/app", None, "library/app"),
        ("moby/buildkit:latest", None, "moby/buildkit:latest"),
        ("docker.io/library/app:v1", None, "docker.io/library/app:v1"),
        ("k8s.io/app:v1", Some("k8s.io"), "app:v1"),
        ("k8s.io/registry.k8s.io/pause:3", Some("k8s.io"), "registry.k8s.io/pause:3"),
        ("moby/docker.io/library/app:v1", Some("moby"), "docker.io/library/app:v1"),
        ("default/localhost:5000/app", Some("default"), "localhost:5000/app"),
    ] {
        let stored = parse(text);
        assert_eq!((stored.namespace.as_deref(), stored.reference.as_str()), (namespace, reference), "{text}");
        assert_eq!(stored.to_string(), format!("containerd:{text}"));
    }
    assert_eq!(Stored::parse(Store::Docker, "k8s.io/app:v1").unwrap().namespace, None);
}

#[test]
fn an_id_is_no_name() {
    let name = |text: &str| Stored::parse(Store::Docker, text).unwrap().name().map(|name| name.familiar());
    assert_eq!(name("app"), Some("app:latest".to_owned()));
    assert_eq!(name("h:5000/a/b:v1"), Some("h:5000/a/b:v1".to_owned()));
    let podman = |text: &str| Stored::parse(Store::Podman, text).unwrap().tag().unwrap();
    assert_eq!([podman("app"), podman("a/b:v1")], ["localhost/app:latest", "localhost/a/b:v1"]);
    assert_eq!([podman("docker.io/a/b"), podman("h:5000/b:v1")], ["a/b:latest", "h:5000/b:v1"]);
    let id = "0123456789abcdef".repeat(4);
    for text in [&id, &format!("sha256:{id}"), "sha256:0123", &format!("app@sha256:{id}")] {
        assert_eq!(name(text), None, "{text}");
    }
}
