//! Where `tests/setup.sh` put what the cluster is made of.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{Result, run};

pub struct Paths {
    pub components: PathBuf,
    pub envoy: PathBuf,
    /// A folder for container images, which the testbed fills itself.
    pub images: PathBuf,
    /// A folder for what a cluster that is kept running has to leave for its users.
    pub kept: PathBuf,
}

/// Asks the set-up script, which alone knows how the places follow from their inputs.
pub fn paths() -> Result<Paths> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/setup.sh");
    let answer = run(Command::new("bash").arg(script).arg("paths"))?;
    let path = |name: &str| {
        let line = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.map(PathBuf::from).ok_or_else(|| format!("tests/setup.sh does not tell where {name} is"))
    };
    let paths =
        Paths { components: path("components")?, envoy: path("envoy")?, images: path("images")?, kept: path("kept")? };
    for file in [&paths.components, &paths.envoy] {
        if !file.is_file() {
            return Err(format!("{} is missing: run tests/setup.sh", file.display()));
        }
    }
    Ok(paths)
}
