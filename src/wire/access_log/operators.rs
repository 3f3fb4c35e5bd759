//! Command operators of Envoy's formats: `%REQUESTED_SERVER_NAME%`, `%START_TIME(%s)%`.

use super::record::Field;

/// A piece of a format.
#[derive(Debug, PartialEq)]
pub(super) enum Token<'a> {
    Literal(&'a str),
    /// `%%`.
    Percent,
    /// Name and arguments.
    Operator(&'a str, &'a str),
}

/// Splits a format into its pieces: `%NAME%`, `%NAME(arguments)%`, `%NAME(arguments):length%`, and text
/// between.
pub(super) fn tokens(format: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = format;
    while !rest.is_empty() {
        let Some(open) = rest.find('%') else {
            tokens.push(Token::Literal(rest));
            break;
        };
        let (literal, from) = rest.split_at(open);
        if !literal.is_empty() {
            tokens.push(Token::Literal(literal));
        }
        let inner = from.get(1..).unwrap_or_default();
        if let Some(after) = inner.strip_prefix('%') {
            tokens.push(Token::Percent);
            rest = after;
            continue;
        }
        // Arguments may hold percent signs: `%START_TIME(%s.%3f)%`.
        let name_end = inner.find(['%', '(', ':']).unwrap_or(inner.len());
        let (name, after_name) = inner.split_at(name_end);
        let (arguments, after) = match after_name.strip_prefix('(') {
            Some(arguments) => arguments.split_once(')').unwrap_or((arguments, "")),
            None => ("", after_name),
        };
        let Some(end) = after.find('%') else {
            tokens.push(Token::Literal(from));
            break;
        };
        tokens.push(Token::Operator(name, arguments));
        rest = after.get(end + 1..).unwrap_or_default();
    }
    tokens
}

/// Of operators that mean the same field, those that are read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Preferred {
    /// The peer's address, as in Apigee's format, not the one from headers.
    remote: Option<&'static str>,
    /// Whether the time at which the record was written is the only one.
    only_emit_time: bool,
}

impl Preferred {
    /// Returns the operators that are read of a format.
    pub(super) fn of(format: &str) -> Self {
        let has = |operator: &&str| format.contains(&format!("%{operator}"));
        Self {
            remote: ["DOWNSTREAM_DIRECT_REMOTE_ADDRESS", "DOWNSTREAM_REMOTE_ADDRESS"].into_iter().find(has),
            only_emit_time: !has(&"START_TIME"),
        }
    }

    /// Returns whether an operator is the time that is read.
    pub(super) fn is_time(self, name: &str) -> bool {
        name == "START_TIME" || name == "EMIT_TIME" && self.only_emit_time
    }
}

/// Returns the field of an operator.
pub(super) fn field_of(name: &str, arguments: &str, preferred: Preferred) -> Option<Field> {
    let remote_operator = name.strip_suffix("_WITHOUT_PORT").unwrap_or(name);
    Some(match name {
        "REQUESTED_SERVER_NAME" if is_sni_alone(arguments) => Field::Name,
        "RESPONSE_CODE" => Field::Status,
        "RESPONSE_CODE_DETAILS" => Field::Details,
        "RESPONSE_FLAGS" | "RESPONSE_FLAGS_LONG" => Field::Flags,
        _ if preferred.is_time(name) => Field::Start,
        "DOWNSTREAM_TLS_VERSION" => Field::Tls,
        "DOWNSTREAM_TRANSPORT_FAILURE_REASON" => Field::Failure,
        "REQ" if arguments.eq_ignore_ascii_case(":authority") || arguments.eq_ignore_ascii_case("host") => Field::Host,
        _ if matches!(remote_operator, "DOWNSTREAM_REMOTE_ADDRESS" | "DOWNSTREAM_DIRECT_REMOTE_ADDRESS")
            && preferred.remote.is_none_or(|remote| remote == remote_operator) =>
        {
            Field::Remote
        }
        _ => return None,
    })
}

/// Returns whether the server name is that of the ClientHello alone: `SNI_FIRST` and `HOST_FIRST` write the
/// host of the request in its place. Source: Envoy documentation, "Substitution formatter".
fn is_sni_alone(arguments: &str) -> bool {
    matches!(arguments.split(':').next(), Some("" | "SNI_ONLY"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_may_be_the_host_is_no_server_name() {
        let field = |arguments| field_of("REQUESTED_SERVER_NAME", arguments, Preferred::default());
        for arguments in ["", "SNI_ONLY", "SNI_ONLY:HOST"] {
            assert_eq!(field(arguments), Some(Field::Name), "{arguments}");
        }
        for arguments in ["SNI_FIRST", "SNI_FIRST:ORIG", "HOST_FIRST"] {
            assert_eq!(field(arguments), None, "{arguments}");
        }
    }

    #[test]
    fn splits_a_format_at_its_operators() {
        assert_eq!(
            tokens("[%START_TIME(%s.%3f)%] 100%% %REQ(:AUTHORITY):20%x%PROTOCOL%"),
            [
                Token::Literal("["),
                Token::Operator("START_TIME", "%s.%3f"),
                Token::Literal("] 100"),
                Token::Percent,
                Token::Literal(" "),
                Token::Operator("REQ", ":AUTHORITY"),
                Token::Literal("x"),
                Token::Operator("PROTOCOL", ""),
            ]
        );
        for broken in ["%", "a%", "%A", "%A(", "%A(b", "%A(b)", "%A:", "é%é"] {
            let text: usize = tokens(broken).iter().map(|token| usize::from(*token != Token::Percent)).sum();
            assert!(text <= 2, "{broken}");
        }
    }
}
