//! The folders that `tests/setup.sh` prepared for the cluster.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{Result, run};

pub struct Paths {
    pub components: PathBuf,
    pub envoy: PathBuf,
    /// Folder for container images, filled by the testbed.
    pub images: PathBuf,
    /// Folder with the Python modules of a parser of OpenMetrics.
    pub openmetrics: PathBuf,
    /// Folder for what a kept cluster leaves for its users.
    pub kept: PathBuf,
}

/// Runs the set-up script, which alone derives the paths from their inputs.
pub fn paths() -> Result<Paths> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/setup.sh");
    let answer = run(Command::new("bash").arg(script).arg("paths"))?;
    let path = |name: &str| {
        let line = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.map(PathBuf::from).ok_or_else(|| format!("tests/setup.sh does not tell where {name} is"))
    };
    let paths = Paths {
        components: path("components")?,
        envoy: path("envoy")?,
        images: path("images")?,
        openmetrics: path("openmetrics")?,
        kept: path("kept")?,
    };
    for file in [&paths.components, &paths.envoy] {
        if !file.is_file() {
            return Err(format!("{} is missing: run tests/setup.sh", file.display()));
        }
    }
    Ok(paths)
}
