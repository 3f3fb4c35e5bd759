//! The layout of a bundle: names, order, and which paths are allowed.
//!
//! The same rules apply to writing and reading. A path that unpacks differently on Linux, Windows and macOS
//! is rejected by both. This file opens nothing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::text::visible_start;

/// The manifest, always the first entry.
pub const MANIFEST: &str = "manifest.json";
/// The page to read first.
pub const README: &str = "README.md";
pub const REPORT_TEXT: &str = "report.txt";
pub const REPORT_HTML: &str = "report.html";
pub const REPORT_JSON: &str = "report.json";
/// The evidence, as `--write-evidence` writes it.
pub const EVIDENCE: &str = "evidence.json";

/// Extension of a bundle's file.
pub const EXTENSION: &str = ".tar.gz";

/// Maximum number of bytes of a path below the top-level folder.
pub(crate) const MAX_PATH_BYTES: usize = 512;

/// Maximum number of bytes of one part of a path, as file systems allow.
pub(crate) const MAX_SEGMENT_BYTES: usize = 255;

/// Maximum number of parts of a path below the top-level folder.
pub(crate) const MAX_DEPTH: usize = 8;

/// Files of the top-level folder in reading order; folders follow.
const FIRST: [&str; 6] = [MANIFEST, README, REPORT_TEXT, REPORT_HTML, REPORT_JSON, EVIDENCE];

/// The name of a bundle, of its top-level folder and of its file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BundleName {
    context: Option<String>,
    namespace: String,
    collected_at: Timestamp,
    text: String,
}

impl BundleName {
    /// Returns `apigee-tls-<context>-<namespace>-<UTC>`, with context and namespace made safe for a file
    /// name.
    #[must_use]
    pub fn new(context: Option<&str>, namespace: &str, collected_at: Timestamp) -> Self {
        Self::with_suffix(context, namespace, collected_at, "")
    }

    /// Returns a name with a number, for contexts of one run whose names become equal when made safe.
    #[must_use]
    pub fn numbered(&self, number: usize) -> Self {
        Self::with_suffix(self.context(), &self.namespace, self.collected_at, &format!("-{number}"))
    }

    fn with_suffix(context: Option<&str>, namespace: &str, collected_at: Timestamp, suffix: &str) -> Self {
        let part = |part: &str, most: usize| {
            let safe = safe(part, most);
            if safe.is_empty() { "unnamed".to_owned() } else { safe }
        };
        let of_context = part(context.unwrap_or(NO_CONTEXT), MAX_NAME_PART.saturating_sub(suffix.len()));
        let of_namespace = part(namespace, MAX_NAME_PART);
        let time = collected_at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ");
        let text = format!("apigee-tls-{of_context}-{of_namespace}-{time}{suffix}");
        Self { context: context.map(str::to_owned), namespace: namespace.to_owned(), collected_at, text }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the original name of the kubeconfig context.
    #[must_use]
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// Returns the original namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    #[must_use]
    pub fn collected_at(&self) -> Timestamp {
        self.collected_at
    }

    /// Returns `<name>.tar.gz`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}{EXTENSION}", self.text)
    }
}

/// Makes any text an allowed part of a path: each run of characters other than ASCII letters, digits, `.`,
/// `_` and `-` becomes `-`.
///
/// Two texts may give the same part; where that can happen, put a number before it.
#[must_use]
pub fn segment(text: &str) -> String {
    let safe = safe(text, MAX_SAFE_SEGMENT);
    if safe.is_empty() { "unnamed".to_owned() } else { safe }
}

/// Why a path may not be in a bundle. Texts read after the path and "may not be in a bundle: ".
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PathFault {
    #[error("it is empty or has an empty part")]
    Empty,
    #[error("it is absolute")]
    Absolute,
    #[error("it has a part `.` or `..`")]
    Dots,
    #[error("it holds a backslash")]
    Backslash,
    #[error("it holds a control character")]
    Control,
    #[error("it holds a character that some systems do not allow in names")]
    Reserved,
    #[error("a part of it ends with a dot or a space, or is a device name on Windows")]
    WindowsName,
    #[error("it is longer than {MAX_PATH_BYTES} bytes, or a part of it is longer than {MAX_SEGMENT_BYTES}")]
    Long,
    #[error("it has more than {MAX_DEPTH} parts")]
    Deep,
    #[error("it occurs twice")]
    Twice,
    #[error("another path differs only in upper and lower case")]
    OnlyCase,
    #[error("it is a folder of another path, or one of its folders is a file")]
    FileAndFolder,
}

