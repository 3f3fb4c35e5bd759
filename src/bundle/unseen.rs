//! The sources that the evidence of a bundle lacks, for the manifest's list of what is missing.

use crate::evidence::part::{Extent, Gap, Part};
use crate::evidence::{Evidence, Source, Unavailable};

/// Returns every gap of the evidence with the source that would have filled it.
#[must_use]
pub fn unseen(evidence: &Evidence) -> Vec<(Source, &Unavailable)> {
    let gaps: Vec<Gap<'_>> = evidence.parts().into_iter().flat_map(Part::gaps).collect();
    let has_own_reason = |source| gaps.iter().any(|gap| gap.extent == Extent::Part && gap.source == Some(source));
    let unseen = gaps.iter().filter_map(|gap| {
        let source = gap.source?;
        match gap.extent {
            Extent::Part | Extent::Item => Some((source, gap.why)),
            Extent::Dependent => (!has_own_reason(source)).then_some((source, gap.why)),
            // The entry of the item itself says where it ends.
            Extent::End => None,
        }
    });
    unseen.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::BTreeSet;

    use crate::evidence::HybridQuestion;
    use crate::plan::{PLAN, Stage};

    #[test]
    fn lists_every_judged_source_when_nothing_was_requested() {
        let question = HybridQuestion { namespace: "apigee".into(), ..HybridQuestion::default() };
        let evidence = Evidence::not_gathered(question, jiff::Timestamp::UNIX_EPOCH, "nothing was requested");
        let named: BTreeSet<Source> = unseen(&evidence).into_iter().map(|(source, _)| source).collect();
        let judged = PLAN.iter().filter(|item| item.stage != Stage::Collect).map(|item| item.source).collect();
        assert_eq!(named, judged);
        let rested_on = evidence.parts().iter().flat_map(|part| part.sources()).copied().collect();
        assert_eq!(named, rested_on);
    }
}
