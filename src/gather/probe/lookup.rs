//! Looks up the addresses of a name with this machine's resolver.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use super::tcp::plain;
use crate::evidence::handshake::{Failure, How, Party, Stage};

/// Maximum number of addresses used of one name.
pub(in crate::gather) const MAX_ADDRESSES: usize = 8;

/// The address families to use.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Family {
    #[default]
    Any,
    V4,
    V6,
}

impl Family {
    fn has(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }
}

/// Looks up a name. The addresses keep the resolver's order, without repetitions, at most [`MAX_ADDRESSES`].
pub(in crate::gather) async fn addresses(
    host: &str,
    family: Family,
    allowed: Duration,
) -> Result<Vec<IpAddr>, Failure> {
    let failed = |by, how| Failure { stage: Stage::Lookup, by, how };
    if let Ok(address) = host.parse::<IpAddr>() {
        let fits = family.has(address);
        return if fits { Ok(vec![address]) } else { Err(failed(Party::Client, How::NoAddress)) };
    }
    let found = match tokio::time::timeout(allowed, tokio::net::lookup_host((host, 0))).await {
        Err(_) => {
            let milliseconds = u64::try_from(allowed.as_millis()).unwrap_or(u64::MAX);
            return Err(failed(Party::Nobody, How::TimedOut { milliseconds }));
        }
        Ok(Err(error)) => return Err(failed(Party::Resolver, reason(&error))),
        Ok(Ok(found)) => found,
    };
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.map(|socket| socket.ip()).filter(|address| family.has(*address)) {
        if addresses.len() < MAX_ADDRESSES && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() { Err(failed(Party::Resolver, How::NoAddress)) } else { Ok(addresses) }
}

/// Returns the reason of a getaddrinfo error. The standard library keeps only its text, which differs between
/// glibc, musl and macOS.
fn reason(error: &io::Error) -> How {
    const NO_NAME: [&str; 3] = ["Name or service not known", "Name does not resolve", "nodename nor servname"];
    const NO_ADDRESS: [&str; 2] = ["No address associated", "Name has no usable address"];
    let text = error.to_string();
    if NO_NAME.iter().any(|known| text.contains(known)) {
        How::NoSuchName
    } else if NO_ADDRESS.iter().any(|known| text.contains(known)) {
        How::NoAddress
    } else {
        let text = plain(error);
        How::Other(text.strip_prefix("failed to lookup address information: ").map_or(text.clone(), str::to_owned))
    }
}
