//! Which certificates Envoy does not load, although they are well-formed and fit their key.
//!
//! Source: Envoy `source/common/tls/context_impl.cc`, `TlsContext::loadCertificateChain`, and
//! `server_context_impl.cc`. Until 1.32 it loads ECDSA keys of P-256 only; from 1.33 also P-384 and P-521.

use super::chain::{Deviation, subject_and_serial};
use crate::checks::Judgement;
use crate::checks::facts::stored;
use crate::evidence::certificate::Certificate;
use crate::evidence::stored::StoredContent;
use crate::evidence::{Evidence, Seen};

/// Envoy has this minor version where Istio has the minor version 0: Istio 1.20 has Envoy 1.28.
const ENVOY_OF_ISTIO: u32 = 8;
/// The first minor version of Envoy 1 that loads keys of P-384 and P-521.
const MORE_CURVES: u32 = 33;
/// The beginning of what the tag of an image of Anthos Service Mesh has after the version of Istio.
const MESH: &str = "-asm";
/// OpenSSL's names of the curves.
const P_256: &str = "prime256v1";
const LARGER: [&str; 2] = ["secp384r1", "secp521r1"];

/// Returns the minor version of the ingress pods' Envoy, from the tag of their image. Tags of Apigee hybrid
/// do not contain it.
pub(crate) fn envoy(evidence: &Evidence) -> Option<u32> {
    let Seen::Seen(pods) = &evidence.pods else { return None };
    let images = pods.iter().flat_map(|pod| &pod.containers).map(|container| container.image.as_str());
    images
        .filter_map(|image| {
            let (_, tag) = image.rsplit_once(':')?;
            let (version, _) = tag.split_once(MESH)?;
            let mut numbers = version.split('.').map(str::parse::<u32>);
            match (numbers.next()?, numbers.next()?) {
                (Ok(1), Ok(minor)) => minor.checked_add(ENVOY_OF_ISTIO),
                _ => None,
            }
        })
        // During an upgrade the older one decides.
        .min()
}

/// Returns why Envoy does not load a certificate with this key. `envoy` is its minor version, if known.
pub(crate) fn unsupported_key(leaf: &Certificate, envoy: Option<u32>) -> Option<Deviation> {
    let key = &leaf.key;
    let (has, expected) = match key.algorithm.as_str() {
        "RSA" if key.bits > 0 && key.bits < 2048 => {
            (format!("an RSA key of {} bits", key.bits), "an RSA key of at least 2048 bits")
        }
        "EC" if key.bits > 0 => {
            let is_known = match &key.curve {
                Some(curve) => curve == P_256,
                // Evidence of older versions has the size only.
                None => key.bits == 256,
            };
            let is_larger = match &key.curve {
                Some(curve) => LARGER.contains(&curve.as_str()),
                None => [384, 521].contains(&key.bits),
            };
            if is_known || (is_larger && envoy.is_some_and(|version| version >= MORE_CURVES)) {
                return None;
            }
            let curve = match &key.curve {
                Some(curve) => format!("on the curve {curve}"),
                None => format!("of {} bits", key.bits),
            };
            let until = match (is_larger, envoy) {
                (true, None) => " (Envoy before 1.33 loads P-256 only; Istio 1.25 has 1.33)".to_owned(),
                (true, Some(version)) => format!(" (Envoy 1.{version} loads P-256 only; 1.33 loads this curve)"),
                (false, _) => String::new(),
            };
            (format!("an EC key {curve}{until}"), "an EC key on P-256, or an RSA key of at least 2048 bits")
        }
        "RSA" | "EC" | "unknown" => return None,
        // OpenSSL loads it. BoringSSL parses keys of id-RSASSA-PSS only for callers that ask for the type.
        "RSA-PSS" => {
            let expected = "an RSA key of at least 2048 bits of the type rsaEncryption, or an EC key on P-256";
            ("a key of the type RSA-PSS (id-RSASSA-PSS)".to_owned(), expected)
        }
        other => (format!("a key of the type {other}"), "an RSA key of at least 2048 bits, or an EC key on P-256"),
    };
    Some(Deviation {
        what: format!("Envoy does not load {}: it has {has}", subject_and_serial(leaf)),
        observed: has,
        expected: expected.into(),
    })
}

