//! Indices whose fields can be counted: a few requests, whatever the number of records.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::super::{Failure, Reading, Wanted};
use super::Requests;
use crate::evidence::access_log::{Counting, OtherHost, Repeats, Span, Tally};
use crate::evidence::{AccessLog, Reason};
use crate::wire::log_store::open_search::classes::{Base, Class, all, any, not};
use crate::wire::log_store::open_search::hits::{self, line, search};
use crate::wire::log_store::open_search::layout::Layout;
use crate::wire::log_store::open_search::tallies::{
    self, Bucket, Count, Group, PAGE_SIZE, SMALL_PAGE_SIZE, add_clients, add_minutes, add_names, buckets, complete,
    composite, counts, of_classes, other_pair, span,
};
use crate::wire::log_store::open_search::windows::Windows;

/// Maximum number of records that are read near this program's probe traffic.
const MAX_READ: usize = 200_000;
/// Maximum number of pages of groups of one class.
const MAX_PAGES: usize = 100;
/// Number of records that are looked at for keys without a value.
const SAMPLES: usize = 5;

const MILLISECOND: SignedDuration = SignedDuration::from_millis(1);

/// How the store is able to group.
struct Ability {
    has_scripts: bool,
    page_size: usize,
}

/// Counts all classes. Returns why some records are missing, if so.
pub(super) async fn read(
    requests: &mut Requests<'_>,
    mut layout: Layout,
    wanted: &Wanted,
    reading: &mut Reading,
) -> Result<Option<Reason>, Reason> {
    requests.query.counting = Counting::ByStore;
    let sample = {
        let query = base(&layout, wanted).query();
        let sort = [json!({layout.start.exact.clone(): {"order": "desc"}})];
        requests.search("", &json!({"size": SAMPLES, "query": query, "sort": sort})).await?
    };
    for (_, source) in hits::page(&sample).sources {
        layout.learn(&source, &wanted.format);
    }
    let layout = layout;
    let base = base(&layout, wanted);
    requests.query.query = base.query().to_string();
    if layout.is_collectors_time {
        let why =
            format!("times are those of {}, which the collector set: records have no start_time", layout.start.path);
        requests.query.approximate.push(why);
    }
    if wanted.may_repeat {
        let why = "records that another file or store of this run has too are counted twice".to_owned();
        requests.query.approximate.push(why);
    }
    let mut aggregations = span(&layout);
    insert(&mut aggregations, "own", json!({"filter": layout.own()}));
    let overview = requests.search("", &counting(&base.query(), &aggregations)).await?;
    let total = overview["hits"]["total"]["value"].as_u64().unwrap_or(0);
    let spanned = tallies::count(&overview["aggregations"]);
    let mut log = AccessLog { records: total, first: spanned.first, last: spanned.last, ..AccessLog::default() };
    if total == 0 {
        explain_nothing(requests, &base).await?;
        reading.counted = Some(log);
        return Ok(None);
    }
    let own = overview["aggregations"]["own"]["doc_count"].as_u64().unwrap_or(0);
    let (apart, cut) = read_apart(requests, &base, own, reading).await?;
    let (repeated, base) = repeated(requests, base, wanted);
    let clauses = repeated.iter().map(|(_, query)| query.clone());
    let rest = all([base.query(), not([apart.clone()].into_iter().chain(clauses))]);
    let answer = requests.search("", &counting(&rest, &json!({"classes": of_classes(&layout)}))).await?;
    let counted = counts(&answer["aggregations"]["classes"]);
    let mut ability = Ability { has_scripts: true, page_size: PAGE_SIZE };
    for class in Class::ALL {
        let count = counted.get(class.key()).copied().unwrap_or_default();
        if count.count == 0 {
            continue;
        }
        let query = all([rest.clone(), layout.class(class)]);
        match class {
            Class::OtherHost => log.other_host = other_host(requests, &layout, &query, &mut ability).await?,
            class => {
                *tally_of(&mut log, class) = tally(requests, &layout, &query, (class, count), &mut ability).await?;
            }
        }
    }
    log.repeats = repeats(requests, &layout, &all([base.query(), not([apart])]), repeated, wanted).await?;
    reading.counted = Some(log);
    Ok(cut)
}

fn base<'a>(layout: &'a Layout, wanted: &'a Wanted) -> Base<'a> {
    Base {
        layout,
        since: wanted.since,
        until: wanted.until,
        namespace: Some(&wanted.namespace),
        without_pods: &wanted.without_pods,
    }
}

fn tally_of(log: &mut AccessLog, class: Class) -> &mut Tally {
    match class {
        Class::ResetWithoutSni => &mut log.reset_without_sni,
        Class::ResetWithSni => &mut log.reset_with_sni,
        Class::ServedWithoutSni => &mut log.served_without_sni,
        Class::UnroutedWithoutSni => &mut log.unrouted_without_sni,
        Class::OtherHost => &mut log.other_host.tally,
    }
}

/// A search that returns no record.
fn counting(query: &Value, aggregations: &Value) -> Value {
    json!({"size": 0, "track_total_hits": true, "query": query, "aggs": aggregations})
}

