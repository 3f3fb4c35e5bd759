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

    /// Judges by the versions of a probe; `None` where it offered neither the newest nor the oldest.
    pub(crate) fn by_question(question: &ProbeQuestion) -> Option<Self> {
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
