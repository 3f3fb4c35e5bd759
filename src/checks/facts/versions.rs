//! Which side is too old, where client and server have no TLS version in common.

use crate::evidence::handshake::ProbeQuestion;

/// The side that knows only older versions than the other.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum TooOld {
    Client,
    Server,
}

impl TooOld {
    /// Judges by the highest version that the client offers. No server is newer than TLS 1.3.
    pub(crate) fn by_highest(offered: &str) -> Self {
        if offered == "TLSv1.3" { Self::Server } else { Self::Client }
    }

    /// Judges by the versions of a probe; `None` where it offered neither the newest nor the oldest. Given
    /// cipher suites may exclude both.
    pub(crate) fn by_question(question: &ProbeQuestion) -> Option<Self> {
        if question.ciphers.is_some() {
            return None;
        }
        match (question.min_version.as_deref(), question.max_version.as_deref()) {
            (_, None | Some("TLSv1.3")) => Some(Self::Server),
            (None | Some("SSLv3" | "TLSv1.0"), Some(_)) => Some(Self::Client),
            (Some(_), Some(_)) => None,
        }
    }

    /// The property of a virtual host that excludes the other side.
    pub(crate) fn property(self) -> &'static str {
        match self {
            Self::Client => "minTLSProtocolVersion",
            Self::Server => "maxTLSProtocolVersion",
        }
    }

    /// The versions that the server accepts, as seen from the client.
    pub(crate) fn accepted(self) -> &'static str {
        match self {
            Self::Client => "only newer versions",
            Self::Server => "only older versions",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_side_follows_from_the_versions_that_were_offered() {
        let side = |min: Option<&str>, max: Option<&str>, ciphers: Option<&str>| {
            let [min_version, max_version, ciphers] = [min, max, ciphers].map(|text| text.map(str::to_owned));
            TooOld::by_question(&ProbeQuestion { min_version, max_version, ciphers, ..ProbeQuestion::default() })
        };
        assert_eq!(side(Some("TLSv1.3"), None, None), Some(TooOld::Server));
        assert_eq!(side(None, None, None), Some(TooOld::Server));
        assert_eq!(side(None, Some("TLSv1.1"), None), Some(TooOld::Client));
        assert_eq!(side(Some("TLSv1.1"), Some("TLSv1.2"), None), None);
        assert_eq!(side(None, None, Some("AES128-SHA")), None);
        assert_eq!(TooOld::by_highest("TLSv1.2"), TooOld::Client);
    }
}
