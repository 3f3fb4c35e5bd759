//! `explain [CODE]`: the catalogue, or the page of one check.

use super::Error;
use crate::checks;
use crate::cli::ExplainArgs;
use crate::report::catalogue;
use crate::terminal::Streams;

pub(super) fn run(args: &ExplainArgs, streams: &Streams) -> Result<u8, Error> {
    let width = streams.width();
    let text = match args.code.as_deref().and_then(checks::find) {
        Some((family, check)) => catalogue::page(family, check, width),
        None => catalogue::list(width),
    };
    streams.result(&text).map_err(Error::Output)?;
    Ok(0)
}
