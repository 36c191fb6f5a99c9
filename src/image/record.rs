//! What slim writes about itself into an image, with `--record` alone: labels that say which version, which profiles and which
//! input an image was made with.

use super::ImageFacts;

const VERSION: &str = "slim.version";
const PROFILES: &str = "slim.profiles";
const RULES: &str = "slim.profiles.digest";
const INPUT: &str = "slim.input";

/// How an image was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The version of slim.
    pub version: String,
    /// The profiles as they were given.
    pub profiles: Vec<String>,
    /// The digest of the rules that they gave for the image, as TOML: it changes if a profile or an option does.
    pub rules: String,
    /// The digest of the input's config, docker's image id.
    pub input: String,
}

impl Record {
    /// Returns the record in the labels of an image; `None` if there is none.
    #[must_use]
    pub fn of(facts: &ImageFacts) -> Option<Self> {
        let label = |name: &str| facts.labels.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        Some(Self {
            version: label(VERSION)?,
            profiles: label(PROFILES)?.split_whitespace().map(str::to_owned).collect(),
            rules: label(RULES)?,
            input: label(INPUT)?,
        })
    }

    /// Returns the labels that say so.
    #[must_use]
    pub fn labels(&self) -> [(String, String); 4] {
        let Self { version, profiles, rules, input } = self;
        let all = [
            (VERSION, version.clone()),
            (PROFILES, profiles.join(" ")),
            (RULES, rules.clone()),
            (INPUT, input.clone()),
        ];
        all.map(|(key, value)| (key.to_owned(), value))
    }

    /// Returns a sentence about it, without a full stop: `slim 0.1.0 made it with python-slim from sha256:…`.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("slim {} made it with {} from {}", self.version, self.profiles.join(", "), self.input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_as_they_are_written() {
        let record = Record {
            version: "1.2.3".into(),
            profiles: vec!["a".into(), "./b,c.toml".into()],
            rules: "sha256:1".into(),
            input: "sha256:2".into(),
        };
        let facts = ImageFacts { labels: record.labels().into(), ..ImageFacts::default() };
        assert_eq!(Record::of(&facts), Some(record));
        assert_eq!(Record::of(&ImageFacts::default()), None);
    }
}
