//! Arguments that name log stores, and how to reach them.

use std::time::Duration;

use clap::{Args, ValueHint};

use super::values::positive_duration;

/// Which log stores to ask. Secrets come from files and from the environment alone.
#[derive(Args, Clone, Debug, Default)]
#[expect(rustdoc::bare_urls, clippy::doc_markdown, reason = "the texts are help on a terminal")]
pub struct LogStoreArgs {
    /// Log store that has the gateway's access log: cloud-logging, cloud-logging:PROJECT[/LOCATION/CLUSTER],
    /// or https://HOST:9200/INDEX of OpenSearch or Elasticsearch; may be repeated
    #[arg(long = "log-store", value_name = "STORE", value_hint = ValueHint::Other, help_heading = "Log stores")]
    pub log_stores: Vec<String>,

    /// File with the bearer token for the log stores; - for standard input. Without it,
    /// APIGEE_TLS_LOG_STORE_TOKEN
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help_heading = "Log stores",
        hide_short_help = true,
        conflicts_with_all = ["log_store_user_file", "log_store_api_key_file"]
    )]
    pub log_store_token_file: Option<String>,

    /// File with USER:PASSWORD for the log stores. Without it, APIGEE_TLS_LOG_STORE_USER and …_PASSWORD
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help_heading = "Log stores",
        hide_short_help = true,
        conflicts_with = "log_store_api_key_file"
    )]
    pub log_store_user_file: Option<String>,

    /// File with the encoded API key for the log stores. Without it, APIGEE_TLS_LOG_STORE_API_KEY
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Log stores", hide_short_help = true)]
    pub log_store_api_key_file: Option<String>,

    /// PEM file of the CAs that signed the certificates of the log stores
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Log stores", hide_short_help = true)]
    pub log_store_ca_file: Option<String>,

    /// PEM file of the client certificate for the log stores
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help_heading = "Log stores",
        hide_short_help = true,
        requires = "log_store_client_key"
    )]
    pub log_store_client_cert: Option<String>,

    /// PEM file of the key of the client certificate for the log stores
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help_heading = "Log stores",
        hide_short_help = true,
        requires = "log_store_client_cert"
    )]
    pub log_store_client_key: Option<String>,

    /// URL of Cloud Logging, such as that of a private endpoint [default: https://logging.googleapis.com]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Other, help_heading = "Log stores", hide_short_help = true)]
    pub log_store_endpoint: Option<String>,

    /// Time limit of a single request to a log store
    #[arg(
        long,
        value_parser = positive_duration,
        default_value = "60s",
        value_name = "DURATION",
        value_hint = ValueHint::Other,
        help_heading = "Log stores",
        hide_short_help = true
    )]
    pub log_store_timeout: Duration,
}