fn insert(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

/// Says which namespaces the records of the window have, where the one asked for has none.
async fn explain_nothing(requests: &mut Requests<'_>, base: &Base<'_>) -> Result<(), Reason> {
    let Some(namespace) = &base.layout.scope.namespace else { return Ok(()) };
    let everywhere = Base { namespace: None, ..base.clone() };
    let names = json!({"namespaces": {"terms": {"field": namespace.exact, "size": 5}}});
    let answer = requests.search("", &counting(&everywhere.query(), &names)).await?;
    let list = answer["aggregations"]["namespaces"]["buckets"].as_array().cloned().unwrap_or_default();
    let names: Vec<&str> = list.iter().filter_map(|bucket| bucket["key"].as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Reason::Missing(format!(
        "no record of namespace {}; the index has records of {}: choose one with -n",
        base.namespace.unwrap_or_default(),
        names.join(", ")
    )))
}

/// Reads the records that may be of this program; returns the query that selects them.
async fn read_apart(
    requests: &mut Requests<'_>,
    base: &Base<'_>,
    own: u64,
    reading: &mut Reading,
) -> Result<(Value, Option<Reason>), Reason> {
    let layout = base.layout;
    if own == 0 {
        return Ok((any([]), None));
    }
    let mut markers = Vec::new();
    let query = all([base.query(), layout.own()]);
    let cut = requests
        .scroll(&search(layout, &query), MAX_READ, |page| {
            markers.extend(page.fields.into_iter().filter_map(|(address, at)| Some((address?, at?))));
        })
        .await?;
    let apart = any([layout.own(), Windows::after(&markers).query(layout)]);
    let query = all([base.query(), apart.clone()]);
    let more = requests
        .scroll(&search(layout, &query), MAX_READ, |page| {
            page.sources.iter().for_each(|(_, source)| reading.line(&line(source, &layout.prefix)));
        })
        .await?;
    Ok((apart, cut.or(more)))
}

/// Returns the queries for the records that this run has read from the pods themselves. Where the index does
/// not say which pod wrote a record, the counts end where those logs begin.
fn repeated<'a>(requests: &mut Requests<'_>, base: Base<'a>, wanted: &Wanted) -> (Vec<(usize, Value)>, Base<'a>) {
    let Some(pod) = &base.layout.scope.pod else {
        let Some(first) = wanted.pods_read.iter().map(|(_, first, _)| *first).min() else { return (Vec::new(), base) };
        let why = format!("records from {first} on are left out, because the logs of the pods have them");
        requests.query.approximate.push(why);
        return (Vec::new(), Base { until: base.until.min(first), ..base });
    };
    let clauses = wanted.pods_read.iter().enumerate().filter_map(|(number, (origin, first, last))| {
        let end = last.checked_add(MILLISECOND).unwrap_or(*last);
        let of_pod = json!({"term": {pod.exact.clone(): origin.pod()?}});
        Some((number, all([of_pod, base.layout.between(*first, end)])))
    });
    (clauses.collect(), base)
}

/// Counts the records of all classes that the logs of pods have.
async fn repeats(
    requests: &mut Requests<'_>,
    layout: &Layout,
    query: &Value,
    repeated: Vec<(usize, Value)>,
    wanted: &Wanted,
) -> Result<Vec<Repeats>, Reason> {
    if repeated.is_empty() {
        return Ok(Vec::new());
    }
    let classes = any(Class::ALL.iter().map(|class| layout.class(*class)));
    let filters: BTreeMap<String, Value> =
        repeated.into_iter().map(|(number, query)| (number.to_string(), query)).collect();
    let pods = json!({"pods": {"filters": {"filters": filters}}});
    let answer = requests.search("", &counting(&all([query.clone(), classes]), &pods)).await?;
    let counted = counts(&answer["aggregations"]["pods"]);
    let repeats = counted.iter().filter_map(|(number, count)| {
        let (origin, ..) = wanted.pods_read.get(number.parse::<usize>().ok()?)?;
        (count.count > 0).then(|| Repeats { origin: origin.clone(), records: count.count })
    });
    let mut repeats: Vec<Repeats> = repeats.collect();
    repeats.sort();
    Ok(repeats)
}

/// Counts one class by client, server name and minute.
async fn tally(
    requests: &mut Requests<'_>,
    layout: &Layout,
    query: &Value,
    (class, count): (Class, Count),
    ability: &mut Ability,
) -> Result<Tally, Reason> {
    let mut tally = Tally::default();
    let is_reset = matches!(class, Class::ResetWithoutSni | Class::ResetWithSni);
    let mut groups = vec![Group::Minutes, Group::Clients];
    groups.extend(class.has_name().then_some(Group::Names));
    groups.extend(is_reset.then_some(Group::Hours));
    let wanted: Vec<Vec<Group>> = groups.into_iter().map(|group| vec![group]).collect();
    let mut hours: Vec<(String, u64)> = Vec::new();
    grouped(requests, layout, query, wanted, ability, |group, list| match group {
        Group::Clients => add_clients(&mut tally, list, true),
        Group::Addresses => add_clients(&mut tally, list, false),
        Group::Minutes => add_minutes(&mut tally, list),
        Group::Names => {
            add_names(&mut tally, list);
            false
        }
        Group::Hours => {
            let hour = |bucket: &Bucket| Some((tallies::minute(bucket.moment(Group::Hours)?), bucket.span.count));
            hours.extend(list.iter().filter_map(hour));
            false
        }
        Group::Hosts => false,
    })
    .await?;
    for (hour, count) in hours {
        requests.query.note_hour(hour, count, class == Class::ResetWithSni);
    }
    complete(&mut tally, &count, class.has_name());
    Ok(tally)
}

