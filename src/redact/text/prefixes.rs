//! Prefixes of tokens, and URLs whose path is the secret.
//!
//! Source: the rules of gitleaks (<https://github.com/gitleaks/gitleaks>, `config/gitleaks.toml`), and the
//! documentation of those that issue the tokens. Only the published first characters and lengths are taken.
//! The licence of gitleaks is MIT, copyright (c) 2019 Zachary Rice.

use super::tokens::{url_safe, url_safe_or_dot, url_safe_or_equals};
use crate::redact::base64::is_base64_char;
use crate::redact::rules::Rule;

/// A token recognised by its first characters, or by characters inside.
pub(super) struct Prefix {
    pub(super) text: &'static str,
    pub(super) rule: Rule,
    /// Minimum number of characters that follow.
    pub(super) shortest: usize,
    pub(super) charset: fn(u8) -> bool,
}

const fn prefix(text: &'static str, shortest: usize, charset: fn(u8) -> bool) -> Prefix {
    Prefix { text, rule: Rule::Token, shortest, charset }
}

const fn cloud_key(text: &'static str, shortest: usize, charset: fn(u8) -> bool) -> Prefix {
    Prefix { text, rule: Rule::CloudKey, shortest, charset }
}

/// A hash of a password, in the form of crypt(5) and of the libraries that follow it.
const fn password_hash(text: &'static str, charset: fn(u8) -> bool) -> Prefix {
    Prefix { text, rule: Rule::Token, shortest: 20, charset }
}

