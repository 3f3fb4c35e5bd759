//! Letters that look like ASCII, and characters without width: `pаssword` with a Cyrillic `а` is the same
//! name to a reader.
//!
//! Source: the letters of `confusables.txt` of Unicode (UTS #39) that look the same in most fonts: Cyrillic,
//! Greek and full-width forms.

use std::borrow::Cow;

/// Each letter, and the ASCII letter that it looks like.
const LETTERS: &[(char, char)] = &[
    // Cyrillic.
    ('А', 'A'),
    ('В', 'B'),
    ('Е', 'E'),
    ('З', '3'),
    ('К', 'K'),
    ('М', 'M'),
    ('Н', 'H'),
    ('О', 'O'),
    ('Р', 'P'),
    ('С', 'C'),
    ('Т', 'T'),
    ('У', 'Y'),
    ('Х', 'X'),
    ('Ѕ', 'S'),
    ('І', 'I'),
    ('Ј', 'J'),
    ('Ү', 'Y'),
    ('Һ', 'H'),
    ('Ԛ', 'Q'),
    ('Ԝ', 'W'),
    ('а', 'a'),
    ('г', 'r'),
    ('е', 'e'),
    ('к', 'k'),
    ('м', 'm'),
    ('н', 'h'),
    ('о', 'o'),
    ('р', 'p'),
    ('с', 'c'),
    ('т', 't'),
    ('у', 'y'),
    ('х', 'x'),
    ('ѕ', 's'),
    ('і', 'i'),
    ('ј', 'j'),
    ('ѵ', 'v'),
    ('ү', 'y'),
    ('һ', 'h'),
    ('ӏ', 'l'),
    ('Ӏ', 'I'),
    ('ԁ', 'd'),
    ('ԛ', 'q'),
    ('ԝ', 'w'),
    // Greek.
    ('Α', 'A'),
    ('Β', 'B'),
    ('Ε', 'E'),
    ('Ζ', 'Z'),
    ('Η', 'H'),
    ('Ι', 'I'),
    ('Κ', 'K'),
    ('Μ', 'M'),
    ('Ν', 'N'),
    ('Ο', 'O'),
    ('Ρ', 'P'),
    ('Τ', 'T'),
    ('Υ', 'Y'),
    ('Χ', 'X'),
    ('α', 'a'),
    ('ε', 'e'),
    ('ι', 'i'),
    ('κ', 'k'),
    ('ν', 'v'),
    ('ο', 'o'),
    ('ρ', 'p'),
    ('τ', 't'),
    ('υ', 'u'),
    ('χ', 'x'),
    ('ϲ', 'c'),
    ('ϳ', 'j'),
    // Latin letters without a dot or with another form.
    ('ı', 'i'),
    ('ɑ', 'a'),
    ('ɡ', 'g'),
    ('ſ', 's'),
];

/// How a reader sees a character.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Disguise {
    /// Nothing: it has no width.
    Nothing,
    /// This character, wherever it is: the full-width forms of ASCII.
    Always(char),
    /// This letter, beside letters of ASCII.
    AmongLetters(char),
}

/// Returns how a reader sees a character, if not as itself.
pub fn of(character: char) -> Option<Disguise> {
    match character {
        _ if character.is_ascii() => None,
        '\u{ad}'
        | '\u{34f}'
        | '\u{180b}'..='\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e01ef}' => Some(Disguise::Nothing),
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xff01 + u32::from('!')).map(Disguise::Always),
        _ => LETTERS.iter().find(|(letter, _)| *letter == character).map(|(_, plain)| Disguise::AmongLetters(*plain)),
    }
}

/// Returns a name without disguise. A name without letters of ASCII is in another language, and is kept.
pub fn plain(name: &[u8]) -> Cow<'_, [u8]> {
    if name.is_ascii() {
        return Cow::Borrowed(name);
    }
    let is_mixed = name.iter().any(u8::is_ascii_alphabetic);
    let text = String::from_utf8_lossy(name);
    let letters = text.chars().filter_map(|character| match of(character) {
        Some(Disguise::Nothing) => None,
        Some(Disguise::Always(plain)) => Some(plain),
        Some(Disguise::AmongLetters(plain)) if is_mixed => Some(plain),
        _ => Some(character),
    });
    Cow::Owned(letters.collect::<String>().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_a_reader_reads_them() {
        for disguised in
            ["pаssword", "pass\u{200b}word", "ｐａｓｓｗｏｒｄ", "раѕѕword", "password\u{feff}", "pass\u{ad}word"]
        {
            assert_eq!(plain(disguised.as_bytes()), b"password".as_slice(), "{disguised}");
        }
        for kept in ["пароль", "κωδικός", "password", "motDePassé"] {
            assert_eq!(plain(kept.as_bytes()), kept.as_bytes(), "{kept}");
        }
    }
}
