//! The work that opening a PKCS #12 file costs: the iterations of its key derivations, read from the ASN.1
//! before OpenSSL derives a key. OpenSSL has no limit, and cannot be interrupted.
//!
//! Sources: RFC 7292 (PFX, `MacData`, PBE of PKCS #12), RFC 8018 (PBES1, PBKDF2), RFC 7914 (scrypt). What is
//! encrypted within the file is not seen.

/// Maximum number of elements that are read.
const MAX_ELEMENTS: usize = 200_000;
/// Maximum depth of elements. Each level of content without a length is read once more.
const MAX_DEPTH: usize = 24;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const CONSTRUCTED: u8 = 0x20;
const SEQUENCE: u8 = 0x30;
/// Tag of the end of content without a length.
const END: u8 = 0;

/// Prefixes of the algorithms that derive a key: PBE of PKCS #12, then those of PKCS #5.
const DERIVATIONS: [&[u8]; 2] =
    [&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x01], &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05]];
const SCRYPT: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x04, 0x0B];

/// Returns the iterations of all key derivations together; `None` if the structure cannot be read.
pub(super) fn iterations(file: &[u8]) -> Option<u64> {
    let mut reader = Reader { elements: 0, total: 0 };
    let (pfx, _) = reader.element(file, 0)?;
    let parts = reader.children(pfx.content, 1)?;
    if let Some(mac) = parts.get(2) {
        // Without a number, it is one.
        let count = reader.children(mac.content, 2)?.get(2).map_or(1, |count| integer(count.content));
        reader.add(count);
    }
    reader.walk(pfx.content, 1)?;
    Some(reader.total)
}

/// An element of ASN.1 in BER.
#[derive(Clone, Copy)]
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
}

struct Reader {
    elements: usize,
    total: u64,
}

impl Reader {
    fn add(&mut self, iterations: u64) {
        self.total = self.total.saturating_add(iterations);
    }

    /// Reads one element. Returns it with what follows it.
    fn element<'a>(&mut self, bytes: &'a [u8], depth: usize) -> Option<(Element<'a>, &'a [u8])> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS || depth > MAX_DEPTH {
            return None;
        }
        let (tag, mut rest) = bytes.split_first()?;
        if tag & 0x1F == 0x1F {
            // A number of several bytes, of which the last has no high bit.
            let end = rest.iter().position(|byte| byte & 0x80 == 0)?;
            rest = rest.get(end + 1..)?;
        }
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0x80 => {
                let length = self.without_length(rest, depth + 1)?;
                let content = rest.get(..length)?;
                // The two zeros of the end.
                return Some((Element { tag: *tag, content }, rest.get(length + 2..)?));
            }
            short if *short < 0x80 => (usize::from(*short), rest),
            long => {
                let (number, rest) = rest.split_at_checked(usize::from(long & 0x7F))?;
                (usize::try_from(integer(number)).ok()?, rest)
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        Some((Element { tag: *tag, content }, rest))
    }

    /// Returns the length of content that ends with two zeros.
    fn without_length(&mut self, bytes: &[u8], depth: usize) -> Option<usize> {
        let mut rest = bytes;
        loop {
            if rest.starts_with(&[END, 0]) {
                return Some(bytes.len() - rest.len());
            }
            (_, rest) = self.element(rest, depth)?;
        }
    }

    fn children<'a>(&mut self, content: &'a [u8], depth: usize) -> Option<Vec<Element<'a>>> {
        let mut children = Vec::new();
        let mut rest = content;
        while !rest.is_empty() {
            let (child, after) = self.element(rest, depth)?;
            children.push(child);
            rest = after;
        }
        Some(children)
    }

    /// Adds up the derivations among these elements and below them.
    fn walk(&mut self, content: &[u8], depth: usize) -> Option<()> {
        let children = self.children(content, depth)?;
        if let [Element { tag: OBJECT_IDENTIFIER, content: algorithm }, parameters, ..] = children.as_slice()
            && parameters.tag == SEQUENCE
        {
            self.derivation(algorithm, parameters.content, depth + 1);
        }
        for child in children {
            match child.tag {
                // Segments of one string.
                tag if tag == OCTET_STRING | CONSTRUCTED => {
                    let segments = self.children(child.content, depth + 1)?;
                    let whole: Vec<u8> = segments.iter().flat_map(|segment| segment.content).copied().collect();
                    self.inner(&whole, depth + 1)?;
                }
                tag if tag & CONSTRUCTED != 0 => self.walk(child.content, depth + 1)?,
                OCTET_STRING => self.inner(child.content, depth + 1)?,
                _ => {}
            }
        }
        Some(())
    }

    /// Walks a string that holds ASN.1; any other string is content, which costs nothing.
    fn inner(&mut self, content: &[u8], depth: usize) -> Option<()> {
        if !content.starts_with(&[SEQUENCE]) {
            return Some(());
        }
        let walked = self.walk(content, depth);
        // Encrypted content may begin as ASN.1 does. What exceeds a limit is not read to its end.
        let is_beyond = self.elements > MAX_ELEMENTS || depth >= MAX_DEPTH;
        if is_beyond { walked } else { Some(()) }
    }

    /// Adds the iterations of a derivation with these parameters.
    fn derivation(&mut self, algorithm: &[u8], parameters: &[u8], depth: usize) {
        let Some(parameters) = self.children(parameters, depth) else { return };
        let numbers = || parameters.iter().filter(|part| part.tag == INTEGER).map(|part| integer(part.content));
        if algorithm == SCRYPT {
            // Costs, block size and parallelism; a length of the key may follow.
            self.add(numbers().take(3).fold(1, u64::saturating_mul));
        } else if DERIVATIONS.iter().any(|prefix| algorithm.starts_with(prefix)) {
            self.add(numbers().next().unwrap_or(0));
        }
    }
}

