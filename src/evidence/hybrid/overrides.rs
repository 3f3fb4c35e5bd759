//! Virtual hosts and ingress gateways of overrides.yaml, with the [`Position`] of each value.
//!
//! Holds only what the checks and the diff of the remedy need. The file's text never enters the evidence,
//! because it may contain passwords and keys.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mesh_logging::MeshLogging;
use crate::evidence::part::{Extent, Gap, Kind, Part, Visit, Visitor};
use crate::evidence::{Seen, Source};

/// One file given with `-f`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OverridesFile {
    /// Path as the user gave it; `-` for standard input.
    pub name: String,
    /// The content, or why the file could not be opened or read.
    pub content: Seen<Overrides>,
}

/// The parsed content of a file. A malformed file has `faults` and the content before them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Overrides {
    pub org: Option<Positioned<String>>,
    pub namespace: Option<Positioned<String>>,
    pub virtual_hosts: Vec<VirtualHost>,
    /// Names of `ingressGateways[]`.
    pub ingress_gateways: Vec<Positioned<String>>,
    /// Position of `virtualhosts` that is an empty list or has no value: helm takes it in place of the list
    /// of an earlier file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty_virtual_hosts: Option<Position>,
    /// Position of `org` without a value, or with an empty one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty_org: Option<Position>,
    /// Like `empty_virtual_hosts`, for `ingressGateways`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty_ingress_gateways: Option<Position>,
    /// The access-log settings that the chart renders of `istiod.accessLogFormat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_log: Option<MeshLogging>,
    /// The first `envs[].hostAlias` or `envs[].hostAliases`, which only the layouts of hybrid 1.1 and 1.2
    /// have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_alias: Option<Position>,
    /// Faults of the file itself, in the order of the file.
    pub faults: Vec<OverridesFault>,
    /// Number of faults beyond the limit.
    #[serde(default)]
    pub faults_left_out: u64,
    #[serde(default)]
    pub line_ends: LineEnds,
    /// Number of lines; 0 if unknown.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lines: u32,
    /// Lines around the lists of gateways, for the context of a diff. Each holds only keys, and values that
    /// are also in the other fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<ContextLine>,
}

/// A line of the file.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContextLine {
    pub line: u32,
    /// Without the line end.
    pub text: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// How the lines of the file end. A diff has to repeat it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LineEnds {
    /// Lines end in CR LF.
    pub crlf: bool,
    /// Number of the last line, if the file ends without a line end.
    pub unterminated: Option<u32>,
}

/// One entry of `virtualhosts[]`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VirtualHost {
    /// Position of the entry.
    pub place: Position,
    /// The environment group.
    pub name: Option<Positioned<String>>,
    /// `selector.ingress_name`.
    pub ingress_name: Option<Positioned<String>>,
    pub additional_gateways: Gateways,
    pub ssl_secret: Option<Positioned<String>>,
    pub ssl_cert_path: Option<Positioned<String>>,
    pub ssl_key_path: Option<Positioned<String>>,
    /// Absent in evidence of an older version, which did not record them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<HostSettings>,
}

/// Settings of a virtual host that decide how the gateway serves it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostSettings {
    /// False for an empty `selector`, which the chart treats as absent.
    pub has_selector: bool,
    /// `selector.app`.
    pub app: Option<Positioned<String>>,
    pub tls_mode: Option<Positioned<String>>,
    pub ca_cert_path: Option<Positioned<String>>,
    /// `minTLSProtocolVersion`.
    pub min_version: Option<Positioned<String>>,
    /// `maxTLSProtocolVersion`.
    pub max_version: Option<Positioned<String>>,
    pub cipher_suites: Vec<Positioned<String>>,
    /// The keys that only hybrid 1.2 reads: `hostAliases`, `routingRules`.
    pub old_keys: Vec<Positioned<String>>,
}

/// The `additionalGateways` of a virtual host, with what a diff of this list in the user's file needs.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gateways {
    pub names: Vec<Positioned<String>>,
    pub form: GatewaysForm,
}

/// How the list is written in the file.
///
/// Lists from the same text (by an alias or a merge key) have the same line, so that one edit changes all of
/// them.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum GatewaysForm {
    /// The key is absent. A new line can be inserted after line `after`, indented by `indentation` spaces.
    Absent { after: u32, indentation: u32 },
    /// A block sequence whose last item is on line `line`; `text` is that line up to the end of the item,
    /// without a trailing comment. A new item can be inserted below.
    Block { line: u32, text: String },
    /// A flow sequence, or no value, that fills line `line` together with its key; `text` is that line
    /// without its line end. A line with a comment is never kept.
    Flow { line: u32, text: String },
    /// Any other form (several lines, one line with other keys, not a list), to be changed by hand at
    /// `place`.
    Other { place: Position },
}

/// One fault of a file.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OverridesFault {
    pub kind: FaultKind,
    pub place: Position,
    /// Path of keys, such as `virtualhosts[0].additionalGateways`; empty for the file itself.
    pub path: String,
    /// What the file has there; never a value that may be secret.
    pub observed: String,
    pub expected: String,
}

/// The kinds of fault. One check reports each kind.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultKind {
    DuplicateKey,
    DuplicateVirtualHost,
    /// Not YAML, not UTF-8, a tab in the indentation, aliases without end, not a mapping.
    Malformed,
    /// A placeholder of a deployment tool that was not filled. Without a path it is a whole line, which may
    /// stand for anything.
    Placeholder,
    SeveralDocuments,
    /// A part beyond a limit of this program, which was not judged. The file may be valid.
    Unjudged,
    UnknownKey,
    WrongType,
}

