//! One direction of TCP: gaps, segments out of order and twice, numbers that wrap.

use super::super::stream::{Piece, Stream};

#[derive(Debug, Eq, PartialEq)]
enum Seen {
    Bytes(Vec<u8>),
    Gap(u64),
}

/// Adds segments of `content`, given by place and length, whose numbers begin shortly before they wrap.
fn read(segments: &[(u32, usize)], content: &[u8]) -> Vec<Seen> {
    let base = 0xFFFF_FFFE_u32;
    let mut stream = Stream::default();
    stream.begin(base);
    let mut seen = Vec::new();
    let mut on = |piece: Piece<'_>| match (piece, seen.last_mut()) {
        (Piece::Data { bytes, .. }, Some(Seen::Bytes(before))) => before.extend(bytes),
        (Piece::Data { bytes, .. }, _) => seen.push(Seen::Bytes(bytes.to_vec())),
        (Piece::Gap(missing), _) => seen.push(Seen::Gap(missing)),
    };
    for &(place, length) in segments {
        let start = usize::try_from(place).unwrap();
        stream.add(base.wrapping_add(place), &content[start..start + length], length, true, &mut on);
    }
    stream.flush(&mut on);
    seen
}

#[test]
fn bytes_come_in_order_and_once() {
    let content = b"0123456789abcdef";
    let whole = [Seen::Bytes(content.to_vec())];
    for segments in [
        &[(0, 16)][..],
        &[(0, 4), (4, 4), (8, 8)],
        &[(8, 8), (4, 4), (0, 4)],
        &[(0, 8), (0, 8), (4, 12)],
        &[(6, 4), (2, 8), (0, 4), (0, 16)],
    ] {
        assert_eq!(read(segments, content), whole, "{segments:?}");
    }
}

#[test]
fn what_never_comes_is_a_gap() {
    let content = b"0123456789abcdef";
    let expected = [Seen::Bytes(b"0123".to_vec()), Seen::Gap(4), Seen::Bytes(b"89abcdef".to_vec())];
    assert_eq!(read(&[(0, 4), (8, 8)], content), expected);
}

#[test]
fn the_first_copy_wins() {
    let mut stream = Stream::default();
    stream.begin(10);
    let mut seen: Vec<u8> = Vec::new();
    let mut on = |piece: Piece<'_>| {
        if let Piece::Data { bytes, .. } = piece {
            seen.extend(bytes);
        }
    };
    for (sequence, bytes) in [(14, b"EFGH"), (14, b"efgh"), (10, b"ABCD"), (10, b"abcd")] {
        stream.add(sequence, bytes, 4, true, &mut on);
    }
    assert_eq!(seen, b"ABCDEFGH");
}

#[test]
fn little_waits() {
    let mut stream = Stream::default();
    stream.begin(0);
    let (mut bytes, mut gaps) = (0, 0);
    for number in 1..=1000_u32 {
        stream.add(number * 2000, &[0; 1000], 1000, true, &mut |piece| match piece {
            Piece::Data { bytes: new, .. } => bytes += new.len(),
            Piece::Gap(missing) => gaps += missing,
        });
        assert!(stream.buffered() <= 66_000);
    }
    assert!(bytes > 900_000 && gaps > 900_000, "{bytes} {gaps}");
    // Where nothing may wait, a segment that is too early is dropped; one that is far ahead belongs to
    // something else.
    let mut stream = Stream::default();
    stream.begin(0);
    assert!(!stream.add(5, b"x", 1, false, &mut |_| {}));
    assert!(stream.add(1 << 30, b"x", 1, true, &mut |_| {}));
    assert_eq!(stream.buffered(), 0);
}
