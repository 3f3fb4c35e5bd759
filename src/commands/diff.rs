//! `diff`: compares two runs, of one cluster by the evidence that each of them saved, or of several by their
//! reports or bundles.

use super::earlier::Run;
use super::{Error, fail_on, sources};
use crate::cli::DiffArgs;
use crate::gather::files::file_kind::FileKind;
use crate::judgement::diff::{self, fleet};
use crate::report::{Document, Format};
use crate::terminal::Console;
use crate::text::visible;

pub(super) fn run(args: &DiffArgs, console: &Console) -> Result<u8, Error> {
    sources::check_standard_input([&args.before, &args.after].into_iter())?;
    for name in [&args.before, &args.after] {
        super::check_file("diff", name, &[FileKind::Bundle, FileKind::Evidence, FileKind::Report])?;
    }
    let before = Run::read(&args.before, args.keep_random_tokens)?;
    let after = Run::read(&args.after, args.keep_random_tokens)?;
    match (before, after) {
        (Run::One(before), Run::One(after)) => {
            let difference = diff::compare(&before, &after, fail_on(args.fail_on));
            print(args, &difference, console)?;
            Ok(difference.exit_code)
        }
        (Run::Several(before), Run::Several(after)) => {
            let difference = fleet::compare(&before, &after, fail_on(args.fail_on))?;
            drop((before, after));
            print(args, &difference, console)?;
            Ok(difference.exit_code)
        }
        (Run::One(_), Run::Several(_)) => Err(mixed(&args.before, &args.after)),
        (Run::Several(_), Run::One(_)) => Err(mixed(&args.after, &args.before)),
    }
}

fn mixed(one: &str, several: &str) -> Error {
    Error::Usage {
        what: format!("{one} and {several}: the first is of one cluster, the second of several"),
        hint:
            "give two reports of several contexts (`diagnose --all-contexts -o json`) or two folders of their bundles, \
               or the evidence of one cluster twice"
                .into(),
    }
}

fn print(args: &DiffArgs, difference: &impl Document, console: &Console) -> Result<(), Error> {
    super::print_result(console, args.output, difference)?;
    if args.output == Format::Short {
        // The lines are the findings alone.
        console.conclusion(&visible(&difference.conclusion().unwrap_or_default()));
    }
    Ok(())
}
