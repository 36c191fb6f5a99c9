//! The proxies of the environment, as docker, podman and skopeo take them: by the scheme of an address, and not for the hosts that
//! `NO_PROXY` names. Source: <https://pkg.go.dev/golang.org/x/net/http/httpproxy>.

use super::credentials::Variables;
use super::name::is_loopback;
use std::net::IpAddr;
use ureq::http::Uri;

/// The proxies of the environment.
#[derive(Clone, Default)]
pub struct Proxies {
    /// For addresses with `https:`.
    pub https: Option<String>,
    /// For addresses with `http:`.
    pub http: Option<String>,
    /// The entries of `NO_PROXY`.
    direct: Vec<String>,
}

impl Proxies {
    /// Reads the variables, in capital letters or small ones.
    #[must_use]
    pub fn new(variables: Variables<'_>) -> Self {
        let get = |name: &str| variables(name).or_else(|| variables(&name.to_lowercase())).filter(|v| !v.is_empty());
        let list = get("NO_PROXY").unwrap_or_default();
        let entries = list.split(',').map(|entry| entry.trim().to_lowercase()).filter(|entry| !entry.is_empty());
        Self {
            https: get("HTTPS_PROXY").or_else(|| get("ALL_PROXY")),
            http: get("HTTP_PROXY").or_else(|| get("ALL_PROXY")),
            direct: entries.collect(),
        }
    }

    /// Returns true if an address is asked without a proxy: `NO_PROXY` names it, or it is this machine.
    #[must_use]
    pub fn is_direct(&self, uri: &Uri) -> bool {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_lowercase();
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        is_loopback(&host) || self.direct.iter().any(|entry| fits(entry, &host, port))
    }
}

/// Returns true if an entry of `NO_PROXY` names a host: `*`, an address, a network (`10.0.0.0/8`), a name with all below it, or all
/// below a name (`.example.com`), each with a port if it has one.
fn fits(entry: &str, host: &str, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    let ip: Option<IpAddr> = host.parse().ok();
    if let Some((network, bits)) = entry.split_once('/') {
        let (Some(ip), Ok(network), Ok(bits)) = (ip, network.parse(), bits.parse()) else { return false };
        return within(ip, network, bits);
    }
    let entry_ip: Option<IpAddr> = entry.trim_matches(['[', ']']).parse().ok();
    let (name, wanted) = match entry.rsplit_once(':') {
        Some((name, digits)) if entry_ip.is_none() => (name.trim_matches(['[', ']']), digits.parse().ok()),
        _ => (entry.trim_matches(['[', ']']), None),
    };
    if wanted.is_some_and(|wanted: u16| wanted != port) {
        return false;
    }
    let name = name.strip_prefix('*').unwrap_or(name);
    let below = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    match name.strip_prefix('.') {
        Some(domain) => below(domain),
        None => host == name || (ip.is_none() && below(name)),
    }
}

/// Returns true if an address is in a network whose first `bits` bits count.
fn within(ip: IpAddr, network: IpAddr, bits: u32) -> bool {
    let shifted = |value: u128, width: u32| value.checked_shr(width.saturating_sub(bits)).unwrap_or(0);
    match (ip, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => shifted(u32::from(a).into(), 32) == shifted(u32::from(b).into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => shifted(a.into(), 128) == shifted(b.into(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct(list: &str, address: &str) -> bool {
        let variables = |name: &str| (name == "NO_PROXY").then(|| list.to_owned());
        Proxies::new(&variables).is_direct(&address.parse().unwrap())
    }

    #[test]
    fn no_proxy_is_read_as_go_programs_read_it() {
        for (list, address) in [
            ("*", "https://r.io/"),
            ("a.io, R.io", "https://r.io/"),
            ("r.io", "https://cdn.r.io/"),
            (".r.io", "https://cdn.r.io/"),
            ("*.r.io", "https://cdn.r.io/"),
            ("r.io:5000", "https://r.io:5000/"),
            ("r.io:443", "https://r.io/"),
            ("10.0.0.0/8", "https://10.1.2.3/"),
            ("fd00::/8", "https://[fd12::1]/"),
            ("[fd12::1]:5000", "https://[fd12::1]:5000/"),
            ("0.0.0.0/0", "https://10.1.2.3/"),
            ("", "https://localhost/"),
            ("", "https://127.0.0.1:5000/"),
        ] {
            assert!(direct(list, address), "{list} {address}");
        }
        for (list, address) in [
            ("", "https://r.io/"),
            (".r.io", "https://r.io/"),
            ("r.io", "https://other.io/"),
            ("r.io", "https://evilr.io/"),
            ("r.io:5000", "https://r.io/"),
            ("10.0.0.0/8", "https://11.1.2.3/"),
            ("10.0.0.0/8", "https://r.io/"),
            ("1.2.3.4", "https://4.1.2.3.4.io/"),
        ] {
            assert!(!direct(list, address), "{list} {address}");
        }
    }

    #[test]
    fn the_scheme_picks_the_proxy() {
        let variables = |name: &str| match name {
            "https_proxy" => Some("http://a:1".to_owned()),
            "ALL_PROXY" => Some("http://b:2".to_owned()),
            _ => None,
        };
        let proxies = Proxies::new(&variables);
        assert_eq!((proxies.https.as_deref(), proxies.http.as_deref()), (Some("http://a:1"), Some("http://b:2")));
    }
}
