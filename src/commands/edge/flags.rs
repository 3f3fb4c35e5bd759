//! The flags of a run: which of them a bundle leaves no room for, and how printed commands repeat them.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::cli::{ClientProfile, EdgeOptions as EdgeFlags};

/// Returns the flags and their values, except organization and environment. Credentials are files, and only
/// their names are among them.
pub(super) fn of(args: &EdgeFlags) -> Vec<String> {
    let mut flags = Flags::default();
    flags.all("--virtual-host", &args.virtual_hosts);
    flags.all("--target-server", &args.target_servers);
    flags.all("--proxy", &args.proxies);
    flags.choice("--leg", args.leg.as_ref());
    flags.all("--symptom", &args.symptoms);
    flags.choice("--expect", args.expect.as_ref());
    flags.choice("--api", Some(&args.api).filter(|api| **api != crate::cli::ApiChoice::default()));
    flags.all("--management-url", args.management_url.as_slice());
    flags.all("--token-file", args.token_file.as_slice());
    flags.all("--user-file", args.user_file.as_slice());
    flags.all("--netrc-file", args.netrc_file.as_slice());
    flags.all("--management-ca-file", args.management_ca_file.as_slice());
    // Its URL may hold a password.
    flags.all("--management-proxy", args.management_proxy.iter().filter(|url| !url.contains('@')));
    flags.all("--router-conf", &args.router_confs);
    flags.all("--router-properties", &args.router_properties);
    flags.all("--mp-properties", &args.mp_properties);
    flags.all("--system-properties", &args.system_properties);
    flags.all("--mp-log", &args.mp_logs);
    flags.all("--proxy-bundle", &args.proxy_bundles);
    flags.all("--pcap", &args.captures);
    flags.all("--keylog", args.key_log.as_slice());
    flags.all("--keystore-file", &args.keystore_files);
    flags.all("--keystore-password-file", args.keystore_password_file.as_slice());
    flags.paths("--api-dump", args.api_dump.as_slice());
    if args.offline {
        flags.0.push("--offline".into());
    }
    for probe in &args.probe {
        flags.choice("--probe", Some(probe));
    }
    flags.all("--router", &args.routers);
    flags.all("--connect-to", &args.connect_to);
    flags.paths("--ca-file", &args.ca_files);
    if let ClientProfile::Java(java) = &args.client {
        flags.choice("--client", Some(java));
    }
    flags.choice("--java", args.java.as_ref());
    flags.all("--edge-version", args.edge_version.as_slice());
    flags.choice("--sni", Some(&args.sni).filter(|sni| **sni != crate::cli::SniArgument::default()));
    flags.paths("--client-cert", args.client_cert.as_slice());
    flags.paths("--client-key", args.client_key.as_slice());
    flags.paths("--mp-cert", args.mp_cert.as_slice());
    flags.paths("--mp-key", args.mp_key.as_slice());
    flags.addresses("--mp-address", &args.mp_addresses);
    flags.addresses("--router-address", &args.router_addresses);
    flags.0
}

/// Returns the first flag beside `--from` that the judgement of a bundle would not heed.
pub(super) fn beside_a_bundle(args: &EdgeFlags) -> Option<String> {
    let named = args.org.as_ref().map(|_| "--org").or(args.env.as_ref().map(|_| "--env")).map(str::to_owned);
    named
        .or_else(|| of(args).into_iter().next())
        .or_else(|| args.management_proxy.as_ref().map(|_| "--management-proxy".into()))
}

#[derive(Default)]
struct Flags(Vec<String>);

impl Flags {
    fn all<'a>(&mut self, flag: &str, values: impl IntoIterator<Item = &'a String>) {
        for value in values {
            self.0.extend([flag.to_owned(), value.clone()]);
        }
    }

    fn paths(&mut self, flag: &str, values: &[PathBuf]) {
        self.all(flag, &values.iter().map(|path| path.display().to_string()).collect::<Vec<_>>());
    }

    fn addresses(&mut self, flag: &str, values: &[IpAddr]) {
        self.all(flag, &values.iter().map(ToString::to_string).collect::<Vec<_>>());
    }

    fn choice(&mut self, flag: &str, value: Option<&impl ValueEnum>) {
        let name = value.and_then(ValueEnum::to_possible_value).map(|value| value.get_name().to_owned());
        self.all(flag, name.as_slice());
    }
}