/// Validates a path below the top-level folder.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(path: &str) -> Result<(), PathFault> {
    check_parts(path)?;
    if path.len() > MAX_PATH_BYTES {
        return Err(PathFault::Long);
    }
    if path.split('/').count() > MAX_DEPTH {
        return Err(PathFault::Deep);
    }
    Ok(())
}

/// Validates each part of a path, whatever its total length.
pub(crate) fn check_parts(path: &str) -> Result<(), PathFault> {
    if path.starts_with('/') {
        return Err(PathFault::Absolute);
    }
    path.split('/').try_for_each(check_segment)
}

/// Validates one part of a path.
///
/// # Errors
/// The first rule that it breaks.
pub fn check_segment(part: &str) -> Result<(), PathFault> {
    const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];
    if part.is_empty() {
        return Err(PathFault::Empty);
    }
    if part == "." || part == ".." {
        return Err(PathFault::Dots);
    }
    if part.len() > MAX_SEGMENT_BYTES {
        return Err(PathFault::Long);
    }
    if part.contains('\\') {
        return Err(PathFault::Backslash);
    }
    if part.contains(char::is_control) {
        return Err(PathFault::Control);
    }
    if part.contains(['/', ':', '*', '?', '"', '<', '>', '|']) {
        return Err(PathFault::Reserved);
    }
    // Windows takes `com1.txt` for the device `com1`.
    let stem = part.split('.').next().unwrap_or(part).trim_end().to_ascii_lowercase();
    let device = DEVICES.iter().any(|device| match stem.strip_prefix(device) {
        Some("") => !matches!(*device, "com" | "lpt"),
        Some(number) => matches!(*device, "com" | "lpt") && number.len() == 1 && number != "0",
        None => false,
    });
    if device || part.ends_with(['.', ' ']) {
        return Err(PathFault::WindowsName);
    }
    Ok(())
}

/// A set of paths that do not collide on any file system.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    exact: BTreeSet<String>,
    /// Paths in lower case, for file systems that ignore case.
    folded: BTreeSet<String>,
    folded_folders: BTreeSet<String>,
}

impl Paths {
    /// Returns the set with only the manifest, which is always present.
    pub(crate) fn with_manifest() -> Self {
        let own: BTreeSet<String> = [MANIFEST.to_owned()].into();
        Self { exact: own.clone(), folded: own, folded_folders: BTreeSet::new() }
    }

    /// Adds a path.
    ///
    /// # Errors
    /// The path is not allowed, or collides with another one.
    pub(crate) fn add(&mut self, path: &str) -> Result<(), PathFault> {
        check(path)?;
        if self.exact.contains(path) {
            return Err(PathFault::Twice);
        }
        let folded = path.to_lowercase();
        if self.folded.contains(&folded) {
            return Err(PathFault::OnlyCase);
        }
        let folders = folded.match_indices('/').map(|(at, _)| &folded[..at]);
        if self.folded_folders.contains(&folded) || folders.clone().any(|folder| self.folded.contains(folder)) {
            return Err(PathFault::FileAndFolder);
        }
        self.folded_folders.extend(folders.map(str::to_owned));
        self.exact.insert(path.to_owned());
        self.folded.insert(folded);
        Ok(())
    }
}

/// Sort key of a path in the archive: first [`FIRST`], then by path.
pub(crate) fn order(path: &str) -> (usize, &str) {
    (FIRST.iter().position(|first| *first == path).unwrap_or(FIRST.len()), path)
}

/// Shortens an untrusted text for an error: at most 120 characters, without hidden ones.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 120;
    visible_start(text, LONGEST)
}

/// Name in place of a context, if only files were judged.
const NO_CONTEXT: &str = "files";

/// Maximum length of context and namespace in a name. With both, the top-level folder has 155 bytes, which
/// fits a tar header.
const MAX_NAME_PART: usize = 63;

/// Maximum length of [`segment`]; leaves room for a number and an extension.
const MAX_SAFE_SEGMENT: usize = 200;

