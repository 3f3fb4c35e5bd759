//! Recognises addresses in free text: with a port, adjacent to a word, with leading zeros, or with hyphens.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::runs::is_part;

/// Returns the first address of a run: without its port, or as part of a name (`listener.10.0.0.1_8443`).
pub(super) fn address(line: &[u8], run: &Range<usize>) -> Option<(Range<usize>, IpAddr)> {
    let text = str::from_utf8(&line[run.clone()]).ok()?;
    let placed = |place: Range<usize>, address: IpAddr| (run.start + place.start..run.start + place.end, address);
    if let Some((place, address)) = version_six(text) {
        return Some(placed(place, address.into()));
    }
    let (place, address) = quad(text)?;
    let at_front = place.start == 0 && (place.end == text.len() || text[place.end..].starts_with([':', '.']));
    if at_front && is_version(line, run.start, address) && !text.contains(':') {
        return None;
    }
    Some(placed(place, address.into()))
}

/// Finds an IPv6 address such as `2a00:1450::1`: alone, behind a word (`host:2a00:1450::1`), or with a port
/// without brackets.
fn version_six(text: &str) -> Option<(Range<usize>, Ipv6Addr)> {
    let mut start = 0;
    loop {
        let rest = &text[start..];
        let sign = |letter: char| !letter.is_ascii_hexdigit() && letter != ':' && letter != '.';
        let six = rest[..rest.find(sign).unwrap_or(rest.len())].trim_end_matches('.');
        let six = if six.ends_with("::") { six } else { six.trim_end_matches(':') };
        // Serial numbers and fingerprints are written in pairs.
        let pairs = six.split(':').all(|group| group.len() == 2);
        if six.bytes().filter(|byte| *byte == b':').count() >= 2 {
            // `std::cout` of C++ is not an address either.
            if pairs || !six.bytes().any(|byte| byte.is_ascii_digit()) {
                return None;
            }
            // A port that could be part of the address is taken for one.
            let is_port = |port: &str| port.len() > 1 && port.bytes().all(|byte| byte.is_ascii_digit());
            let without_port = six.rsplit_once(':').filter(|(_, port)| is_port(port));
            let parsed = |text: &str| text.parse().ok().map(|address| (start..start + text.len(), address));
            if let Some(found) = parsed(six).or_else(|| parsed(without_port?.0)) {
                return Some(found);
            }
        }
        // Only a word may precede an address; behind a number it would be part of something else.
        let word = rest.find(':').filter(|end| rest[..*end].contains(|letter: char| !letter.is_ascii_hexdigit()))?;
        start += word + 1;
    }
}

/// Finds four numbers with dots that are not part of more numbers.
fn quad(text: &str) -> Option<(Range<usize>, Ipv4Addr)> {
    let bytes = text.as_bytes();
    let glued = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
        let numbers = text.get(at..at + length)?.trim_end_matches('.');
        let skipped = numbers.len() - numbers.trim_start_matches('.').len();
        let (mut begin, mut numbers) = (at + skipped, &numbers[skipped..]);
        let end = begin + numbers.len();
        // `http2.10.0.0.1`: the first number belongs to the word, unless that is a version.
        if let Some(before) = begin.checked_sub(1).and_then(|before| bytes.get(before)).filter(|byte| glued(Some(byte)))
        {
            let rest = numbers.split_once('.').filter(|_| !matches!(before, b'v' | b'V')).map_or("", |(_, rest)| rest);
            (begin, numbers) = (end - rest.len(), rest);
        }
        if !glued(bytes.get(end))
            && let Some(address) = four_numbers(numbers, '.')
        {
            return Some((begin..end, address));
        }
        at += length.max(1);
    }
    None
}

/// Returns the next address at or after `from` with hyphens between its numbers, as in names of machines
/// (`ip-10-0-0-1`) and of pods in DNS (`10-0-0-1.apigee.pod`).
pub(super) fn hyphenated(line: &[u8], from: usize) -> Option<(Range<usize>, Ipv4Addr)> {
    let mut at = from;
    loop {
        let hyphen = at + memchr::memchr(b'-', line.get(at..)?)?;
        let digits = |byte: &&u8| byte.is_ascii_digit();
        let begin = hyphen - line[at..hyphen].iter().rev().take_while(digits).count();
        if begin == hyphen {
            at = hyphen + 1;
            continue;
        }
        let sign = |byte: &&u8| byte.is_ascii_digit() || **byte == b'-';
        let end = begin + line[begin..].iter().take_while(sign).count();
        let end = end - line[begin..end].iter().rev().take_while(|byte| **byte == b'-').count();
        let (before, after) = (&line[..begin], &line[end..]);
        let is_name = before.ends_with(b"ip-") || after.first() == Some(&b'.');
        let is_apart = !before.last().is_some_and(u8::is_ascii_alphanumeric)
            && !after.first().is_some_and(u8::is_ascii_alphanumeric);
        let numbers = line.get(begin..end.max(begin)).and_then(|numbers| str::from_utf8(numbers).ok());
        if is_name
            && is_apart
            && let Some(address) = numbers.and_then(|numbers| four_numbers(numbers, '-'))
        {
            return Some((begin..end, address));
        }
        at = end.max(hyphen + 1);
    }
}

/// Parses four numbers, which may have leading zeros, as some programs write them.
fn four_numbers(text: &str, sign: char) -> Option<Ipv4Addr> {
    let mut parts = text.split(sign);
    let mut number = || parts.next().filter(|part| (1..=3).contains(&part.len()))?.parse::<u8>().ok();
    let address = Ipv4Addr::new(number()?, number()?, number()?, number()?);
    parts.next().is_none().then_some(address)
}

/// Returns whether it is a product version such as `Chrome/120.0.0.0`: behind a slash, a capitalised product
/// before it, and the trailing zeros that browsers report since 2022.
///
/// Not versions: a host's address as Java writes it (`api.acme.com/10.0.0.1`), part of a path
/// (`/geo/10.0.0.1`), or an object (`Node/10.0.0.1`).
fn is_version(line: &[u8], at: usize, address: Ipv4Addr) -> bool {
    if address.octets()[2..] != [0, 0] {
        return false;
    }
    let Some(before) = line[..at].strip_suffix(b"/") else { return false };
    let begin = before.iter().rposition(|byte| !is_part(*byte)).map_or(0, |at| at + 1);
    let product = &before[begin..];
    let in_path = before[..begin].ends_with(b"/");
    product.first().is_some_and(u8::is_ascii_uppercase) && !in_path && !product.contains(&b'.')
}
