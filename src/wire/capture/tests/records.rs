//! Records: captures made by hand, whole, cut and changed.

use std::ops::Range;

use super::super::record::Break;
use super::super::record::*;
use super::small::{pcap, pcapng};

fn steps(bytes: &[u8]) -> Vec<(Step, usize)> {
    let mut reader = RecordReader::new(bytes);
    let mut steps = Vec::new();
    loop {
        let step = reader.next_record().unwrap();
        let ended = !matches!(step, Step::Record { .. });
        steps.push((step, reader.record().len()));
        if ended {
            return steps;
        }
    }
}

fn record(kind: RecordKind, content: Range<usize>) -> Step {
    Step::Record { kind, content }
}

#[test]
fn captures_are_known_by_their_first_bytes() {
    assert!(is_capture(&pcap(&[])) && is_capture(&pcapng(true, b"", b"")));
    for other in [&b""[..], b"\xd4\xc3\xb2", b"\x1f\x8b\x08\x00", b"{\"a\":1}", b"PK\x03\x04"] {
        assert!(!is_capture(other), "{other:?}");
    }
}

#[test]
fn packets_come_one_by_one() {
    let bytes = pcap(&[b"one", b"", b"three"]);
    let expected = [(24..24, 24), (16..19, 19), (16..16, 16), (16..21, 21)];
    let steps = steps(&bytes);
    for (number, (content, length)) in expected.into_iter().enumerate() {
        let kind = if number == 0 { RecordKind::Header } else { RecordKind::Packet };
        assert_eq!(steps[number], (record(kind, content), length));
    }
    assert_eq!(steps[4], (Step::End, 0));
}

#[test]
fn blocks_come_one_by_one_in_either_order() {
    for big in [false, true] {
        let section = pcapng(big, b"packet", b"CLIENT_RANDOM");
        let kinds = [RecordKind::Header, RecordKind::Interface, RecordKind::Secrets, RecordKind::Packet];
        // Another section may have another order.
        let steps = steps(&[section, pcapng(!big, b"packet", b"CLIENT_RANDOM")].concat());
        let found = steps.iter().map_while(|(step, _)| match step {
            Step::Record { kind, .. } => Some(*kind),
            _ => None,
        });
        assert_eq!(found.collect::<Vec<_>>(), [kinds, kinds].concat());
        assert_eq!(steps[3].0, record(RecordKind::Packet, 28..36));
        assert_eq!(steps[8].0, Step::End);
    }
}

#[test]
fn what_is_broken_is_said_to_be() {
    let whole = pcap(&[b"one", b"three"]);
    assert_eq!(steps(&whole[..whole.len() - 1])[2].0, Step::Broken(Break::Cut("the last packet is cut")));
    assert_eq!(steps(&whole[..20])[0].0, Step::Broken(Break::Cut("its header is cut")));
    let mut large = whole;
    large[24 + 10] = 0xFF;
    assert_eq!(steps(&large)[1].0, Step::Broken(Break::Damaged("what follows is no packet")));
    let section = pcapng(false, b"packet", b"secrets");
    assert_eq!(steps(&section[..section.len() - 5])[3].0, Step::Broken(Break::Cut("the last block is cut")));
    let mut odd = section.clone();
    *odd.last_mut().unwrap() = 1;
    assert_eq!(steps(&odd)[3].0, Step::Broken(Break::Damaged("what follows is no block")));
    let mut short = section;
    short[4] = 8;
    assert_eq!(steps(&short)[0].0, Step::Broken(Break::Damaged("what follows is no block")));
    assert_eq!(steps(b"a file of text")[0].0, Step::Broken(Break::Damaged("it is neither pcap nor pcapng")));
}
