//! Chooses the proxy to the API server, as client-go does.
//!
//! kube 5.0.0 knows `NO_PROXY`, but compares it with the host of the proxy instead of the host of the API
//! server. It also applies it to the `proxy-url` of a kubeconfig, which client-go does not, and fails at an
//! entry that it cannot parse, such as the empty one after a trailing comma. So the decision is made here,
//! and kube receives the result. The rules are those of `golang.org/x/net/http/httpproxy`.

use std::net::IpAddr;

use http::Uri;
use ipnet::IpNet;

/// Returns the proxy for `server`: the kubeconfig's own, else the environment's unless `NO_PROXY` excludes
/// the server.
///
/// `env` looks up an environment variable; as in Go, the name in capitals comes first.
pub(in crate::gather) fn proxy_for(
    server: &Uri,
    configured: Option<&str>,
    env: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let either = |upper: &str, lower: &str| {
        let not_empty = |value: &String| !value.is_empty();
        env(upper).filter(not_empty).or_else(|| env(lower).filter(not_empty))
    };
    if let Some(configured) = configured.filter(|url| !url.is_empty()) {
        return Some(with_scheme(configured));
    }
    let proxy = match server.scheme_str() {
        Some("http") => either("HTTP_PROXY", "http_proxy")?,
        _ => either("HTTPS_PROXY", "https_proxy")?,
    };
    let exceptions = either("NO_PROXY", "no_proxy").unwrap_or_default();
    (!is_excepted(server, &exceptions)).then(|| with_scheme(&proxy))
}

/// Whether a list in the format of `NO_PROXY` excludes the server. This machine itself is always excluded.
fn is_excepted(server: &Uri, list: &str) -> bool {
    let host = server.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let port = server.port_u16().unwrap_or(if server.scheme_str() == Some("http") { 80 } else { 443 });
    let address = host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    list.split(',').any(|entry| matches(&entry.trim().to_ascii_lowercase(), &host, address, port))
}

fn matches(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Ok(network) = entry.parse::<IpNet>() {
        return address.is_some_and(|address| network.contains(&address));
    }
    let (name, wanted) = split_port(entry);
    if wanted.is_some_and(|wanted| wanted != port.to_string()) || name.is_empty() {
        return false;
    }
    if let Ok(wanted) = name.parse::<IpAddr>() {
        return address == Some(wanted.to_canonical());
    }
    // A name excludes itself and its subdomains; a leading dot or `*.` excludes only the subdomains.
    let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    let (below, itself) = name.strip_prefix('.').map_or((name, true), |rest| (rest, false));
    address.is_none()
        && ((itself && host == below)
            || host.strip_suffix(below).is_some_and(|front| front.ends_with('.')) && !below.is_empty())
}

/// Splits `host:port`, `[v6]:port` and their forms without a port; a bare IPv6 address has none.
fn split_port(entry: &str) -> (&str, Option<&str>) {
    if let Some(rest) = entry.strip_prefix('[')
        && let Some((host, after)) = rest.split_once(']')
    {
        return (host, after.strip_prefix(':'));
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (entry, None),
    }
}

/// Go reads a proxy without a scheme as `http://…`. `socks5h` is another name for a SOCKS5 proxy that
/// resolves names, which is how kube's `socks5` works.
fn with_scheme(proxy: &str) -> String {
    match proxy.split_once("://") {
        Some(("socks5h", rest)) => format!("socks5://{rest}"),
        Some(_) => proxy.to_owned(),
        None => format!("http://{proxy}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excepted(server: &str, list: &str) -> bool {
        is_excepted(&server.parse().unwrap(), list)
    }

    #[test]
    fn excludes_as_go_does() {
        for (server, list, expected) in [
            ("https://api.example.com", "", false),
            ("https://api.example.com", "*", true),
            ("https://api.example.com", "foo, *", true),
            ("https://api.example.com", "example.com", true),
            ("https://example.com", "example.com", true),
            ("https://badexample.com", "example.com", false),
            ("https://example.com", ".example.com", false),
            ("https://api.example.com", ".example.com", true),
            ("https://api.example.com", "*.example.com", true),
            ("https://API.Example.com", "EXAMPLE.COM", true),
            ("https://api.example.com:6443", "example.com:6443", true),
            ("https://api.example.com:6443", "example.com:443", false),
            ("https://api.example.com", "example.com:443", true),
            ("https://10.1.2.3:6443", "10.0.0.0/8", true),
            ("https://11.1.2.3:6443", "10.0.0.0/8", false),
            ("https://10.1.2.3:6443", "10.1.2.3", true),
            ("https://10.1.2.3:6443", "10.1.2.3:6443", true),
            ("https://10.1.2.3:6443", "10.1.2.3:443", false),
            ("https://10.1.2.3:6443", "2.3", false),
            ("https://[2001:db8::1]:6443", "2001:db8::/32", true),
            ("https://[2001:db8::1]:6443", "2001:db8::1", true),
            ("https://[2001:db8::1]:6443", "[2001:db8::1]:6443", true),
            ("https://[2001:db8::1]:6443", "[2001:db8::1]:443", false),
            ("https://api.example.com", ",, ,", false),
            ("https://api.example.com", "a b c,\u{e9}?!,example.com,", true),
            ("https://api.example.com", ".", false),
            ("https://localhost:6443", "", true),
            ("https://127.0.0.9:6443", "", true),
            ("https://[::1]:6443", "", true),
        ] {
            assert_eq!(excepted(server, list), expected, "{server} with {list:?}");
        }
    }

    #[test]
    fn the_kubeconfigs_proxy_comes_first_and_ignores_no_proxy() {
        let server = "https://api.example.com".parse().unwrap();
        let env = |name: &str| match name {
            "HTTPS_PROXY" => Some("proxy.example.net:3128".to_owned()),
            "NO_PROXY" => Some("example.com".to_owned()),
            _ => None,
        };
        assert_eq!(proxy_for(&server, None, env), None);
        assert_eq!(proxy_for(&server, Some("socks5h://127.0.0.1:1080"), env).unwrap(), "socks5://127.0.0.1:1080");
        let other = "https://api.example.org".parse().unwrap();
        assert_eq!(proxy_for(&other, Some(""), env).unwrap(), "http://proxy.example.net:3128");
        assert_eq!(proxy_for(&"http://api.example.org".parse().unwrap(), None, env), None);
    }
}
