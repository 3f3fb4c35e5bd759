//! `diff`: two runs side by side, from the evidence that each kept.

use super::{Error, fail_on, sources};
use crate::bundle::source;
use crate::cli::DiffArgs;
use crate::report::diff;
use crate::terminal::Console;

pub(super) fn run(args: &DiffArgs, console: &Console) -> Result<u8, Error> {
    sources::check_standard_input([&args.before, &args.after].into_iter())?;
    // A file of an older version, or of somebody else, may hold what this one would have redacted.
    let before = sources::clean(&source::read(&args.before)?)?;
    let after = sources::clean(&source::read(&args.after)?)?;
    let difference = diff::compare(&before, &after, fail_on(args.fail_on));
    super::show(console, args.output, &difference, diff::text)?;
    Ok(difference.exit_code)
}
