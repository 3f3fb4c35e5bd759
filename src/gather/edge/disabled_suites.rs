//! Which cipher suites a list of `jdk.tls.disabledAlgorithms` takes from a Message Processor.

use crate::wire::tls::suites;

/// Returns whether a list disables a suite, by OpenSSL's name of it.
///
/// An entry is the name of a suite, also with `*`, or that of an algorithm in it: Java splits
/// `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` into key exchange, cipher and mode. Entries about the size of keys
/// concern certificates and parameters, which are not known before a handshake.
pub(super) fn is_disabled(suite: &str, list: &str) -> bool {
    let Some(name) = suites::registered(suite) else { return false };
    list.split(',').map(str::trim).any(|entry| is_of(name, entry))
}

fn is_of(name: &str, entry: &str) -> bool {
    if entry.is_empty() || entry.contains(char::is_whitespace) {
        return false;
    }
    if let Some((before, after)) = entry.split_once('*') {
        return name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after);
    }
    if name == entry {
        return true;
    }
    let (exchange, cipher) = match name.split_once("_WITH_") {
        Some((exchange, cipher)) => (exchange.trim_start_matches("TLS_"), cipher),
        None => ("", name.trim_start_matches("TLS_")),
    };
    // The last part is the hash.
    let cipher = cipher.rsplit_once('_').map_or(cipher, |(cipher, _)| cipher);
    // `AES_128`, `AES_128_GCM` and `3DES_EDE_CBC` are entries too.
    let begins = cipher.strip_prefix(entry).is_some_and(|rest| rest.starts_with('_'));
    [exchange, cipher].contains(&entry)
        || begins
        || exchange.split('_').chain(cipher.split('_')).any(|part| part == entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_disables_suites_by_name_pattern_and_algorithm() {
        for (suite, list) in [
            ("AES128-GCM-SHA256", "SSLv3, TLS_RSA_*"),
            ("AES128-SHA", "RSA"),
            ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
            ("ECDHE-RSA-AES128-GCM-SHA256", "GCM"),
            ("ECDHE-RSA-AES128-GCM-SHA256", "AES_128_GCM"),
            ("DES-CBC3-SHA", "3DES_EDE_CBC"),
            ("RC4-SHA", "RC4"),
            ("TLS_AES_128_GCM_SHA256", "AES_128_GCM"),
        ] {
            assert!(is_disabled(suite, list), "{suite}: {list}");
        }
        for (suite, list) in [
            ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_RSA_*"),
            ("DES-CBC3-SHA", "DES"),
            ("ECDHE-RSA-AES128-SHA", "ECDH, RC4, anon, NULL"),
            ("DHE-RSA-AES128-SHA", "DH keySize < 1024"),
            ("AES128-SHA", "SSLv3, TLSv1, "),
            ("no-such-suite", "*"),
        ] {
            assert!(!is_disabled(suite, list), "{suite}: {list}");
        }
    }
}
