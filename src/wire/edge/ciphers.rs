//! Expands a list of cipher suites in OpenSSL's syntax, as nginx does.
//!
//! The binding offers no way to list the suites of a context, so they are read from the ClientHello that it
//! writes.

use std::io::{self, ErrorKind, Read, Write};

use openssl::ssl::{Ssl, SslContext, SslMethod, SslStream, SslVersion};

use crate::evidence::edge::CipherList;
use crate::wire::tls::Offer;

/// Length of the headers of a record and of a handshake message.
const HEADERS: usize = 5 + 4;
/// The number that announces secure renegotiation, and is no suite (RFC 5746 §3.3).
const SCSV: &str = "0x00FF";

/// Returns the list with the names of the suites up to TLS 1.2 that it means.
///
/// Suites that the TLS library of this program has dropped are missing from the names, so that a list of only
/// such suites is empty and proves nothing.
#[must_use]
pub fn expand(text: &str) -> CipherList {
    CipherList { text: text.to_owned(), suites: names(text).unwrap_or_default() }
}

fn names(text: &str) -> Option<Vec<String>> {
    let mut context = SslContext::builder(SslMethod::tls_client()).ok()?;
    context.set_cipher_list(text).ok()?;
    // A level within the list applies to a server's own; here, every suite that it names counts.
    context.set_security_level(0);
    // The suites of TLS 1.3 are configured separately and would be among the names.
    context.set_max_proto_version(Some(SslVersion::TLS1_2)).ok()?;
    let ssl = Ssl::new(&context.build()).ok()?;
    let mut stream = SslStream::new(ssl, Sent::default()).ok()?;
    // It fails for want of an answer, after the ClientHello was written.
    let _ = stream.connect();
    let hello = stream.get_ref().0.get(HEADERS..)?;
    let suites = Offer::read(hello, hello.len()).suites();
    Some(
        suites
            .into_iter()
            .map(std::borrow::Cow::into_owned)
            .filter(|name| !name.ends_with("_SCSV") && name != SCSV)
            .collect(),
    )
}

/// Keeps what is written.
#[derive(Default)]
struct Sent(Vec<u8>);

impl Read for Sent {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }
}

impl Write for Sent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_exclusions_and_refuses_nonsense() {
        let list = expand("ECDHE-RSA-AES256-GCM-SHA384:AES256-GCM-SHA384");
        assert_eq!(list.suites, ["ECDHE-RSA-AES256-GCM-SHA384", "AES256-GCM-SHA384"]);
        assert!(expand("HIGH:!aNULL:!MD5").suites.len() > 10);
        assert!(expand("ALL:!aNULL:@SECLEVEL=0").suites.len() > 10);
        assert!(expand("no-such-suite").suites.is_empty());
    }
}