/// Reads a number, of which more than 64 bits are as good as infinite.
fn integer(content: &[u8]) -> u64 {
    let start = content.iter().position(|byte| *byte != 0).unwrap_or(content.len());
    let digits = content.get(start..).unwrap_or_default();
    if digits.len() > size_of::<u64>() {
        return u64::MAX;
    }
    digits.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
        let content = parts.concat();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [vec![tag, 0x82], length.to_vec(), content].concat()
    }

    /// A file with one encrypted part that is derived with this algorithm, and a MAC.
    fn file(algorithm: &[u8], numbers: &[Vec<u8>], mac: &[u8]) -> Vec<u8> {
        let salt = element(OCTET_STRING, &[vec![7; 8]]);
        let parameters = element(SEQUENCE, &[vec![salt.clone()], numbers.to_vec()].concat());
        let algorithm = element(SEQUENCE, &[element(OBJECT_IDENTIFIER, &[algorithm.to_vec()]), parameters]);
        let bag = element(SEQUENCE, &[algorithm, element(OCTET_STRING, &[vec![9; 30]])]);
        let data = element(0xA0, &[element(OCTET_STRING, &[bag])]);
        let mac = element(
            SEQUENCE,
            &[element(SEQUENCE, std::slice::from_ref(&salt)), salt, element(INTEGER, &[mac.to_vec()])],
        );
        element(SEQUENCE, &[element(INTEGER, &[vec![3]]), element(SEQUENCE, &[data]), mac])
    }

    fn number(bytes: &[u8]) -> Vec<u8> {
        element(INTEGER, &[bytes.to_vec()])
    }

    #[test]
    fn adds_the_iterations_of_mac_and_keys() {
        let pbe = [DERIVATIONS[0], &[3]].concat();
        assert_eq!(iterations(&file(&pbe, &[number(&[8, 0])], &[4, 0])), Some(2048 + 1024));
        let pbkdf2 = [DERIVATIONS[1], &[12]].concat();
        let huge = number(&[0x7F, 0xFF, 0xFF, 0xFF]);
        assert_eq!(iterations(&file(&pbkdf2, &[huge, number(&[32])], &[1])), Some(0x7FFF_FFFF + 1));
        let scrypt = [number(&[0x40, 0]), number(&[8]), number(&[0x10, 0])];
        assert_eq!(iterations(&file(SCRYPT, &scrypt, &[1])), Some(0x4000 * 8 * 0x1000 + 1));
        assert_eq!(iterations(&file(&[0x2A, 1], &[number(&[0x7F, 0xFF])], &[1])), Some(1), "no derivation");
        assert_eq!(iterations(&file(&pbe, &[number(&[1; 9])], &[1])), Some(u64::MAX));
    }

    #[test]
    fn reads_content_without_a_length_and_strings_in_segments() {
        let pbe = element(OBJECT_IDENTIFIER, &[[DERIVATIONS[0], &[3]].concat()]);
        let salt = element(OCTET_STRING, &[vec![7; 8]]);
        let algorithm = element(SEQUENCE, &[pbe, element(SEQUENCE, &[salt, number(&[0x7F, 0, 0, 0])])]);
        let bag = element(SEQUENCE, &[algorithm]);
        let (left, right) = bag.split_at(20);
        let segments = [element(OCTET_STRING, &[left.to_vec()]), element(OCTET_STRING, &[right.to_vec()])].concat();
        let string = [vec![OCTET_STRING | CONSTRUCTED, 0x80], segments, vec![0, 0]].concat();
        let data = [vec![0xA0, 0x80], string, vec![0, 0]].concat();
        let inner = [number(&[3]), data].concat();
        let pfx = [vec![SEQUENCE, 0x80], inner, vec![0, 0]].concat();
        assert_eq!(iterations(&pfx), Some(0x7F00_0000));
    }

    #[test]
    fn what_cannot_be_read_or_has_no_end_is_refused() {
        let deep = vec![SEQUENCE; 3].into_iter().chain([0x80; 3]).collect::<Vec<_>>();
        for bytes in [&b""[..], b"0", b"0\x80", b"0\x85\xff\xff\xff\xff\xff", &deep, &[[SEQUENCE, 0x80]; 4000].concat()]
        {
            assert_eq!(iterations(bytes), None, "{bytes:?}");
        }
        let wide: Vec<u8> = std::iter::repeat_n([5, 0], MAX_ELEMENTS).flatten().collect();
        let length = u32::try_from(wide.len()).unwrap().to_be_bytes();
        assert_eq!(iterations(&[vec![SEQUENCE, 0x84], length.to_vec(), wide].concat()), None);
    }
}
