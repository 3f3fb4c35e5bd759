//! `diff`: two runs side by side, from the evidence that each kept.

use super::{Error, fail_on};
use crate::bundle::source;
use crate::cli::{DiffArgs, Output};
use crate::report::styles::Styles;
use crate::report::{diff, machine, text};
use crate::terminal::Console;

pub(super) fn run(args: &DiffArgs, console: &Console) -> Result<u8, Error> {
    if args.before == "-" && args.after == "-" {
        return Err(Error::Usage {
            what: "standard input can be read once, and - stands more than once".into(),
            hint: "save one of the two to a file".into(),
        });
    }
    let before = source::read(&args.before)?;
    let after = source::read(&args.after)?;
    let difference = diff::compare(&before, &after, fail_on(args.fail_on));
    let styles = if console.colors() { Styles::colorize() } else { Styles::default() };
    let options = text::TextOptions { styles, width: console.width(), wide: args.output == Output::Wide };
    let shown = match args.output {
        Output::Text | Output::Wide => diff::text(&difference, options),
        Output::Json => machine::json(&difference).map_err(|error| Error::Rendering(error.to_string()))?,
        Output::Yaml => machine::yaml(&difference).map_err(|error| Error::Rendering(error.to_string()))?,
    };
    console.result(&shown).map_err(Error::Output)?;
    Ok(difference.exit_code)
}
