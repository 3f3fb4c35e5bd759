//! Reads one LIST page by page, and reduces each object as soon as its page arrives.
//!
//! A list is complete or missing: half of the routes would read as "no wildcard route".

use serde_json::Value;

use crate::gather::kubernetes::api::{Api, encode};
use crate::gather::kubernetes::fault::Fault;
use crate::gather::kubernetes::json;

/// The page size of kubectl.
const PAGE: u32 = 500;
/// A page that is too large is requested again with a tenth of the objects, down to one.
const SHRINK: u32 = 10;
/// Maximum number of pages, for a server that always reports more.
const MAX_PAGES: u32 = 400;
/// Maximum number of objects of a list that is held in memory: reduced, each still takes a KiB or more.
const MAX_OBJECTS: usize = 20_000;

/// What to list.
pub(in crate::gather) struct Listing<'a> {
    /// A path such as `/api/v1/namespaces/apigee/pods`.
    pub path: &'a str,
    /// Label selector; empty for all.
    pub selector: &'a str,
    pub accept: &'a str,
    /// The kind that the response must have, if any other would leak data.
    pub kind: Option<&'a str>,
}

/// Lists, and reduces each object with `reduce`.
pub(in crate::gather) async fn list<T>(
    api: &Api,
    listing: Listing<'_>,
    reduce: impl Fn(&Value) -> T,
) -> Result<Vec<T>, Fault> {
    let (mut items, mut begun) = (Vec::new(), false);
    let paged = each_page(api, &listing, |page| {
        begun = true;
        items.extend(page.iter().map(&reduce));
        items.len() <= MAX_OBJECTS
    });
    match paged.await {
        // The remaining pages were compacted away meanwhile. Repeat once, without pages.
        Err(Fault::Refused { code: 410, .. }) if begun => {
            let whole = api.document(&url(listing.path, &[&selector(&listing)]), listing.accept).await?;
            Ok(objects(&whole, &listing)?.iter().map(reduce).collect())
        }
        paged => paged.map(|()| items),
    }
}

/// Hands over page after page, each as soon as it arrives, while `take` returns true. After an error the
/// pages handed over are incomplete.
pub(in crate::gather) async fn each_page(
    api: &Api,
    listing: &Listing<'_>,
    mut take: impl FnMut(&[Value]) -> bool,
) -> Result<(), Fault> {
    let selector = selector(listing);
    let mut next: Option<String> = None;
    let (mut size, mut count) = (PAGE, 0);
    for _ in 0..MAX_PAGES {
        let mut query = format!("limit={size}");
        if let Some(next) = &next {
            query = format!("{query}&continue={}", encode(next));
        }
        let page = match api.document(&url(listing.path, &[&query, &selector]), listing.accept).await {
            Err(Fault::TooLarge(_)) if size > 1 => {
                size = (size / SHRINK).max(1);
                continue;
            }
            page => page?,
        };
        let found = objects(&page, listing)?;
        count += found.len();
        let goes_on = take(found);
        next = json::text(&page, &["metadata", "continue"]);
        if next.is_none() {
            return Ok(());
        }
        if !goes_on {
            break;
        }
    }
    Err(Fault::Broken(format!("the list does not end after {count} objects")))
}

fn selector(listing: &Listing<'_>) -> String {
    match listing.selector {
        "" => String::new(),
        selector => format!("labelSelector={}", encode(selector)),
    }
}

/// Returns the objects of one page.
fn objects<'a>(page: &'a Value, listing: &Listing<'_>) -> Result<&'a [Value], Fault> {
    let kind = page.get("kind").and_then(Value::as_str);
    if let Some(expected) = listing.kind
        && kind != Some(expected)
    {
        return Err(Fault::Broken(format!("the answer is no {expected}")));
    }
    let found = match page.get("items") {
        Some(Value::Array(found)) => found.as_slice(),
        // Go sometimes writes an empty list as null.
        Some(Value::Null) => &[],
        _ => return Err(Fault::Broken("the answer is no list".into())),
    };
    // Only a list may report that there is nothing, not any document without objects.
    if found.is_empty() && !kind.is_some_and(|kind| kind.ends_with("List")) {
        return Err(Fault::Broken("the answer is no list".into()));
    }
    if found.iter().any(|object| json::text(object, &["metadata", "name"]).is_none()) {
        return Err(Fault::Broken("the answer lists something that is no object".into()));
    }
    Ok(found)
}

fn url(path: &str, queries: &[&str]) -> String {
    let queries: Vec<&str> = queries.iter().copied().filter(|query| !query.is_empty()).collect();
    if queries.is_empty() { path.to_owned() } else { format!("{path}?{}", queries.join("&")) }
}
