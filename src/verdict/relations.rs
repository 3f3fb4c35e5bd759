//! How checks relate, as data that a playbook gives: which of them are symptoms, which mean the same, which
//! explain which.

use crate::checks::Code;

/// The relations between the checks of one playbook. Each table is written only here.
pub(crate) struct Relations {
    /// Checks that see clients fail and have their cause elsewhere, or none; the graver first.
    pub(crate) symptoms: &'static [Symptom],
    /// Symptoms of the same clients (seen in logs, reproduced by a probe, declared by the user). Only the
    /// first one found is explained.
    pub(crate) alike: &'static [&'static [Code]],
    /// A fault of something stored, and the same fault as clients meet it: `(stored, served)`.
    pub(crate) same_fault: &'static [(Code, Code)],
    /// Explains what is served where the stored fault is absent: what is stored is not what is served.
    pub(crate) not_served: Option<Code>,
    /// One fault that two checks see: the step of the second is also the step of the first.
    pub(crate) one_step: &'static [(Code, Code)],
    /// Pods that respond differently from the others: without a step of their own where [`Self::not_served`]
    /// has one for the same pods.
    pub(crate) diverging_pods: &'static [Code],
    /// Clients that may not be ours: their cause comes after those of other clients.
    pub(crate) strangers: &'static [Code],
    /// Checks whose findings rest on a guess: no cause of theirs is established.
    pub(crate) guesses: &'static [Code],
    /// Explain a failure that leaves no record in the access logs, because it happens in front of them.
    pub(crate) without_record: &'static [Code],
}

/// A check that sees clients fail.
pub(crate) struct Symptom {
    pub(crate) code: Code,
    /// Its own explanation says what to do. Where false, the step of its cause does.
    pub(crate) has_own_step: bool,
    pub(crate) witness: Witness,
    /// The places where it was seen belong to the evidence of its cause. False where nothing was seen, and
    /// where the cause says what a probe met.
    pub(crate) is_located: bool,
}

/// Who saw clients fail. The order is that of the causes in a verdict.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Witness {
    /// Clients failed, according to an access log, or the user declared that they exist.
    Clients,
    /// Counters grew; who connected is not known.
    Counters,
    /// Only a handshake of this run failed.
    Probe,
}

impl Relations {
    /// Returns the witness of a symptom. A fault that is no symptom harms clients wherever it was found, but
    /// pods that respond differently are only seen by handshakes of this run.
    pub(crate) fn witness(&self, code: Option<Code>) -> Witness {
        match code {
            Some(code) if self.diverging_pods.contains(&code) => Witness::Probe,
            Some(code) => self.symptom(code).map_or(Witness::Clients, |symptom| symptom.witness),
            None => Witness::Clients,
        }
    }

    /// Returns whether the findings of a check rest on a guess.
    pub(crate) fn is_guess(&self, code: Option<Code>) -> bool {
        code.is_some_and(|code| self.guesses.contains(&code))
    }

    pub(crate) fn symptom(&self, code: Code) -> Option<&'static Symptom> {
        self.symptoms.iter().find(|symptom| symptom.code == code)
    }

    /// Pairs `(first, second)` of findings with one step: where the second has a step, the first gets none.
    pub(crate) fn with_one_step(&self) -> impl Iterator<Item = (Code, Code)> {
        let by_secret = self.same_fault.iter().flat_map(|(stored, served)| {
            [(*served, *stored)].into_iter().chain(self.not_served.map(|by| (*served, by)))
        });
        self.one_step.iter().copied().chain(by_secret)
    }
}
