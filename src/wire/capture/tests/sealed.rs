//! Encrypted records of TLS 1.3 from chosen secrets, and the lines of a key log with them. Uses nothing of
//! the program, so that a misreading is not shared by reader and writer.

use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use openssl::symm::{Cipher, encrypt_aead};

use super::builder::{ACK, FIN, Talk, hello, message, server_hello};

/// The secret of each direction before and after its Finished; the builder's ClientHello has this random.
const SECRETS: [(&str, u8); 4] = [
    ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", 1),
    ("SERVER_HANDSHAKE_TRAFFIC_SECRET", 2),
    ("CLIENT_TRAFFIC_SECRET_0", 3),
    ("SERVER_TRAFFIC_SECRET_0", 4),
];
const RANDOM: u8 = 7;

/// The key log of a handshake whose records [`Sealer`] writes.
pub fn key_log() -> String {
    let line = |(label, secret): (&str, u8)| {
        format!("{label} {} {}\n", format!("{RANDOM:02x}").repeat(32), format!("{secret:02x}").repeat(32))
    };
    SECRETS.map(line).concat()
}

/// Writes the records of one direction with `TLS_AES_128_GCM_SHA256`.
#[derive(Clone, Debug)]
pub struct Sealer {
    secret: u8,
    sequence: u64,
}

impl Sealer {
    pub fn client() -> Self {
        Self { secret: 1, sequence: 0 }
    }

    pub fn server() -> Self {
        Self { secret: 2, sequence: 0 }
    }

    /// A record that holds `content` of this type, and so many bytes of padding.
    pub fn seal(&mut self, kind: u8, content: &[u8], padding: usize) -> Vec<u8> {
        let inner = [content, &[kind], &vec![0; padding]].concat();
        let length = u16::try_from(inner.len() + 16).unwrap().to_be_bytes();
        let header = [23, 3, 3, length[0], length[1]];
        let mut nonce = expanded(self.secret, b"iv", 12);
        for (byte, number) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= number;
        }
        self.sequence += 1;
        let mut tag = [0; 16];
        let key = expanded(self.secret, b"key", 16);
        let sealed = encrypt_aead(Cipher::aes_128_gcm(), &key, Some(&nonce), &header, &inner, &mut tag).unwrap();
        [&header[..], &sealed, &tag].concat()
    }

    /// A Finished, after which the next secret is used.
    pub fn finished(&mut self) -> Vec<u8> {
        let record = self.seal(22, &[&[20, 0, 0, 32][..], &[9; 32]].concat(), 0);
        *self = Self { secret: self.secret + 2, sequence: 0 };
        record
    }
}

/// HKDF-Expand-Label (RFC 8446 §7.1) of a secret of equal bytes.
fn expanded(secret: u8, label: &[u8], length: u8) -> Vec<u8> {
    let name = [b"tls13 ", label].concat();
    let info = [&[0, length, u8::try_from(name.len()).unwrap()][..], &name, &[0, 1]].concat();
    let key = PKey::hmac(&[secret; 32]).unwrap();
    let mut block = Signer::new(MessageDigest::sha256(), &key).unwrap().sign_oneshot_to_vec(&info).unwrap();
    block.truncate(length.into());
    block
}

/// A connection whose client has no certificate, which the server refuses after the client's Finished.
pub fn refused(client: &str, server: &str) -> Talk {
    let mut talk = Talk::open(client, server);
    let (mut client, mut server) = (Sealer::client(), Sealer::server());
    talk.client_says(&hello(None));
    let flight = [server.seal(22, &message(13, &[0, 0, 0]), 0), server.finished()].concat();
    talk.server_says(&[server_hello(true), flight].concat());
    talk.client_says(&[client.seal(22, &message(11, &[0; 4]), 0), client.finished()].concat());
    talk.server_sends(ACK | FIN, &server.seal(21, &[2, 116], 0));
    talk
}
