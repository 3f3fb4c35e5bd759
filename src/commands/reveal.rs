//! `reveal NAMES.json < TEXT`: gives the names back in an answer to a redacted bundle.

use std::io;

use super::Error;
use crate::bundle::read_names;
use crate::cli::RevealArgs;
use crate::redact::Revealer;
use crate::terminal::{Console, Output};

pub(super) fn run(args: &RevealArgs, console: &Console) -> Result<u8, Error> {
    let names = read_names(&args.names)?;
    let revealer = Revealer::new(&names).map_err(|_| Error::Internal)?;
    let mut output = Output::stdout();
    let replaced = revealer.copy(io::stdin().lock(), &mut output);
    let replaced = replaced.map_err(|source| Error::Input { name: "standard input".into(), source })?;
    output.finish().map_err(Error::Output)?;
    if names.incomplete {
        console.error("note: the list is incomplete: there were more pseudonyms than it holds");
    }
    console.verbose(&format!("{replaced} pseudonyms were replaced"));
    Ok(0)
}
