//! What overrides.yaml says about virtual hosts, with the place of each statement.
//!
//! Only what the checks and the diff of the remedy need: the file's text never enters the evidence, because it may
//! hold passwords and keys. Places are 1-based lines and columns.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::evidence::part::{Extent, Gap, Kind, Part, Visit, Visitor};
use crate::evidence::{Seen, Source};

/// One file that was given with `-f`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OverridesFile {
    /// As the user gave it; `-` for standard input.
    pub name: String,
    /// The content, or why the file could not be opened or read at all.
    pub content: Seen<Overrides>,
}

/// What was understood of a file. A malformed file has `faults` and whatever came before them.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Overrides {
    pub org: Option<Placed<String>>,
    pub namespace: Option<Placed<String>>,
    pub virtual_hosts: Vec<VirtualHost>,
    /// Names of `ingressGateways[]`.
    pub ingress_gateways: Vec<Placed<String>>,
    /// What is wrong with the file itself, in the order of the file.
    pub faults: Vec<OverridesFault>,
    /// Number of further faults that were found and not kept.
    #[serde(default)]
    pub faults_left_out: u64,
    #[serde(default)]
    pub line_ends: LineEnds,
}

/// How the lines of the file end: a diff has to repeat it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LineEnds {
    /// Lines end in CR LF.
    pub crlf: bool,
    /// The last line, where the file ends without a line end.
    pub unterminated: Option<u32>,
}

/// One entry of `virtualhosts[]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VirtualHost {
    /// Where the entry begins.
    pub place: Place,
    /// The environment group.
    pub name: Option<Placed<String>>,
    /// `selector.ingress_name`.
    pub ingress_name: Option<Placed<String>>,
    pub additional_gateways: Gateways,
    pub ssl_secret: Option<Placed<String>>,
    pub ssl_cert_path: Option<Placed<String>>,
    pub ssl_key_path: Option<Placed<String>>,
}

/// The `additionalGateways` of a virtual host, with what is needed to change just that in the user's own file.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gateways {
    pub names: Vec<Placed<String>>,
    pub form: GatewaysForm,
}

/// How the list stands in the file.
///
/// Lists that are the same text (an alias, a merge key) have the same line: one edit serves all of them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum GatewaysForm {
    /// The key is not there. A new line may be put after line `after`, with `indentation` blanks.
    Absent { after: u32, indentation: u32 },
    /// A block sequence whose last item stands on line `line`; `text` is that line up to the end of the item, without
    /// a comment that may follow. A new item may be put below.
    Block { line: u32, text: String },
    /// A flow sequence, or no value at all, that stands with its key on the whole of line `line`, `text` being that
    /// line without its line end. A line with a comment is never kept.
    Flow { line: u32, text: String },
    /// Any other form (several lines, one line with other keys, not a list): to be changed by hand at `place`.
    Other { place: Place },
}

/// What is wrong with a file.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OverridesFault {
    pub kind: FaultKind,
    pub place: Place,
    /// The path of keys, as `virtualhosts[0].additionalGateways`; empty for the file itself.
    pub path: String,
    /// What was found there. Never a value that may be secret.
    pub observed: String,
    pub expected: String,
}

/// The kinds of fault, each the business of one check.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultKind {
    DuplicateKey,
    DuplicateVirtualHost,
    /// Not YAML, not UTF-8, a tab as indentation, a limit passed, not a mapping.
    Malformed,
    SeveralDocuments,
    UnknownKey,
    WrongType,
}

/// A value and where it stands.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Placed<T> {
    pub value: T,
    pub place: Place,
}

/// A 1-based line and column.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Place {
    pub line: u32,
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl OverridesFile {
    /// Name for a person: `standard input` for `-`.
    #[must_use]
    pub fn title(&self) -> &str {
        if self.name == "-" { "standard input" } else { &self.name }
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

    /// The user gives them.
    fn sources(&self) -> &'static [Source] {
        &[]
    }

    fn unasked(_why: &str) -> Self {
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

impl Visit for Overrides {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { org, namespace, virtual_hosts, ingress_gateways, faults, faults_left_out: _, line_ends } = self;
        org.visit(visitor);
        namespace.visit(visitor);
        virtual_hosts.visit(visitor);
        ingress_gateways.visit(visitor);
        faults.visit(visitor);
        let LineEnds { crlf: _, unterminated: _ } = line_ends;
    }
}

impl Visit for VirtualHost {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { place: _, name, ingress_name, additional_gateways, ssl_secret, ssl_cert_path, ssl_key_path } = self;
        for value in [name, ingress_name, ssl_secret, ssl_cert_path, ssl_key_path] {
            value.visit(visitor);
        }
        additional_gateways.visit(visitor);
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

/// Values of an overrides file: names of objects, paths of files.
impl Visit for Placed<String> {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let Self { value, place: _ } = self;
        visitor.string(Kind::Text, value);
    }
}
