//! The platform of an image, told a second way: `OS/ARCH[/VARIANT]`. A part that one side does not state may be anything, as
//! for engines.

use serde_json::Value;

/// Returns the operating system, architecture and variant that a config or a descriptor's `platform` states.
pub fn parts(value: &Value) -> [String; 3] {
    let part = |key: &str| value[key].as_str().unwrap_or_default().to_ascii_lowercase();
    usual(["os", "architecture", "variant"].map(part))
}

/// Returns the parts of a platform as it is written on the command line.
pub fn written(text: &str) -> [String; 3] {
    let mut parts = text.split('/').map(str::to_ascii_lowercase);
    usual([(); 3].map(|()| parts.next().unwrap_or_default()))
}

/// Replaces names by the usual ones: kernels and distributions have others.
fn usual([os, architecture, variant]: [String; 3]) -> [String; 3] {
    let (name, own) = match architecture.as_str() {
        "x86_64" | "x86-64" => ("amd64", ""),
        "aarch64" => ("arm64", ""),
        "x86" | "i386" | "i486" | "i586" | "i686" => ("386", ""),
        "armhf" => ("arm", "v7"),
        "armel" => ("arm", "v6"),
        other => (other, ""),
    };
    let variant = if variant.is_empty() { own } else { variant.as_str() };
    // The variant that the name alone means.
    let variant = match (name, variant) {
        ("arm64", "v8" | "8") | ("amd64", "v1") => "",
        ("arm", "" | "7") => "v7",
        ("arm", "6") => "v6",
        ("arm", "5") => "v5",
        (_, variant) => variant,
    };
    [os, name.to_owned(), variant.to_owned()]
}

/// True if two sides agree in every part that both state.
pub fn agree(one: &[String; 3], other: &[String; 3]) -> bool {
    let known = |part: &String| !part.is_empty() && part != "unknown";
    one.iter().zip(other).all(|(a, b)| a == b || !known(a) || !known(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_said_may_be_anything() {
        let of = |os: Value, architecture: Value| parts(&json!({"os": os, "architecture": architecture}));
        assert!(agree(&of(json!("linux"), json!("amd64")), &written("linux/x86_64")));
        assert!(agree(&of(json!("Linux"), json!("arm64")), &written("linux/arm64/v8")));
        assert!(agree(&of(json!(null), json!("")), &written("linux/arm64")));
        assert!(agree(&of(json!("linux"), json!("arm")), &written("linux/armhf")));
        assert!(!agree(&written("linux/arm/v6"), &written("linux/arm/v7")));
        for (os, architecture) in [("linux", "arm64"), ("windows", "amd64"), ("linux", "386")] {
            assert!(!agree(&of(json!(os), json!(architecture)), &written("linux/amd64")), "{os} {architecture}");
        }
        assert!(!agree(
            &written("linux/arm/v6"),
            &parts(&json!({"os": "linux", "architecture": "arm", "variant": "v5"}))
        ));
    }
}
