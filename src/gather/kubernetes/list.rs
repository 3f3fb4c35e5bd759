//! One LIST, page by page, each object reduced as soon as its page is there.
//!
//! A list is whole or it is not there: half of the routes would read as "no wildcard route".

use serde_json::Value;

use crate::gather::kubernetes::api::{Api, encode};
use crate::gather::kubernetes::fault::Fault;
use crate::gather::kubernetes::json;

/// As kubectl pages.
const PAGE: u32 = 500;
/// A server that always says "there is more" is not followed for ever.
const MAX_PAGES: u32 = 400;

/// What to list.
pub(in crate::gather) struct Listing<'a> {
    /// As `/api/v1/namespaces/apigee/pods`.
    pub path: &'a str,
    /// Label selector; empty for all.
    pub selector: &'a str,
    pub accept: &'a str,
    /// The kind that the answer must have, where any other would be a breach.
    pub kind: Option<&'a str>,
}

/// Lists, and reduces each object with `reduce`.
pub(in crate::gather) async fn list<T>(
    api: &Api,
    listing: Listing<'_>,
    reduce: impl Fn(&Value) -> T,
) -> Result<Vec<T>, Fault> {
    let selector = match listing.selector {
        "" => String::new(),
        selector => format!("labelSelector={}", encode(selector)),
    };
    let mut items = Vec::new();
    let mut next: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let mut query = format!("limit={PAGE}");
        if let Some(next) = &next {
            query = format!("{query}&continue={}", encode(next));
        }
        let page = match api.document(&url(listing.path, &[&query, &selector]), listing.accept).await {
            // The rest of the pages was compacted away while we read. Once more, and all at once.
            Err(Fault::Refused { code: 410, .. }) if next.is_some() => {
                let whole = api.document(&url(listing.path, &[&selector]), listing.accept).await?;
                items.clear();
                take(&whole, &listing, &reduce, &mut items)?;
                return Ok(items);
            }
            page => page?,
        };
        take(&page, &listing, &reduce, &mut items)?;
        next = json::text(&page, &["metadata", "continue"]);
        if next.is_none() {
            return Ok(items);
        }
    }
    Err(Fault::Broken(format!("the list does not end after {} objects", MAX_PAGES * PAGE)))
}

fn take<T>(page: &Value, listing: &Listing<'_>, reduce: impl Fn(&Value) -> T, items: &mut Vec<T>) -> Result<(), Fault> {
    if let Some(kind) = listing.kind
        && page.get("kind").and_then(Value::as_str) != Some(kind)
    {
        return Err(Fault::Broken(format!("the answer is no {kind}")));
    }
    match page.get("items") {
        Some(Value::Array(found)) => items.extend(found.iter().map(reduce)),
        // Go writes an empty list as null now and then.
        Some(Value::Null) => {}
        _ => return Err(Fault::Broken("the answer is no list".into())),
    }
    Ok(())
}

fn url(path: &str, queries: &[&str]) -> String {
    let queries: Vec<&str> = queries.iter().copied().filter(|query| !query.is_empty()).collect();
    if queries.is_empty() { path.to_owned() } else { format!("{path}?{}", queries.join("&")) }
}
