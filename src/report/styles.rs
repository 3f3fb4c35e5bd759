//! Colour as data: plain by default, filled in by [`Styles::colorize`]. The only place with colour literals.

use owo_colors::Style;

use crate::checks::Level;
use crate::judgement::StepState;
use crate::judgement::chain::LinkState;
use crate::verdict::VerdictKind;

/// How the parts of the text look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Styles {
    pub heading: Style,
    pub error: Style,
    pub warning: Style,
    pub notice: Style,
    pub good: Style,
    pub dim: Style,
    pub command: Style,
}

impl Styles {
    /// Fills in the colours of a terminal.
    #[must_use]
    pub fn colorize() -> Self {
        Self {
            heading: Style::new().bold(),
            error: Style::new().red().bold(),
            warning: Style::new().yellow().bold(),
            notice: Style::new().cyan(),
            good: Style::new().green(),
            dim: Style::new().dimmed(),
            command: Style::new().cyan(),
        }
    }

    #[must_use]
    pub fn level(&self, level: Level) -> Style {
        match level {
            Level::Error => self.error,
            Level::Warning => self.warning,
            Level::Notice => self.notice,
        }
    }

    #[must_use]
    pub fn verdict(&self, kind: VerdictKind) -> Style {
        match kind {
            VerdictKind::Ambiguous
            | VerdictKind::AtRisk
            | VerdictKind::Likely
            | VerdictKind::NoAccess
            | VerdictKind::SniOnly
            | VerdictKind::Unknown => self.warning,
            VerdictKind::Cause => self.error,
            VerdictKind::Fixed | VerdictKind::Healthy | VerdictKind::Passed => self.good,
        }
    }

    /// Returns the mark of a link of the chain, and its style.
    #[must_use]
    pub fn link(&self, state: LinkState) -> (&'static str, Style) {
        match state {
            LinkState::Broken => ("✗", self.error),
            LinkState::NotApplicable => ("-", self.dim),
            LinkState::Ok => ("✓", self.good),
            LinkState::Unknown => ("?", self.notice),
        }
    }

    #[must_use]
    pub fn state(&self, state: StepState) -> Style {
        match state {
            StepState::Found => self.warning,
            StepState::NotApplicable | StepState::NotDone => self.dim,
            StepState::Passed => self.good,
            StepState::Unknown => self.notice,
        }
    }
}
