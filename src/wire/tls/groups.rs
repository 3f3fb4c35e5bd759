//! Key exchange groups by their number in the TLS Supported Groups registry.

use std::borrow::Cow;

/// Names as people write them: NIST's for its curves, the registry's for the rest.
const GROUPS: [(u16, &str); 35] = [
    (0x0001, "sect163k1"),
    (0x0002, "sect163r1"),
    (0x0003, "sect163r2"),
    (0x0006, "sect233k1"),
    (0x0007, "sect233r1"),
    (0x0008, "sect239k1"),
    (0x0009, "sect283k1"),
    (0x000A, "sect283r1"),
    (0x000B, "sect409k1"),
    (0x000C, "sect409r1"),
    (0x000D, "sect571k1"),
    (0x000E, "sect571r1"),
    (0x0012, "secp192k1"),
    (0x0013, "P-192"),
    (0x0014, "secp224k1"),
    (0x0015, "P-224"),
    (0x0016, "secp256k1"),
    (0x0017, "P-256"),
    (0x0018, "P-384"),
    (0x0019, "P-521"),
    (0x001A, "brainpoolP256r1"),
    (0x001B, "brainpoolP384r1"),
    (0x001C, "brainpoolP512r1"),
    (0x001D, "X25519"),
    (0x001E, "X448"),
    (0x0100, "ffdhe2048"),
    (0x0101, "ffdhe3072"),
    (0x0102, "ffdhe4096"),
    (0x0103, "ffdhe6144"),
    (0x0104, "ffdhe8192"),
    (0x11EB, "SecP256r1MLKEM768"),
    (0x11EC, "X25519MLKEM768"),
    (0x11ED, "SecP384r1MLKEM1024"),
    (0x6399, "X25519Kyber768Draft00"),
    (0x639A, "SecP256r1Kyber768Draft00"),
];

/// Returns the name of a group; an unknown group is written as `0x2A2A`.
#[must_use]
pub fn name(group: u16) -> String {
    let known = GROUPS.iter().find(|(number, _)| *number == group);
    known.map_or_else(|| format!("0x{group:04X}"), |(_, name)| (*name).to_owned())
}

/// The same as [`name`], without a copy where the group has a name.
#[must_use]
pub fn label(group: u16) -> Cow<'static, str> {
    let known = GROUPS.binary_search_by_key(&group, |(number, _)| *number).ok().and_then(|at| GROUPS.get(at));
    known.map_or_else(|| Cow::Owned(name(group)), |(_, name)| Cow::Borrowed(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_their_names() {
        for (group, expected) in
            [(29, "X25519"), (23, "P-256"), (4588, "X25519MLKEM768"), (256, "ffdhe2048"), (0x2A2A, "0x2A2A")]
        {
            assert_eq!((name(group).as_str(), &*label(group)), (expected, expected));
        }
        assert!(GROUPS.is_sorted_by_key(|(number, _)| number));
    }
}