/// Returns why Envoy does not load a certificate that requires a stapled OCSP response, if there is none
/// beside it. An entry whose name contains `ocsp` may be one.
pub(crate) fn staple_missing(leaf: &Certificate, content: &StoredContent) -> Option<Deviation> {
    let has_response = content.keys.iter().any(|key| key.to_ascii_lowercase().contains("ocsp"));
    (leaf.must_staple && !has_response).then(|| Deviation {
        what: format!(
            "Envoy does not load {}: it requires a stapled OCSP response (must-staple), and there is none",
            subject_and_serial(leaf)
        ),
        observed: "the extension TLS Feature with status_request".into(),
        expected: "a certificate without must-staple".into(),
    })
}

/// Judges the leaf of each Secret, unless the Envoy of a pod has loaded it. `fault` returns why Envoy does
/// not load it.
pub(crate) fn judge(
    evidence: &Evidence,
    right: &str,
    fault: impl Fn(&Certificate, &StoredContent) -> Option<Deviation>,
) -> Judgement {
    stored::judge(evidence, right, stored::NO_CERTIFICATE, |secret| {
        let Some(leaf) = secret.content.certificates.first() else { return Ok(None) };
        if let Some(unknown) = super::chain::unknown_strength(leaf) {
            return Err(unknown);
        }
        let wrong = fault(leaf, secret.content).filter(|_| !is_loaded(evidence, leaf));
        Ok(Some(wrong.into_iter().map(|wrong| secret.finding(secret.certificate_entry(), wrong)).collect()))
    })
}

/// Returns whether the Envoy of a pod has loaded the certificate: then it accepts its key, whatever its
/// version.
fn is_loaded(evidence: &Evidence, leaf: &Certificate) -> bool {
    let Seen::Seen(gateways) = &evidence.gateways else { return false };
    let loaded = gateways.iter().filter_map(|gateway| gateway.certificates.seen().ok()).flatten();
    loaded.into_iter().any(|loaded| loaded.serial == leaf.serial && loaded.not_after == Some(leaf.not_after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::certificate::PublicKey;
    use crate::test_leaf::leaf;

    fn is_refused(algorithm: &str, bits: u32, curve: Option<&str>, envoy: Option<u32>) -> bool {
        let key = PublicKey { algorithm: algorithm.into(), bits, curve: curve.map(str::to_owned) };
        unsupported_key(&Certificate { key, ..leaf(&[]) }, envoy).is_some()
    }

    #[test]
    fn keys_are_refused_by_type_size_and_version() {
        for (algorithm, bits, curve, envoy, refused) in [
            ("RSA", 1024, None, None, true),
            ("RSA", 2047, None, Some(33), true),
            ("RSA", 2048, None, None, false),
            ("EC", 256, None, None, false),
            ("EC", 256, Some(P_256), Some(28), false),
            ("EC", 256, Some("secp256k1"), Some(33), true),
            ("EC", 256, Some("brainpoolP256r1"), None, true),
            ("EC", 224, Some("secp224r1"), Some(33), true),
            ("EC", 384, None, None, true),
            ("EC", 384, Some("secp384r1"), Some(32), true),
            ("EC", 384, Some("secp384r1"), Some(33), false),
            ("EC", 521, Some("secp521r1"), Some(33), false),
            ("RSA-PSS", 2048, None, Some(33), true),
            ("Ed25519", 253, None, Some(33), true),
            ("Ed448", 456, None, None, true),
            ("DSA", 2048, None, None, true),
            ("unknown", 0, None, None, false),
        ] {
            assert_eq!(is_refused(algorithm, bits, curve, envoy), refused, "{algorithm} {bits} {curve:?} {envoy:?}");
        }
    }
}
