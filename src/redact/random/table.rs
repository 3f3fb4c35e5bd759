//! What the last pass knows of harmless tokens: the words around them, and the letter pairs of readable text.

/// Words before a token that say what it is, whatever its characters. In lower case, without punctuation;
/// each is compared with the end of a word, so that `requestid` covers `x-request-id`.
pub(super) const NAMES_OF_IDENTIFIERS: &[&str] = &[
    "amzid2",
    "auditid",
    "certificateauthoritydata",
    "checksum",
    "commit",
    "containerid",
    "correlationid",
    "digest",
    "etag",
    "fingerprint",
    "generatename",
    "imageid",
    "insertid",
    "integrity",
    "ja3",
    "ja4",
    "keyid",
    "keyidentifier",
    "messageid",
    "modulus",
    "nonce",
    "operationid",
    "parentid",
    "peermetadata",
    "requestid",
    "resourceversion",
    "revision",
    "sandbox",
    "serial",
    "serialnumber",
    "spanid",
    "thumbprint",
    "traceid",
    "traceparent",
    "transactionid",
    "uid",
    "uuid",
];

/// Words before a token of hexadecimal digits, or of small letters and digits, that say what it is.
pub(super) const NAMES_OF_HASHES: &[&str] = &[
    "b3",
    "build",
    "cloudtracecontext",
    "container",
    "containers",
    "containerd",
    "crio",
    "docker",
    "git",
    "hash",
    "id",
    "identifier",
    "image",
    "insertid",
    "instance",
    "kid",
    "layer",
    "md5",
    "name",
    "namespace",
    "node",
    "parent",
    "pod",
    "ref",
    "release",
    "replicaset",
    "rev",
    "scope",
    "serial",
    "service",
    "sha",
    "sha1",
    "sha256",
    "sha384",
    "sha512",
    "span",
    "spans",
    "tag",
    "task",
    "trace",
    "traces",
    "version",
];

/// Words before base64 of a hash: `SHA256:…` of SSH, `sha512-…` of npm, `sha256/…` of a pinned key.
pub(super) const HASHES: &[&str] = &["sha1", "sha256", "sha384", "sha512"];

/// Words that make a name secret although it ends like one of an identifier.
pub(super) const SECRET_WORDS: &[&str] = &["auth", "cred", "key", "pass", "secret", "session", "token"];

/// Folders of runtimes, whose paths hold the hashes of containers and layers.
pub(super) const RUNTIME_FOLDERS: &[&str] = &["/var/", "/run/", "/sys/", "/proc/", "/tmp/"];

/// Domains below which the first label is a public identifier.
pub(super) const IDENTIFIER_DOMAINS: &[&str] = &[".apps.googleusercontent.com", ".iam.gserviceaccount.com"];

/// Pairs of letters that are frequent in the words of languages written in Latin letters. Three of four pairs
/// of a readable text are among them, and one of four of a random one.
const PAIRS: &str = "\
    ab ac ad ag ai al am an ap ar as at au av aw ax ay ba be bi bl bo br bu by ca ce ch ci ck cl co cr ct cu cy da dd \
    de di do dr ds du dy ea eb ec ed ee ef eg ei el em en ep eq er es et eu ev ew ex ey fa fe ff fi fl fo fr ft fu ga \
    ge gg gh gi gl gn go gr gs gu ha he hi ho hr ht hy ia ib ic id ie if ig il im in io ip ir is it iv iz ja jo ju ka \
    ke kg ki km kn ks kt la ld le lf li lk ll lo ls lt lu lv ly ma me mi ml mm mo mp ms mu my na nc nd ne nf ng ni nk \
    nn no ns nt nu ny oa ob oc od of og oi ok ol om on oo op or os ot ou ov ow pa pe ph pi pl po pp pr ps pt pu qu ra \
    rc rd re rf rg ri rk rl rm rn ro rr rs rt ru rv ry sa sc se sh si sk sl sm sn so sp ss st su sw sy ta tc te th ti \
    tl to tr ts tt tu tw ty ua ub uc ud ue uf ui ul um un up ur us ut va ve vi vo vs wa we wh wi wo wr ws xp xt ye ys \
    za ze";

/// Whether a pair of letters is frequent, by `26 × first + second`.
pub(super) static IS_FREQUENT: [bool; 26 * 26] = frequent();

const fn frequent() -> [bool; 26 * 26] {
    let pairs = PAIRS.as_bytes();
    let mut table = [false; 26 * 26];
    let mut at = 0;
    while at + 1 < pairs.len() {
        if pairs[at] == b' ' {
            at += 1;
            continue;
        }
        table[(pairs[at] - b'a') as usize * 26 + (pairs[at + 1] - b'a') as usize] = true;
        at += 2;
    }
    table
}