/// A value with its position in the file.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Positioned<T> {
    pub value: T,
    pub place: Position,
}

/// A line and a column in a file, both counted from 1.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A position in one of several overrides files; as text and in JSON, `overrides.yaml:14:5`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(from = "String", into = "String")]
#[schemars(with = "String")]
pub struct OverridesPlace {
    /// [`OverridesFile::name`] of the file.
    pub file: String,
    /// Absent if the text that was read has none.
    pub position: Option<Position>,
}

impl OverridesPlace {
    #[must_use]
    pub fn new(file: &OverridesFile, position: Position) -> Self {
        Self { file: file.name.clone(), position: Some(position) }
    }

    /// Returns the display name of the file.
    #[must_use]
    pub fn title(&self) -> &str {
        title(&self.file)
    }
}

impl From<String> for OverridesPlace {
    fn from(text: String) -> Self {
        let mut parts = text.rsplitn(3, ':');
        let column = parts.next().and_then(|column| column.parse().ok());
        let line = parts.next().and_then(|line| line.parse().ok());
        match (parts.next(), line, column) {
            (Some(file), Some(line), Some(column)) => {
                Self { file: file.to_owned(), position: Some(Position { line, column }) }
            }
            _ => Self { file: text, position: None },
        }
    }
}

impl From<OverridesPlace> for String {
    fn from(place: OverridesPlace) -> Self {
        match place.position {
            Some(position) => format!("{}:{position}", place.file),
            None => place.file,
        }
    }
}

/// Returns the display name of an overrides file: `standard input` for `-`, else the path.
fn title(name: &str) -> &str {
    if name == "-" { "standard input" } else { name }
}

impl OverridesFile {
    /// Returns whether the name leads nowhere after the run: standard input, or a pipe of the shell such as
    /// `<(gpg -d FILE)`.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        let folders = ["/dev/fd/", "/proc/self/fd/"];
        matches!(self.name.as_str(), "-" | "/dev/stdin") || folders.iter().any(|folder| self.name.starts_with(folder))
    }

    /// Returns the display name: `standard input` for `-`, else the path.
    #[must_use]
    pub fn title(&self) -> &str {
        title(&self.name)
    }

    fn gap(&self) -> Option<Gap<'_>> {
        let why = self.content.unavailable()?;
        Some(Gap { source: None, extent: Extent::Item, what: Cow::Borrowed(self.title()), why, reported: true })
    }
}

impl Part for Vec<OverridesFile> {
    fn name(&self) -> &'static str {
        "overrides"
    }

    /// Empty: the user gives the files.
    fn sources(&self) -> &'static [Source] {
        &[]
    }

    fn not_gathered(_why: &str) -> Self {
        Self::new()
    }

    fn gaps(&self) -> Vec<Gap<'_>> {
        self.iter().filter_map(OverridesFile::gap).collect()
    }
}

impl Visit for OverridesFile {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { name, content } = self;
        visitor.string(Kind::File, name);
        content.visit(visitor);
    }
}

impl Visit for OverridesPlace {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { file, position: _ } = self;
        visitor.string(Kind::File, file);
    }
}

impl Visit for Overrides {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            org,
            namespace,
            virtual_hosts,
            ingress_gateways,
            empty_virtual_hosts: _,
            empty_org: _,
            empty_ingress_gateways: _,
            access_log,
            environment_alias: _,
            faults,
            faults_left_out: _,
            line_ends,
            lines: _,
            context,
        } = self;
        org.visit(visitor);
        namespace.visit(visitor);
        virtual_hosts.visit(visitor);
        ingress_gateways.visit(visitor);
        access_log.visit(visitor);
        faults.visit(visitor);
        let LineEnds { crlf: _, unterminated: _ } = line_ends;
        context.visit(visitor);
    }
}

impl Visit for ContextLine {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { line: _, text } = self;
        visitor.string(Kind::Text, text);
    }
}

impl Visit for VirtualHost {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self {
            place: _,
            name,
            ingress_name,
            additional_gateways,
            ssl_secret,
            ssl_cert_path,
            ssl_key_path,
            settings,
        } = self;
        for value in [name, ingress_name, ssl_secret, ssl_cert_path, ssl_key_path] {
            value.visit(visitor);
        }
        additional_gateways.visit(visitor);
        settings.visit(visitor);
    }
}

impl Visit for HostSettings {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { has_selector: _, app, tls_mode, ca_cert_path, min_version, max_version, cipher_suites, old_keys } =
            self;
        for value in [app, tls_mode, ca_cert_path, min_version, max_version] {
            value.visit(visitor);
        }
        cipher_suites.visit(visitor);
        old_keys.visit(visitor);
    }
}

impl Visit for Gateways {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { names, form } = self;
        names.visit(visitor);
        form.visit(visitor);
    }
}

impl Visit for GatewaysForm {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        match self {
            Self::Block { line: _, text } | Self::Flow { line: _, text } => visitor.string(Kind::Text, text),
            Self::Absent { after: _, indentation: _ } | Self::Other { place: _ } => {}
        }
    }
}

impl Visit for OverridesFault {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { kind: _, place: _, path, observed, expected } = self;
        visitor.strings(Kind::Text, [path, observed, expected]);
    }
}

/// Values of an overrides file are names of objects and paths of files.
impl Visit for Positioned<String> {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { value, place: _ } = self;
        visitor.string(Kind::Text, value);
    }
}
