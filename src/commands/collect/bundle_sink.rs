//! The bundle sink: writes what gathering hands over, each object and each log into a file of its own.

use serde_json::Value;

use super::logs::{LogFile, UnjudgedLog};
use super::objects::Objects;
use super::redacting_writer::{RedactingWriter, base};
use crate::evidence::{LogOrigin, Unavailable};
use crate::gather::BundleSink;
use crate::gather::files::manifests;
use crate::gather::hybrid::retained::{RetainedLog, RetainedObjects};
use crate::plan::{Item, folder};
use crate::redact::Redactions;
use crate::report::formats::yaml;
use crate::wire::overrides;

/// Maximum number of bytes of an overrides file: its redaction needs several times as much memory.
const MAX_OVERRIDES: usize = 16 << 20;

/// Name of the `-f` files in the manifest.
pub(super) const OVERRIDES: &str = "overrides.yaml";
/// Name of objects of such files in the manifest of the bundle.
const MANIFEST: &str = "objects of a file";

impl RedactingWriter {
    /// Writes the Kubernetes objects of a file given with `-f`, each redacted by its kind.
    fn manifest(&self, number: usize, origin: &str, objects: Vec<Value>) {
        let mut redactions = Redactions::default();
        let mut text = String::new();
        for mut object in objects {
            let redacted = self.redactor.object(&mut object, &mut redactions).map_err(|withheld| withheld.to_string());
            match redacted.and_then(|()| yaml::of(&object).map_err(|error| error.to_string())) {
                Ok(yaml) => text += &format!("---\n{yaml}"),
                Err(why) => self.lost(MANIFEST, origin, &why),
            }
        }
        let path = format!("{}/objects-{number}.yaml", folder::OVERRIDES);
        self.write_clean(&path, origin, "Kubernetes objects of a file given with -f", text.as_bytes(), redactions);
    }
}

impl BundleSink for RedactingWriter {
    fn objects(&self, item: &'static Item, origin: &str) -> Box<dyn RetainedObjects> {
        Box::new(Objects::new(self.clone(), item, self.redact_text(origin)))
    }

    fn missing(&self, item: &'static Item, origin: &str, why: Unavailable) {
        self.redact_unavailable(item.name(), origin, &why);
    }

    fn overrides(&self, number: usize, name: &str, content: Result<&[u8], &Unavailable>) {
        let origin = format!("-f {}", self.redact_text(base(name)));
        let item = OVERRIDES;
        let wide = content.ok().and_then(overrides::text_of_utf16);
        let text = match content {
            Err(why) => return self.redact_unavailable(item, &origin, why),
            Ok(bytes) if bytes.len() > MAX_OVERRIDES => {
                return self.lost(item, &origin, &format!("it is larger than {MAX_OVERRIDES} bytes"));
            }
            Ok(bytes) => match wide.as_deref().map_or_else(|| std::str::from_utf8(bytes), Ok) {
                Ok(text) => text,
                Err(error) => return self.lost(item, &origin, &format!("it is not UTF-8: {error}")),
            },
        };
        if let Some(Ok(objects)) = manifests::documents(text.as_bytes()) {
            return self.manifest(number, &origin, objects);
        }
        let mut redactions = Redactions::default();
        match self.redactor.overrides(text, &mut redactions) {
            Ok(clean) => {
                let number = if number == 1 { String::new() } else { format!("-{number}") };
                let path = format!("{}/overrides{number}.yaml", folder::OVERRIDES);
                self.write_clean(&path, &origin, "the intended virtual hosts", clean.as_bytes(), redactions);
            }
            Err(withheld) => self.lost(item, &origin, &withheld.to_string()),
        }
    }

    fn log(&self, origin: &LogOrigin, is_previous: bool) -> Box<dyn RetainedLog> {
        let suffix = if is_previous { ".previous" } else { "" };
        Box::new(UnjudgedLog { sink: self.clone(), origin: origin.clone(), file: LogFile::new(self, origin, suffix) })
    }
}
