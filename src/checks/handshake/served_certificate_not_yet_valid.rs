//! AT515: a served certificate is not valid yet.

use crate::checks::facts::{chain, served};
use crate::checks::{Check, Code, Explanation, Judgement, Level};
use crate::evidence::Evidence;

pub(in crate::checks) const CHECK: Check = Check {
    code: Code::new("AT515"),
    name: "served-certificate-not-yet-valid",
    level: Level::Error,
    summary: "A served certificate is not valid yet",
    explanation: Explanation {
        looks_for: "notBefore of the leaf and of the intermediates on its path, compared with the time of \
            this run. Checked in the requested handshakes, and in handshakes without SNI that get another \
            certificate.",
        matters: "Clients end the handshake until that date. If the date is only minutes away, a clock is \
            wrong: that of the machine that issued the certificate, or that of this machine.",
        fix: "Compare the clocks. If they are correct, write the certificate that is valid now to the Secret \
            of the route.",
    },
    reference: "RFC 5280 §4.1.2.5 and §6.1.3",
    judge,
};

fn judge(evidence: &Evidence) -> Judgement {
    let at = evidence.now();
    served::judge_dates(evidence, "every certificate that is served is valid already", |certificate| {
        chain::not_yet_valid(certificate, at)
    })
}