/// Makes a text safe. If it is too long, keeps its end: cluster names at Amazon and Google share their
/// beginning.
fn safe(text: &str, most: usize) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-') {
            safe.push(char);
        } else if !safe.ends_with('-') {
            safe.push('-');
        }
    }
    // Only ASCII is left, so every index is a character boundary.
    let end = &safe[safe.len().saturating_sub(most)..];
    let end = end.trim_matches(['-', '.']);
    // Windows device names are reserved with any extension.
    if check_segment(end).is_ok() || end.is_empty() { end.to_owned() } else { format!("_{end}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(context: Option<&str>, namespace: &str) -> String {
        BundleName::new(context, namespace, "2026-11-24T20:19:22.9Z".parse().unwrap()).as_str().to_owned()
    }

    #[test]
    fn makes_names_safe_for_files() {
        assert_eq!(name(Some("prod"), "apigee"), "apigee-tls-prod-apigee-20261124T201922Z");
        assert_eq!(name(None, "apigee"), "apigee-tls-files-apigee-20261124T201922Z");
        assert_eq!(
            name(Some("arn:aws:eks:eu-west-1:123456789012:cluster/prod"), "apigee"),
            "apigee-tls-arn-aws-eks-eu-west-1-123456789012-cluster-prod-apigee-20261124T201922Z"
        );
        assert_eq!(name(Some("../../etc"), "ä"), "apigee-tls-etc-unnamed-20261124T201922Z");
        assert_eq!(name(Some(&"x".repeat(300)), &"y".repeat(300)).len(), 155);
        let long = BundleName::new(Some(&"x".repeat(300)), &"y".repeat(300), Timestamp::UNIX_EPOCH).numbered(12);
        assert_eq!((long.as_str().len(), long.as_str().ends_with("Z-12")), (155, true));
        assert_eq!(check(&name(Some("con"), "nul")), Ok(()));
        assert_eq!(segment("con.txt"), "_con.txt");
        assert_eq!(segment("pods/a b"), "pods-a-b");
    }

    #[test]
    fn rejects_paths_that_lead_elsewhere() {
        for (path, fault) in [
            ("", PathFault::Empty),
            ("a//b", PathFault::Empty),
            ("a/", PathFault::Empty),
            ("/etc/passwd", PathFault::Absolute),
            ("a/../b", PathFault::Dots),
            ("./a", PathFault::Dots),
            ("a\\b", PathFault::Backslash),
            ("a\0", PathFault::Control),
            ("a\n", PathFault::Control),
            ("c:", PathFault::Reserved),
            ("a ", PathFault::WindowsName),
            ("a/LPT1.log", PathFault::WindowsName),
            ("NUL", PathFault::WindowsName),
            ("1/2/3/4/5/6/7/8/9", PathFault::Deep),
        ] {
            assert_eq!(check(path), Err(fault), "{path:?}");
        }
        assert_eq!(check(&"x".repeat(256)), Err(PathFault::Long));
        assert_eq!(check(&vec!["x"; 300].join("/")), Err(PathFault::Long));
        for path in ["a", "1/2/3/4/5/6/7/8", "über/日本.log", "com.txt", "com10", "console", "..a", "a..b"] {
            assert_eq!(check(path), Ok(()), "{path:?}");
        }
    }

    #[test]
    fn rejects_colliding_paths() {
        let mut paths = Paths::with_manifest();
        assert_eq!(paths.add("a/b/c"), Ok(()));
        assert_eq!(paths.add("a/b/d"), Ok(()));
        assert_eq!(paths.add("a/b/c"), Err(PathFault::Twice));
        assert_eq!(paths.add("A/b/c"), Err(PathFault::OnlyCase));
        assert_eq!(paths.add("a/B"), Err(PathFault::FileAndFolder));
        assert_eq!(paths.add("a/b/c/e"), Err(PathFault::FileAndFolder));
        assert_eq!(paths.add("manifest.json"), Err(PathFault::Twice));
        assert_eq!(paths.add("Manifest.json"), Err(PathFault::OnlyCase));
    }

    #[test]
    fn sorts_files_in_reading_order() {
        let mut paths = ["02-routes/b", "evidence.json", "02-routes/a", "README.md", "01-overrides/z", "other.txt"];
        paths.sort_by_key(|path| order(path));
        assert_eq!(paths, ["README.md", "evidence.json", "01-overrides/z", "02-routes/a", "02-routes/b", "other.txt"]);
    }
}