/// Counts requests whose host is another one than the server name.
async fn other_host(
    requests: &mut Requests<'_>,
    layout: &Layout,
    query: &Value,
    ability: &mut Ability,
) -> Result<OtherHost, Reason> {
    let pair = [Group::Names, Group::Hosts];
    let with = |last: Group| pair.into_iter().chain([last]).collect::<Vec<Group>>();
    let mut counted = OtherHost::default();
    let mut sum = Span::default();
    grouped(requests, layout, query, vec![pair.to_vec()], ability, |_, list| {
        for bucket in list {
            let Some((name, host)) = other_pair(bucket) else { continue };
            sum.merge(&bucket.span);
            counted.tally.server_names.entry(name.clone()).or_default().merge(&bucket.span);
            counted.hosts.entry(name).or_default().entry(host).or_default().merge(&bucket.span);
        }
        false
    })
    .await?;
    if sum.count == 0 {
        return Ok(OtherHost::default());
    }
    let wanted = vec![with(Group::Minutes), with(Group::Clients)];
    let tally = &mut counted.tally;
    grouped(requests, layout, query, wanted, ability, |group, list| {
        let others: Vec<Bucket> = list.iter().filter(|bucket| other_pair(bucket).is_some()).cloned().collect();
        if group == Group::Minutes {
            add_minutes(tally, &others);
        } else {
            add_clients(tally, &others, false);
        }
        false
    })
    .await?;
    let with_client = tally.clients.values().map(|span| span.count).sum();
    complete(tally, &Count { count: sum.count, first: sum.first, last: sum.last, with_client }, true);
    // Drops what has no room, as counting record by record does.
    let mut bounded = OtherHost::default();
    bounded.merge(counted);
    Ok(bounded)
}

/// Reads the pages of several groupings at once; `add` receives each page with the last of its groups, and
/// returns whether later pages are of no use.
async fn grouped(
    requests: &mut Requests<'_>,
    layout: &Layout,
    query: &Value,
    mut wanted: Vec<Vec<Group>>,
    ability: &mut Ability,
    mut add: impl FnMut(Group, &[Bucket]) -> bool,
) -> Result<(), Reason> {
    let mut after: BTreeMap<Vec<Group>, Value> = BTreeMap::new();
    for _ in 0..MAX_PAGES {
        if !ability.has_scripts {
            for group in wanted.iter_mut().flatten().filter(|group| **group == Group::Clients) {
                *group = Group::Addresses;
            }
        }
        let mut aggregations = json!({});
        for groups in &wanted {
            if let Some(composite) = composite(layout, groups, ability.page_size, after.get(groups)) {
                insert(&mut aggregations, &name(groups), composite);
            }
        }
        if aggregations.as_object().is_none_or(serde_json::Map::is_empty) {
            return Ok(());
        }
        let answer = match requests.search("", &counting(query, &aggregations)).await {
            Ok(answer) => answer,
            Err(failure) if after.is_empty() && adapt(ability, &failure) => continue,
            Err(failure) => return Err(failure.reason),
        };
        let mut more = Vec::new();
        for groups in wanted {
            let (list, next) = buckets(&answer["aggregations"][name(&groups)], ability.page_size);
            let is_full = groups.last().is_none_or(|last| add(*last, &list));
            if let (Some(next), false) = (next, is_full) {
                after.insert(groups.clone(), next);
                more.push(groups);
            }
        }
        wanted = more;
        if wanted.is_empty() {
            return Ok(());
        }
    }
    for groups in wanted {
        let most = MAX_PAGES * ability.page_size;
        requests.query.approximate.push(format!("groups by {} end after {most}", name(&groups)));
    }
    Ok(())
}

fn name(groups: &[Group]) -> String {
    groups.iter().map(|group| group.key()).collect::<Vec<_>>().join("-")
}

/// Does without what the store does not allow; returns whether the request is worth another try.
fn adapt(ability: &mut Ability, failure: &Failure) -> bool {
    let text = failure.reason.to_string();
    if text.contains("too_many_buckets") && ability.page_size > SMALL_PAGE_SIZE {
        ability.page_size = SMALL_PAGE_SIZE;
        return true;
    }
    let is_script = failure.status.is_some() && text.to_ascii_lowercase().contains("script");
    if is_script && ability.has_scripts {
        ability.has_scripts = false;
        return true;
    }
    false
}
