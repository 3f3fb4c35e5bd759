//! `explain [CODE]`: prints the catalogue, or the page of one check.

use super::Error;
use crate::checks;
use crate::cli::ExplainArgs;
use crate::report::documents::catalogue;
use crate::terminal::Console;

pub(super) fn run(args: &ExplainArgs, console: &Console) -> Result<u8, Error> {
    let width = console.width();
    let text = match args.code.as_deref().and_then(checks::find) {
        Some((family, check)) => catalogue::page(family, check, width),
        None => catalogue::list(width),
    };
    console.result(&text).map_err(Error::Output)?;
    Ok(0)
}
