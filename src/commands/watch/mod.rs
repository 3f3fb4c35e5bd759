//! `watch`: follows the logs of the ingress pods, judges from time to time as `diagnose` does, and reports
//! what changes.
//!
//! ```text
//! Follow ─ News ──────────────┐
//! Follow ─ evidence ─ Report ─┴─ Watch ─ Change ─ Display: table, lines or JSON
//! ```

mod display;
mod session;

use std::time::Duration;

use jiff::SignedDuration;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use self::session::Session;
use super::{Error, contexts, sources};
use crate::cli::WatchArgs;
use crate::gather;
use crate::gather::hybrid::follow::{Follow, FollowOptions};
use crate::run::Stop;
use crate::serve::Server;
use crate::terminal::Console;

pub(super) fn run(args: &WatchArgs, console: &Console) -> Result<u8, Error> {
    if contexts::are_several(&args.cluster) {
        return Err(Error::Usage {
            what: "watch with --contexts or --all-contexts: it follows one cluster".into(),
            hint: "give one --context, and run it once for each".into(),
        });
    }
    sources::validate(&args.evidence())?;
    let runtime = Runtime::new().map_err(Error::Runtime)?;
    let code = runtime.block_on(async {
        let stop = Stop::on_signal(time_limit(args), || {}).map_err(Error::Runtime)?;
        let (questions, received) = mpsc::channel(1);
        if let Some(address) = args.listen {
            let refused = |source| Error::Listen { address, source };
            let server = Server::bind(address).await.map_err(refused)?;
            let bound = server.address().map_err(refused)?;
            console.error(&format!("metrics: http://{bound}/metrics"));
            tokio::spawn(server.run(questions));
        }
        let connecting = Box::pin(Follow::connect(follow_options(args), stop.clone()));
        let follow = match stop.bound(connecting).await {
            Ok(follow) => follow?,
            Err(_) => return Err(Error::Cluster(gather::Error::Interrupted)),
        };
        Box::pin(Session::new(args, follow, stop, console).run(received)).await
    });
    // Signals are handled up to here.
    runtime.shutdown_background();
    code
}

fn time_limit(args: &WatchArgs) -> Option<Duration> {
    if args.until_healthy { Some(args.timeout).filter(|limit| !limit.is_zero()) } else { args.duration }
}

fn follow_options(args: &WatchArgs) -> FollowOptions {
    let window = args.window();
    let length = SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX);
    let now = sources::now();
    FollowOptions {
        connection: sources::connection_options(&args.cluster),
        namespace: args.cluster.namespace.clone(),
        selector: args.cluster.selector.clone(),
        container: args.container.clone(),
        since: now.checked_sub(length).unwrap_or(now),
        window,
    }
}
