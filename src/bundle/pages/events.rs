//! `events.txt`: a line for each of the latest events.

use super::{Input, Page};
use crate::plan::folder;

pub(super) fn pages(input: &Input<'_>) -> Vec<Page> {
    let path = format!("{}/events.txt", folder::INGRESS);
    vec![Page::new(path, "GET events", "events in order of time", &input.objects.events())]
}
