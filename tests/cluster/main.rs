//! Tests on a real cluster.
use std::process::ExitCode;
mod api; mod cluster; mod images; mod pki; mod sandbox; mod settings; mod setup; mod shell;

fn main() -> ExitCode {
    let a: Vec<String> = std::env::args().skip(1).collect();
    let r = match a.first().map(String::as_str) {
        Some(sandbox::SUPERVISE) => sandbox::supervise(&a[1..]),
        Some(sandbox::INSIDE) => inside(),
        _ => sandbox::run_to_end(&a),
    };
    match r { Ok(c) => c, Err(e) => { eprintln!("error: {e}"); ExitCode::FAILURE } }
}
fn inside() -> shell::Result<ExitCode> {
    sandbox::furnish(settings::NODE_ADDRESS, settings::NODE)?;
    let (_c, _k) = cluster::Components::start()?;
    println!("{}", shell::run(std::process::Command::new("bash").arg("-c").arg(std::env::var("TESTBED_RUN").unwrap_or("true".into())))?);
    Ok(ExitCode::SUCCESS)
}
