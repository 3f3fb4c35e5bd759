//! Names of passwords and secrets in languages other than English.
//!
//! Source: the labels of "password" in Wikidata (Q161157, CC0), and the words of the same languages for a
//! secret, a private key and an access code. All are in lower case and without punctuation, as names are
//! compared; [`SPACED`] has those that are written with spaces or other marks.

/// Names that end in one of these are secret.
pub const ENDINGS: &[&str] = &[
    "adgangskode",
    "chaveprivada",
    "chavesecreta",
    "chiaveprivata",
    "chiavesegreta",
    "clave",
    "claveprivada",
    "clavesecreta",
    "cleprivee",
    "clesecrete",
    "cléprivée",
    "clésecrète",
    "codesecret",
    "contrasena",
    "contrasenya",
    "contraseña",
    "contrasinal",
    "credenciais",
    "credencial",
    "credenciales",
    "credenziale",
    "credenziali",
    "fjalëkalim",
    "geheimnis",
    "geheimzahl",
    "geslo",
    "haslo",
    "hasło",
    "heslo",
    "jelszo",
    "jelszó",
    "katalaluan",
    "katasandi",
    "kennwort",
    "kluczprywatny",
    "kodeord",
    "losenord",
    "lozinka",
    "lykilorð",
    "lösenord",
    "matkhau",
    "motdepasse",
    "mậtkhẩu",
    "palavrapasse",
    "parola",
    "paroladordine",
    "parolă",
    "parool",
    "pasahitza",
    "passord",
    "passwoord",
    "passwort",
    "privaterschlüssel",
    "salasana",
    "secreto",
    "segredo",
    "segreto",
    "senha",
    "sifre",
    "sifresi",
    "slaptazodis",
    "slaptažodis",
    "wachtwoord",
    "şifre",
    "şifresi",
    "κωδικόσπρόσβασησ",
    "συνθηματικό",
    "гасло",
    "закрытыйключ",
    "лозинка",
    "парола",
    "пароль",
    "приватныйключ",
    "секрет",
    "секретныйключ",
    "токен",
    "գաղտնաբառ",
    "סיסמא",
    "סיסמה",
    "رمزعبور",
    "كلمةالسر",
    "كلمةالمرور",
    "كلمةسر",
    "كلمةمرور",
    "گذرواژه",
    "पासवरड",
    "รหัสผาน",
    "パスフレーズ",
    "パスワード",
    "暗証番号",
    "秘密鍵",
    "令牌",
    "口令",
    "密码",
    "密碼",
    "密钥",
    "密鑰",
    "秘钥",
    "私钥",
    "私鑰",
    "개인키",
    "비밀번호",
    "비밀키",
    "암호",
];

/// Words that are secret names on their own, and parts of other words.
pub const WHOLE: &[&str] = &["parole", "sandi", "סוד", "سر", "秘密", "비밀"];

/// Names that end like a secret one and are not: key words, public keys, enclaves.
pub(super) const HARMLESS: &[&str] =
    &["autoclave", "clavepublica", "clavepública", "conclave", "enclave", "palabraclave", "palabrasclave"];

/// Secret names as they are written in texts.
pub const SPACED: &[&str] = &[
    "chave privada",
    "chave secreta",
    "chiave privata",
    "chiave segreta",
    "clave privada",
    "clave secreta",
    "clé privée",
    "clé secrète",
    "code secret",
    "kata laluan",
    "kata sandi",
    "klucz prywatny",
    "mot de passe",
    "mot-de-passe",
    "mot_de_passe",
    "mật khẩu",
    "palavra passe",
    "palavra-passe",
    "palavra_passe",
    "parola d'ordine",
    "parola d’ordine",
    "privater schlüssel",
    "κωδικός πρόσβασης",
    "закрытый ключ",
    "приватный ключ",
    "секретный ключ",
    "رمز عبور",
    "كلمة السر",
    "كلمة المرور",
    "كلمة سر",
    "كلمة مرور",
    "पासवर्ड",
    "รหัสผ่าน",
];

/// Verbs between such a name and its value in a sentence.
pub const VERBS: &[&[u8]] = &[
    b"era",
    b"es",
    b"est",
    b"foi",
    b"is",
    b"ist",
    b"je",
    b"jest",
    b"lautet",
    b"on",
    b"war",
    "é".as_bytes(),
    "è".as_bytes(),
    "är".as_bytes(),
    "—".as_bytes(),
];

/// Particles and verbs that follow such a name without a space.
pub const PARTICLES: &[&str] = &["は", "为", "為", "是", "는", "은"];

/// Returns every word by which such a name is found in a text, in the cases in which it is written.
pub fn words() -> impl Iterator<Item = String> {
    SPACED.iter().chain(ENDINGS).chain(WHOLE).flat_map(|word| {
        let mut cases = vec![(*word).to_owned()];
        // A search ignores the case of ASCII letters only.
        if !word.is_ascii() {
            let first = word.chars().next().map_or(0, char::len_utf8);
            let (first, rest) = word.split_at(first);
            cases.extend([first.to_uppercase() + rest, word.to_uppercase()]);
        }
        cases.dedup();
        cases
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::{ValueKind, of};

    #[test]
    fn every_word_is_a_secret_name_in_all_its_cases() {
        for word in words() {
            assert_eq!(of(word.as_bytes()), ValueKind::Secret, "{word}");
            assert_eq!(of(word.to_uppercase().as_bytes()), ValueKind::Secret, "{word}");
        }
        for word in HARMLESS {
            assert_eq!(of(word.as_bytes()), ValueKind::NotSecret, "{word}");
        }
    }
}
