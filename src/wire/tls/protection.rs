//! Opens records of TLS 1.3 with a traffic secret (RFC 8446 §5.2, §7.3). The ciphers are OpenSSL's.

use openssl::cipher::{Cipher, CipherRef};
use openssl::cipher_ctx::CipherCtx;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::sign::Signer;

use super::records::{APPLICATION_DATA, MAX_RECORD_BYTES};

const IV_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
/// Tag of `TLS_AES_128_CCM_8_SHA256`.
const SHORT_TAG_BYTES: usize = 8;

/// The keys of one direction, from one traffic secret.
pub(in crate::wire) struct Protection {
    cipher: &'static CipherRef,
    tag: usize,
    key: Vec<u8>,
    iv: [u8; IV_BYTES],
    sequence: u64,
}

/// What a record holds.
#[derive(Debug, Eq, PartialEq)]
pub(in crate::wire) struct Opened {
    /// The type of the content: handshake, alert or application data.
    pub(in crate::wire) kind: u8,
    pub(in crate::wire) content: Vec<u8>,
}

impl std::fmt::Debug for Protection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Protection at record {}", self.sequence)
    }
}

impl Protection {
    /// Derives the keys of a suite of TLS 1.3. `None` for other suites, and for a secret that is not of this
    /// suite.
    #[must_use]
    pub(in crate::wire) fn new(suite: u16, secret: &[u8]) -> Option<Self> {
        let (cipher, tag, digest) = match suite {
            0x1301 => (Cipher::aes_128_gcm(), TAG_BYTES, MessageDigest::sha256()),
            0x1302 => (Cipher::aes_256_gcm(), TAG_BYTES, MessageDigest::sha384()),
            0x1303 => (Cipher::chacha20_poly1305(), TAG_BYTES, MessageDigest::sha256()),
            0x1304 => (Cipher::aes_128_ccm(), TAG_BYTES, MessageDigest::sha256()),
            0x1305 => (Cipher::aes_128_ccm(), SHORT_TAG_BYTES, MessageDigest::sha256()),
            _ => return None,
        };
        if secret.len() != digest.size() {
            return None;
        }
        let key = expanded(digest, secret, b"key", cipher.key_length()).ok()?;
        let iv = expanded(digest, secret, b"iv", IV_BYTES).ok()?.try_into().ok()?;
        Some(Self { cipher, tag, key, iv, sequence: 0 })
    }

    /// Opens the next record, given without its header. `None` if it is not the next record of these keys.
    pub(in crate::wire) fn open(&mut self, record: &[u8]) -> Option<Opened> {
        let (sealed, tag) = record.split_at_checked(record.len().checked_sub(self.tag)?)?;
        let [high, low] = u16::try_from(record.len()).ok().filter(|length| *length <= MAX_RECORD_BYTES)?.to_be_bytes();
        let header = [APPLICATION_DATA, 3, 3, high, low];
        let mut nonce = self.iv;
        for (byte, number) in nonce.iter_mut().skip(IV_BYTES - 8).zip(self.sequence.to_be_bytes()) {
            *byte ^= number;
        }
        let mut content = self.decrypted(&nonce, &header, sealed, tag).ok()?;
        self.sequence += 1;
        // The type is the last byte that is not padding.
        let length = content.iter().rposition(|byte| *byte != 0)?;
        let kind = *content.get(length)?;
        content.truncate(length);
        Some(Opened { kind, content })
    }

    /// Returns whether no record has been opened.
    #[must_use]
    pub(in crate::wire) fn is_fresh(&self) -> bool {
        self.sequence == 0
    }

    /// Decrypts, and verifies the tag. CCM has to know both lengths before the key, so that the functions of
    /// `openssl::symm` do not serve here.
    fn decrypted(&self, nonce: &[u8], header: &[u8], sealed: &[u8], tag: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let is_ccm = self.cipher.nid() == Nid::AES_128_CCM;
        let mut cipher = CipherCtx::new()?;
        cipher.decrypt_init(Some(self.cipher), None, None)?;
        cipher.set_iv_length(IV_BYTES)?;
        cipher.set_tag(tag)?;
        cipher.decrypt_init(None, Some(&self.key), Some(nonce))?;
        if is_ccm {
            cipher.set_data_len(sealed.len())?;
        }
        cipher.cipher_update(header, None)?;
        let mut content = Vec::with_capacity(sealed.len());
        cipher.cipher_update_vec(sealed, &mut content)?;
        // The update of CCM has verified the tag.
        if !is_ccm {
            cipher.cipher_final_vec(&mut content)?;
        }
        Ok(content)
    }
}

/// HKDF-Expand-Label with an empty context (RFC 8446 §7.1), for at most the length of one digest.
fn expanded(digest: MessageDigest, secret: &[u8], label: &[u8], length: usize) -> Result<Vec<u8>, ErrorStack> {
    const PREFIX: &[u8] = b"tls13 ";
    let byte = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
    let mut info = vec![0, byte(length), byte(PREFIX.len() + label.len())];
    info.extend(PREFIX);
    info.extend(label);
    // An empty context, and the number of the block.
    info.extend([0, 1]);
    let key = PKey::hmac(secret)?;
    let mut block = Signer::new(digest, &key)?.sign_oneshot_to_vec(&info)?;
    block.truncate(length);
    Ok(block)
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    /// RFC 8448 §3: the server's handshake traffic secret, its key and its IV.
    #[test]
    fn keys_are_those_of_the_published_trace() {
        let secret = HEXLOWER.decode(b"b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38").unwrap();
        let protection = Protection::new(0x1301, &secret).unwrap();
        assert_eq!(HEXLOWER.encode(&protection.key), "3fce516009c21727d0f2e4e86ee403bc");
        assert_eq!(HEXLOWER.encode(&protection.iv), "5d313eb2671276ee13000b30");
    }

    #[test]
    fn a_secret_of_another_suite_opens_nothing() {
        assert!(Protection::new(0x1302, &[1; 32]).is_none());
        assert!(Protection::new(0xC02F, &[1; 32]).is_none());
        let mut protection = Protection::new(0x1301, &[1; 32]).unwrap();
        assert_eq!(protection.open(&[0; 40]), None);
        assert_eq!(protection.open(&[0; 3]), None);
    }
}
