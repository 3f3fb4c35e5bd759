//! `version`: prints the version of this program.

use serde::Serialize;

use super::Error;
use crate::cli::{PlainFormat, VersionArgs};
use crate::report::formats::{json, yaml};
use crate::terminal::Console;

#[derive(Serialize)]
struct Version {
    version: &'static str,
}

pub(super) fn run(args: &VersionArgs, console: &Console) -> Result<u8, Error> {
    let version = Version { version: env!("CARGO_PKG_VERSION") };
    let text = match args.output {
        PlainFormat::Text => format!("kubectl apigee-tls {}\n", version.version),
        PlainFormat::Json => json::of(&version)?,
        PlainFormat::Yaml => yaml::of(&version)?,
    };
    console.result(&text).map_err(Error::Output)?;
    Ok(0)
}
