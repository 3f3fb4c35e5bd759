//! Puts the objects of one item into the bundle, page by page as they come, so that memory does not grow with
//! their number.

use std::io::Write;

use serde_json::Value;

use super::redacting_writer::RedactingWriter;
use crate::bundle::manifest::{Absence, Kept, Truncation};
use crate::bundle::{EntryWriter, layout};
use crate::evidence::{Source, Unavailable};
use crate::gather::hybrid::retained::RetainedObjects;
use crate::plan::Item;
use crate::redact::Redactions;
use crate::report::formats::yaml;

/// The objects of one item on their way into the bundle.
pub(super) struct Objects {
    sink: RedactingWriter,
    item: &'static Item,
    origin: String,
    /// Whether there was any object.
    any: bool,
    /// The one file of events; every other object has a file of its own.
    list: Option<List>,
}

/// A file that holds a list, written object by object.
struct List {
    entry: EntryWriter,
    redactions: Redactions,
    /// Why nothing more can be written.
    fault: Option<String>,
}

impl Objects {
    pub(super) fn new(sink: RedactingWriter, item: &'static Item, origin: String) -> Self {
        Self { sink, item, origin, any: false, list: None }
    }

    /// Adds an event to the one list: hundreds of small objects are easier to read as one list.
    fn event(&mut self, object: Value) {
        let list = self.list.get_or_insert_with(|| {
            let entry = self.sink.writer.entry(&format!("{}.yaml", self.item.path()), &self.origin, self.item.why);
            List { entry, redactions: Redactions::default(), fault: None }
        });
        let Some(object) = self.sink.clean(self.item, &self.origin, object, &mut list.redactions) else { return };
        // A list of one object is an entry of the list of all.
        let yaml = yaml::of(&[object]).map_err(|error| error.to_string());
        let written = yaml.and_then(|yaml| list.entry.write_all(yaml.as_bytes()).map_err(|error| error.to_string()));
        if let (None, Err(why)) = (&list.fault, written) {
            list.fault = Some(why);
        }
    }

    fn object(&self, object: Value) {
        let name = self.sink.redact_text(object["metadata"]["name"].as_str().unwrap_or("unnamed"));
        let origin = format!("{}/{name}", self.origin);
        let mut redactions = Redactions::default();
        if let Some(object) = self.sink.clean(self.item, &origin, object, &mut redactions) {
            let path = format!("{}/{}.yaml", self.item.path(), layout::segment(&name));
            self.sink.yaml(&path, &origin, self.item, &object, redactions);
        }
    }
}

impl RetainedObjects for Objects {
    fn page(&mut self, objects: Vec<Value>) {
        for object in objects {
            self.any = true;
            if self.item.source == Source::Events {
                self.event(object);
            } else {
                self.object(object);
            }
        }
    }

    fn finish(self: Box<Self>, cut: Option<Unavailable>) {
        if let Some(cut) = &cut {
            self.sink.redact_unavailable(self.item.name(), &self.origin, cut);
        } else if !self.any {
            self.sink.absent(Absence::Empty, self.item.name(), &self.origin, "the cluster has none");
        }
        let Some(List { entry, redactions, fault }) = self.list else { return };
        let truncated =
            cut.map(|cut| Truncation { kept: Kept::Beginning, why: cut.reason.to_string(), whole_bytes: None });
        let finished = match fault {
            Some(fault) => Err(fault),
            None => entry.finish(redactions.counts(), truncated).map_err(|error| error.to_string()),
        };
        if let Err(why) = finished {
            self.sink.lost(self.item.name(), &self.origin, &why);
        }
    }
}
