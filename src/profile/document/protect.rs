//! The entries of `[protect]`: patterns alone, patterns with reasons, and tables with more.

use toml::Spanned;
use toml::de::DeValue;

use super::RawProtect;
use super::reader::{Reader, Value, in_order, kind};

const PROTECT_KEYS: [&str; 6] = ["path", "reason", "except", "links", "owned", "content"];

impl Reader<'_> {
    pub(super) fn protects(&mut self, value: &Value<'_>) -> Vec<RawProtect> {
        let plain =
            |path| RawProtect { path, reason: None, except: Vec::new(), links: false, owned: false, content: false };
        match value.get_ref() {
            DeValue::Array(items) => {
                let one = |item| match Spanned::get_ref(item) {
                    DeValue::Table(_) => self.protect(item),
                    _ => self.string("paths", item).map(plain),
                };
                items.iter().filter_map(one).collect()
            }
            DeValue::Table(table) => {
                let mut out = Vec::new();
                for (key, value) in in_order(table) {
                    let path = self.located(key.span(), key.get_ref().to_string());
                    let reason = self.string(key.get_ref(), value).map(|r| r.value);
                    out.push(RawProtect { reason, ..plain(path) });
                }
                out
            }
            other => {
                let found = kind(other);
                self.error(
                    value.span(),
                    format!("`paths` must be an array of patterns or a table of reasons, found {found}"),
                );
                Vec::new()
            }
        }
    }

    fn protect(&mut self, value: &Value<'_>) -> Option<RawProtect> {
        let (mut path, mut reason, mut except) = (None, None, Vec::new());
        let (mut links, mut owned, mut content) = (false, false, false);
        let before = self.errors.len();
        for (key, value) in self.entries("paths", value) {
            match key.get_ref().as_ref() {
                "path" => path = self.string("path", value),
                "reason" => reason = self.string("reason", value).map(|r| r.value),
                "except" => except = self.strings("except", value),
                "links" => links = self.boolean("links", value),
                "owned" => owned = self.boolean("owned", value),
                "content" => content = self.boolean("content", value),
                other => self.unknown(key, other, "a protected path", &PROTECT_KEYS),
            }
        }
        if path.is_none() && self.errors.len() == before {
            self.error(value.span(), "a protected path needs a `path`");
        }
        Some(RawProtect { path: path?, reason, except, links, owned, content })
    }
}
