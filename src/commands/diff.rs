//! `diff`: compares two runs by the evidence that each of them saved.

use super::{Error, fail_on, sources};
use crate::bundle::source;
use crate::cli::DiffArgs;
use crate::gather::files::file_kind::FileKind;
use crate::judgement::diff;
use crate::report::{Document, Format};
use crate::terminal::Console;
use crate::text::visible;

pub(super) fn run(args: &DiffArgs, console: &Console) -> Result<u8, Error> {
    sources::check_standard_input([&args.before, &args.after].into_iter())?;
    for name in [&args.before, &args.after] {
        super::check_file("diff", name, &[FileKind::Bundle, FileKind::Evidence, FileKind::Report])?;
    }
    // Files of older versions or of others may hold secrets that this version redacts.
    let before =
        sources::clean(&sources::of_cluster(&args.before, source::read(&args.before)?)?, args.keep_random_tokens)?;
    let after =
        sources::clean(&sources::of_cluster(&args.after, source::read(&args.after)?)?, args.keep_random_tokens)?;
    let difference = diff::compare(&before, &after, fail_on(args.fail_on));
    super::print_result(console, args.output, &difference)?;
    if args.output == Format::Short {
        // The lines are the findings alone.
        console.conclusion(&visible(&difference.conclusion().unwrap_or_default()));
    }
    Ok(difference.exit_code)
}
