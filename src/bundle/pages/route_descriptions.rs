//! A page for each ApigeeRoute, as `kubectl describe` prints it: labels, spec, status, events.

use serde_json::Value;

use super::{Input, Page};
use crate::bundle::layout;
use crate::bundle::objects::RoutesAndEvents;
use crate::plan::folder;
use crate::report::formats::yaml;

pub(super) fn pages(input: &Input<'_>) -> Vec<Page> {
    let why = "description of the route, required by the playbook";
    let pages = input.objects.routes().iter().map(|route| {
        let name = text(&route["metadata"]["name"]);
        let path = format!("{}/apigeeroutes/{}.txt", folder::ROUTES, layout::segment(&name));
        Page::new(path, "GET apigeeroutes, events", why, &description(&name, route, input.objects))
    });
    pages.collect()
}

fn description(name: &str, route: &Value, objects: &RoutesAndEvents) -> String {
    let mut page = format!("Name:      {name}\nNamespace: {}\n", text(&route["metadata"]["namespace"]));
    let parts = [("Labels", &route["metadata"]["labels"]), ("Spec", &route["spec"]), ("Status", &route["status"])];
    for (title, part) in parts {
        let yaml = yaml::of(part).unwrap_or_default();
        page += &format!("{title}:\n{}", indented(&yaml));
    }
    page += &format!("Events:\n{}", objects.events_of_route(name));
    page
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn indented(yaml: &str) -> String {
    yaml.lines().map(|line| format!("  {line}\n")).collect()
}