/// Of two prefixes, one of which begins with the other, the longer one is first.
pub(super) const PREFIXES: &[Prefix] = &[
    password_hash("$1$", of_crypt),
    password_hash("$2a$", of_crypt),
    password_hash("$2b$", of_crypt),
    password_hash("$2x$", of_crypt),
    password_hash("$2y$", of_crypt),
    password_hash("$3$", of_crypt),
    password_hash("$5$", of_crypt),
    password_hash("$6$", of_crypt),
    password_hash("$7$", of_crypt),
    password_hash("$8$", of_crypt),
    password_hash("$9$", of_crypt),
    password_hash("$apr1$", of_crypt),
    password_hash("$argon2d$", of_phc),
    password_hash("$argon2i$", of_phc),
    password_hash("$argon2id$", of_phc),
    password_hash("$gy$", of_crypt),
    password_hash("$H$", of_crypt),
    password_hash("$md5$", of_crypt),
    password_hash("$P$", of_crypt),
    password_hash("$pbkdf2$", of_phc),
    password_hash("$pbkdf2-sha256$", of_phc),
    password_hash("$pbkdf2-sha512$", of_phc),
    password_hash("$S$", of_crypt),
    password_hash("$scrypt$", of_phc),
    password_hash("$sha1$", of_crypt),
    password_hash("$y$", of_crypt),
    password_hash("pbkdf2_sha256$", of_phc),
    password_hash("pbkdf2:sha", of_phc_or_colon),
    password_hash("scrypt:", of_phc_or_colon),
    password_hash("SCRAM-SHA-256$", of_phc_or_colon),
    password_hash("{CRYPT}", of_crypt),
    password_hash("{SSHA}", of_phc),
    password_hash("{SSHA256}", of_phc),
    password_hash("{SSHA512}", of_phc),
    cloud_key("A3T", 17, capital),
    cloud_key("ABIA", 16, capital),
    cloud_key("ACCA", 16, capital),
    cloud_key("AIza", 30, url_safe),
    cloud_key("AKIA", 16, capital),
    cloud_key("ASIA", 16, capital),
    prefix("1//", 24, url_safe),
    prefix("4/0A", 20, url_safe),
    prefix("A3-", 24, url_safe),
    prefix("ABSK", 60, is_base64_char),
    prefix("access-production-", 30, url_safe),
    prefix("access-sandbox-", 30, url_safe),
    prefix("AGE-SECRET-KEY-", 30, capital),
    prefix("AKCp", 40, word),
    prefix("API-", 26, capital),
    prefix("api_org_", 30, word),
    prefix("AQVN", 30, url_safe),
    prefix("ATATT", 30, url_safe_or_equals),
    prefix("ATBB", 24, word),
    prefix("ATCTT", 30, url_safe_or_equals),
    prefix("BBDC-", 20, is_base64_char),
    prefix("bedrock-api-key-", 20, is_base64_char),
    prefix("bkua_", 30, hex),
    prefix("cfp_", 30, word),
    prefix("CLOJARS_", 30, word),
    prefix("cmVmd", 50, word),
    prefix("dapi", 32, url_safe),
    prefix("dckr_oat_", 16, url_safe),
    prefix("dckr_pat_", 16, url_safe),
    prefix("dnkey-", 30, url_safe),
    prefix("doo_v1_", 30, word),
    prefix("dop_v1_", 30, word),
    prefix("dor_v1_", 30, word),
    prefix("dp.ct.", 20, word),
    prefix("dp.pt.", 20, word),
    prefix("dp.sa.", 20, url_safe_or_dot),
    prefix("dp.scim.", 20, word),
    prefix("dp.st.", 20, url_safe_or_dot),
    prefix("dt0c01.", 20, url_safe_or_dot),
    prefix("dt0s01.", 20, url_safe_or_dot),
    prefix("dt0s02.", 20, url_safe_or_dot),
    prefix("dt0s08.", 20, url_safe_or_dot),
    prefix("dt0s16.", 20, url_safe_or_dot),
    prefix("duffel_live_", 30, url_safe_or_equals),
    prefix("duffel_test_", 30, url_safe_or_equals),
    prefix("EAAA", 40, url_safe),
    prefix("EAAC", 60, word),
    prefix("EAAM", 60, word),
    prefix("eyJrIjoi", 40, is_base64_char),
    prefix("EZAK", 40, word),
    prefix("EZTK", 40, word),
    prefix("figd_", 30, url_safe),
    prefix("figo_", 30, url_safe),
    prefix("figoh_", 30, url_safe),
    prefix("figor_", 30, url_safe),
    prefix("figu_", 30, url_safe),
    prefix("fio-u-", 30, url_safe_or_equals),
    prefix("FLWSECK_TEST-", 12, url_safe),
    prefix("FLWSECK", 12, url_safe),
    prefix("fm1a_", 40, is_base64_char),
    prefix("fm1r_", 40, is_base64_char),
    prefix("fm2_", 40, is_base64_char),
    prefix("fo1_", 30, url_safe),
    prefix("FQoGZXIvYXdz", 20, is_base64_char),
    prefix("FwoGZXIvYXdz", 20, is_base64_char),
    prefix("gho_", 20, word),
    prefix("ghp_", 20, word),
    prefix("ghr_", 20, word),
    prefix("ghs_", 20, word),
    prefix("ghu_", 20, word),
    prefix("gitea_", 30, word),
    prefix("github_pat_", 20, word),
    prefix("glagent-", 20, url_safe),
    prefix("glc_", 30, is_base64_char),
    prefix("glcbt-", 16, url_safe),
    prefix("gldt-", 16, url_safe),
    prefix("glffct-", 16, url_safe),
    prefix("glft-", 16, url_safe),
    prefix("glimt-", 16, url_safe),
    prefix("gloas-", 16, url_safe),
    prefix("glpat-", 16, url_safe_or_dot),
    prefix("glptt-", 16, url_safe),
    prefix("glrt-", 16, url_safe_or_dot),
    prefix("glrtr-", 16, url_safe_or_dot),
    prefix("glsa_", 16, word),
    prefix("glsoat-", 16, url_safe),
    prefix("glwt-", 16, url_safe),
    prefix("GOCSPX-", 16, url_safe),
    prefix("GR1348941", 16, url_safe),
    prefix("hf_", 30, word),
    prefix("HRKU-AA", 30, url_safe),
    prefix("hvb.", 20, url_safe),
    prefix("hvr.", 20, url_safe),
    prefix("hvs.", 20, url_safe),
    prefix("ico-", 30, word),
    prefix("IQoJb3JpZ2lu", 20, is_base64_char),
    prefix("key-", 32, hex),
    prefix("lin_api_", 30, word),
    prefix("lin_oauth_", 30, word),
    prefix("LTAI", 16, word),
    prefix("MFRA-", 16, url_safe),
    prefix("mlsn.", 30, word),
    prefix("nfp_", 30, word),
    prefix("npm_", 30, word),
    prefix("NRAK-", 20, url_safe),
    prefix("NRBR-", 15, url_safe),
    prefix("NRII-", 20, url_safe),
    prefix("NRIQ-", 20, url_safe),
    prefix("NRJS-", 15, hex),
    prefix("NRRA-", 20, url_safe),
    prefix("ntn_", 30, word),
    prefix("nvapi-", 30, url_safe),
    prefix("ops_eyJ", 40, is_base64_char),
    prefix("p8e-", 30, word),
    prefix("pat-", 30, url_safe),
    prefix("pcsk_", 30, word),
    prefix("phc_", 30, word),
    prefix("phx_", 30, word),
    prefix("PMAK-", 30, url_safe),
    prefix("PMAT-", 20, url_safe),
    prefix("pnu_", 30, word),
    prefix("pplx-", 30, word),
    prefix("pscale_oauth_", 20, url_safe_or_dot),
    prefix("pscale_pw_", 20, url_safe_or_dot),
    prefix("pscale_tkn_", 20, url_safe_or_dot),
    prefix("pul-", 30, word),
    prefix("pypi-", 30, url_safe),
    prefix("r8_", 30, word),
    prefix("rdme_", 30, word),
    prefix("rk_live_", 10, word),
    prefix("rk_test_", 10, word),
    prefix("rpa_", 30, word),
    prefix("rubygems_", 30, word),
    prefix("s-s4t2af-", 30, word),
    prefix("s-s4t2ud-", 30, word),
    prefix("sbp_", 30, word),
    prefix("SG.", 40, url_safe_or_dot),
    prefix("sgp_", 30, word),
    prefix("sha256~", 40, url_safe),
    prefix("shippo_live_", 30, word),
    prefix("shippo_test_", 30, word),
    prefix("shpat_", 20, word),
    prefix("shpca_", 20, word),
    prefix("shppa_", 20, word),
    prefix("shpss_", 20, word),
    prefix("sk-admin-", 16, url_safe),
    prefix("sk-ant-", 16, url_safe),
    prefix("sk-lf-", 16, url_safe),
    prefix("sk-or-", 16, url_safe),
    prefix("sk-proj-", 16, url_safe),
    prefix("sk-svcacct-", 16, url_safe),
    prefix("sk_live_", 10, word),
    prefix("sk_prod_", 10, word),
    prefix("sk_test_", 10, word),
    prefix("sl.", 100, url_safe_or_equals),
    prefix("sm_aat_", 16, word),
    prefix("sm_pat_", 16, word),
    prefix("sm_sat_", 16, word),
    prefix("sntrys_", 30, is_base64_char),
    prefix("sntryu_", 30, word),
    prefix("sq0atp-", 20, url_safe),
    prefix("sq0csp-", 20, url_safe),
    prefix("sqa_", 30, word),
    prefix("sqp_", 30, word),
    prefix("squ_", 30, word),
    prefix("tfp_", 30, url_safe_or_dot),
    prefix("tk-us-", 30, url_safe),
    prefix("tskey-", 16, url_safe),
    prefix("v1.0-", 100, url_safe),
    prefix("vercel_", 20, word),
    prefix("waka_", 30, url_safe),
    prefix("whsec_", 20, is_base64_char),
    prefix("xai-", 40, word),
    prefix("xapp-", 16, url_safe),
    prefix("xkeysib-", 30, url_safe),
    prefix("xoxa-", 10, url_safe),
    prefix("xoxb-", 10, url_safe),
    prefix("xoxc-", 10, url_safe),
    prefix("xoxd-", 10, url_encoded),
    prefix("xoxe-", 10, url_safe),
    prefix("xoxe.", 10, url_safe_or_dot),
    prefix("xoxo-", 10, url_safe),
    prefix("xoxp-", 10, url_safe),
    prefix("xoxr-", 10, url_safe),
    prefix("xoxs-", 10, url_safe),
    prefix("ya29.", 12, url_safe_or_dot),
    prefix("YCAJ", 30, url_safe),
    // URLs: the path is the secret.
    prefix("alert.victorops.com/integrations/", 8, path),
    prefix("api.flowdock.com/messages/", 8, path),
    prefix("api.telegram.org/bot", 8, path),
    prefix("api.telegram.org/file/bot", 8, path),
    prefix("automation.atlassian.com/pro/hooks/", 8, path),
    prefix("chat.googleapis.com/v1/spaces/", 8, path),
    prefix("discord.com/api/webhooks/", 8, path),
    prefix("discordapp.com/api/webhooks/", 8, path),
    prefix("events.pagerduty.com/generic/", 8, path),
    prefix("events.pagerduty.com/integration/", 8, path),
    prefix("hc-ping.com/", 8, path),
    prefix("hook.eu1.make.com/", 8, path),
    prefix("hook.eu2.make.com/", 8, path),
    prefix("hook.integromat.com/", 8, path),
    prefix("hook.us1.make.com/", 8, path),
    prefix("hooks.airtable.com/workflows/", 8, path),
    prefix("hooks.glip.com/webhook/", 8, path),
    prefix("hooks.slack.com/services/", 8, path),
    prefix("hooks.slack.com/triggers/", 8, path),
    prefix("hooks.slack.com/workflows/", 8, path),
    prefix("hooks.zapier.com/hooks/", 8, path),
    prefix("maker.ifttt.com/trigger/", 8, path),
    prefix("open.feishu.cn/open-apis/bot/v2/hook/", 8, path),
    prefix("open.larksuite.com/open-apis/bot/v2/hook/", 8, path),
    prefix("outlook.office.com/webhook/", 8, path),
    prefix("outlook.office365.com/webhook/", 8, path),
    prefix("webexapis.com/v1/webhooks/incoming/", 8, path),
    prefix("webhook.office.com/webhookb2/", 8, path),
    prefix("webhook.site/", 8, path),
    prefix("/api/webhooks/", 16, path),
    prefix("/hooks/catch/", 16, path),
    // Of Mattermost, and of Rocket.Chat, whose token is behind an identifier.
    prefix("/hooks/", 22, small_or_path),
    prefix("/IncomingWebhook/", 16, path),
    prefix("/services/collector/", 16, path),
    prefix("/webhooks/incoming/", 16, path),
];

/// Characters inside a token: of an Azure AD client secret, of an `OpenAI` key, of a Telegram bot.
pub(super) const INFIXES: &[Prefix] = &[
    prefix("Q~", 30, azure),
    prefix("T3BlbkFJ", 16, url_safe),
    prefix(":AA", 30, url_safe),
    prefix(".atlasv1.", 30, url_safe_or_dot),
];

fn of_crypt(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'$' | b'=')
}

/// The string format of the Password Hashing Competition, and base64.
fn of_phc(byte: u8) -> bool {
    of_crypt(byte) || matches!(byte, b'+' | b',' | b'-' | b'_')
}

fn of_phc_or_colon(byte: u8) -> bool {
    of_phc(byte) || byte == b':'
}

fn azure(byte: u8) -> bool {
    url_safe_or_dot(byte) || byte == b'~'
}

fn path(byte: u8) -> bool {
    url_safe(byte) || matches!(byte, b'/' | b'@' | b'.' | b'%' | b'+' | b':')
}

/// Not the words of a file name, such as that of a hook of git.
fn small_or_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'/'
}

fn capital(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

fn url_encoded(byte: u8) -> bool {
    url_safe(byte) || byte == b'%'
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
