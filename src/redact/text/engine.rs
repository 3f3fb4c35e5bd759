//! Redacts line by line: by the state of preceding lines, by patterns, by base64, by what looks random;
//! pseudonyms come last.
//!
//! Text and streams share this code, so a log is redacted the same way whole or in pieces. Lines whose
//! redaction depends on a later one are held back (`held`).

use std::iter;
use std::ops::Range;
use std::sync::Arc;

use super::columns::Columns;
use super::held::{Held, HeldData, KindOfLine};
use super::joiner::Joiner;
use super::line::{Found, Line, MARK, holds_secret};
use super::line_state::{Effect, LineState, indentation, is_margin, last_word, member};
use super::pairs;
use super::patterns::Patterns;
use super::pem::{self, KeyLine, Opened};
use super::prefix::{begins_with_time, is_record, prefix};
use super::spans::Spans;
use crate::redact::Redactions;
use crate::redact::base64::{self, Base64Content};
use crate::redact::messages;
use crate::redact::pseudonyms::Table;
use crate::redact::random;
use crate::redact::rules::{Rule, Rules};
use crate::redact::unescape::Unescaped;
use crate::wire::BYTE_ORDER_MARK;

/// Maximum nesting of base64 that is decoded.
const MAX_DEPTH: u8 = 6;
/// Upper bound on base64 decoding per line: `BUDGET × length + ALLOWANCE` bytes. Base64 that exceeds it is
/// redacted undecoded.
const BUDGET: usize = 16;
const ALLOWANCE: usize = 64 * 1024;
/// A line end in an escaped text, and what a text begins behind in JSON.
const LINE_END: &[u8] = b"\\n";
const TEXT_BEGINS: [&[u8]; 3] = [b"\":\"", b"\": \"", b"=\""];
/// Replaces each byte of a secret in a packet.
const MASK: u8 = b'*';
/// Maximum length of a line that declares the kind of a YAML document.
const MAX_KIND: usize = 128;
/// Maximum length of a line of wrapped base64.
const MAX_WRAPPED: usize = 128;
/// Maximum number of bytes of a certificate or another public block without an end.
const MAX_PUBLIC: usize = 32 * 1024;

/// Patterns, rules and pseudonyms, shared by all texts of one redactor.
#[derive(Clone)]
pub(in crate::redact) struct Engine {
    pub(in crate::redact) patterns: &'static Patterns,
    pub(in crate::redact) rules: Rules,
    pub(in crate::redact) table: Arc<Table>,
    /// Whether tokens that look random are redacted.
    pub(in crate::redact) random_tokens: bool,
}

/// The state of a text between two lines.
#[derive(Default)]
pub(super) struct TextState {
    pub(super) line_state: LineState,
    /// Redacted lines held back.
    held: Held,
    /// Rule of a name whose value is in the following lines, until the first of them is counted.
    pending_rule: Option<Rule>,
    /// Whether names of Secrets are kept.
    pub(super) references: bool,
    depth: u8,
    /// Number of bytes that may still be decoded for this line: each encoding may hold several others.
    budget: usize,
    /// Whether these lines are of a Secret, whose `data` is redacted.
    secret: bool,
    /// Number of bytes left of a public block of base64.
    public: usize,
    /// The table that the lines belong to.
    columns: Columns,
    /// Whether the name of the text says that it is an identifier, which may look random.
    is_identifier: bool,
}

impl Engine {
    /// Redacts a whole text.
    pub(in crate::redact) fn text(&self, text: &[u8], references: bool, redactions: &mut Redactions) -> Vec<u8> {
        self.nested(text, &mut TextState { references, ..TextState::default() }, redactions)
    }

    /// Redacts the value of a field of an object.
    pub(in crate::redact) fn value(&self, name: &[u8], text: &[u8], redactions: &mut Redactions) -> Vec<u8> {
        let is_identifier = random::is_name_of_identifier(name);
        self.nested(text, &mut TextState { is_identifier, ..TextState::default() }, redactions)
    }

    /// Redacts what looks random in a text that all other rules passed; `None` if nothing changed.
    pub(in crate::redact) fn random(
        &self,
        text: &[u8],
        known: &dyn Fn(&[u8]) -> bool,
        redactions: &mut Redactions,
    ) -> Option<Vec<u8>> {
        let mut spans = Spans::new(redactions);
        let undone = Unescaped::deepest(text);
        self.scan_random(text, undone.as_ref(), &TextState::default(), known, &mut spans);
        spans.marked(text)
    }

    pub(super) fn nested(&self, text: &[u8], state: &mut TextState, redactions: &mut Redactions) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut joiner = Joiner::default();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            joiner.line(self, line, state, &mut out, redactions);
        }
        joiner.finish(self, state, &mut out, redactions);
        state.release(&mut out);
        out
    }

    /// Redacts one line, with its line end if it has one.
    pub(super) fn line(&self, whole: &[u8], state: &mut TextState, out: &mut Vec<u8>, redactions: &mut Redactions) {
        // A byte order mark would hide that a name starts the line.
        let (mark, rest) = whole.split_at(if whole.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 });
        let line = rest.strip_suffix(b"\n").unwrap_or(rest);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let clean = self.content(line, state, redactions);
        state.write(&[mark, clean.as_deref().unwrap_or(line)], &rest[line.len()..], out);
    }

    /// Redacts the content of one line, without its line end. Returns `None` if nothing changed.
    pub(super) fn content(&self, line: &[u8], state: &mut TextState, redactions: &mut Redactions) -> Option<Vec<u8>> {
        // UTF-16 would pass every pattern.
        if memchr::memchr(0, line).is_some() && self.rules.on(Rule::NotUnderstood) {
            redactions.count(Rule::NotUnderstood);
            return Some(MARK.to_vec());
        }
        if state.depth == 0 {
            state.budget = line.len() * BUDGET + ALLOWANCE;
        }
        state.notice_kind(line);
        let before = state.line_state;
        let mut spans = Spans::new(redactions);
        let (from, value) = match state.line_state.apply(line) {
            Effect::Whole => {
                if let Some(rule) = state.pending_rule.take() {
                    redactions.count(rule);
                }
                let margin = line.iter().take_while(|byte| is_margin(**byte) && **byte != b'-').count();
                return Some([&line[..margin], MARK].concat());
            }
            Effect::Member => {
                if !state.references
                    && let Some(value) = member(line)
                {
                    spans.add(value, None, before.rule());
                }
                (0, false)
            }
            Effect::Scan { from } => {
                spans.add_rest(0..from);
                (from, false)
            }
            Effect::Word(word) => {
                if !word.is_empty() {
                    spans.add(word, None, before.rule());
                }
                (0, false)
            }
            Effect::Value => (0, true),
        };
        if from == 0 && matches!(before, LineState::Below { .. }) && line.trim_ascii().is_empty() {
            state.line_state = before;
        } else {
            state.pending_rule = None;
        }
        for cell in state.columns.apply(line) {
            spans.add(cell, None, Rule::NamedValue);
        }
        let tail = self.find_secrets(line, from, value, state, &mut spans);
        self.key_line(line, state, &mut spans);
        if self.rules.on(Rule::EnvironmentValue) && state.notice_entry(line) {
            spans.count(Rule::EnvironmentValue);
        }
        if self.rules.on(Rule::SecretData)
            && let Some(inline) = state.notice_data(line)
        {
            spans.add(inline, None, Rule::SecretData);
        }
        let marked = spans.marked(line);
        if tail {
            state.withhold_held();
        }
        let renamed = self.table.replace(marked.as_deref().unwrap_or(line), self.rules, redactions);
        renamed.or(marked)
    }

    /// Replaces the bytes of secrets by stars in place, so that lengths and offsets are kept.
    pub(in crate::redact) fn mask(&self, bytes: &mut [u8], redactions: &mut Redactions) {
        let mut state = TextState::default();
        self.mask_messages(bytes, redactions);
        for line in bytes.split_inclusive_mut(|byte| *byte == b'\n') {
            let length = line.trim_ascii_end().len();
            let line = &mut line[..length];
            let mut spans = Spans::new(redactions);
            let from = match state.line_state.apply(line) {
                Effect::Whole => {
                    redactions.count(Rule::PrivateKey);
                    line.fill(MASK);
                    continue;
                }
                Effect::Scan { from } => from,
                Effect::Word(word) => {
                    spans.add(word, None, Rule::PrivateKey);
                    0
                }
                Effect::Member | Effect::Value => 0,
            };
            if from > 0 {
                spans.add(0..from, None, Rule::PrivateKey);
            }
            self.find_secrets(line, from, false, &mut state, &mut spans);
            self.key_line(line, &mut state, &mut spans);
            // Binary content has no indentation: of the state between lines only a key continues.
            if !state.line_state.is_key() {
                state.line_state = LineState::Nothing;
            }
            spans.ranges().for_each(|range| line[range].fill(MASK));
        }
    }

    /// Adds the spans of secrets, and returns whether the line ends a key that began before it.
    fn find_secrets(
        &self,
        line: &[u8],
        from: usize,
        value: bool,
        state: &mut TextState,
        spans: &mut Spans<'_>,
    ) -> bool {
        let tail = self.scan_as_written(line, from, value, state, spans);
        self.scan_base64(line, None, state, spans);
        let mut deepest = None;
        for undone in Unescaped::levels(line) {
            let mut inner = Line::new(&undone.bytes, state.references);
            let mut at = 0;
            while let Some(found) = self.patterns.next(&mut inner, at) {
                at = found.next_offset(at);
                if !found.is_empty() && self.rules.on(found.rule) {
                    spans.add(undone.source_range(&(found.start..found.end)), None, found.rule);
                }
            }
            self.scan_base64(&undone.bytes, Some(&undone), state, spans);
            deepest = Some(undone);
        }
        self.scan_lines(line, deepest.as_ref(), state, spans);
        self.scan_random(line, deepest.as_ref(), state, &|_| false, spans);
        tail
    }

    /// Adds what only the lines of an escaped text show to be secret, which has all of them in this line: a
    /// value below its name. What each of them shows by itself was found before.
    fn scan_lines(&self, line: &[u8], undone: Option<&Unescaped>, state: &TextState, spans: &mut Spans<'_>) {
        let text = undone.map_or(line, |undone| &undone.bytes);
        let Some(first_end) = memchr::memmem::find(text, LINE_END).filter(|_| state.depth < MAX_DEPTH) else { return };
        // Packets are not text, and without the rule for keys their lines are other base64.
        if text.iter().any(|byte| matches!(byte, 0..=8 | 14..=31)) || !self.rules.on(Rule::PrivateKey) {
            return;
        }
        // What looks random, and names, are for the whole line.
        let engine = Self { random_tokens: false, table: Arc::new(Table::none()), ..self.clone() };
        let fresh = || TextState {
            references: state.references,
            depth: state.depth + 1,
            budget: state.budget,
            ..TextState::default()
        };
        let mut inner_state = fresh();
        // The text begins and ends at its quotes, and the line may go on around it.
        let begins = |begin: &&[u8]| memchr::memmem::rfind(&text[..first_end], begin).map(|at| at + begin.len());
        let mut start = TEXT_BEGINS.iter().filter_map(begins).max().unwrap_or_default();
        while start < text.len() {
            let end = memchr::memmem::find(&text[start..], LINE_END).map_or(text.len(), |at| start + at);
            let is_last = end == text.len();
            let quote = memchr::memrchr(b'"', &text[start..end]).filter(|_| is_last).map_or(end, |quote| start + quote);
            let inner = &text[start..quote];
            let mut ignored = Redactions::default();
            let rule = inner_state.line_state.rule();
            if let Some(clean) = engine.content(inner, &mut inner_state, &mut ignored)
                && self.rules.on(rule)
            {
                let same = |pair: &(&u8, &u8)| pair.0 == pair.1;
                let before = inner.iter().zip(&clean).take_while(same).count();
                let rest = inner[before..].iter().rev().zip(clean[before.min(clean.len())..].iter().rev());
                let secret = start + before..start + inner.len() - rest.take_while(same).count();
                let written = undone.map_or(secret.clone(), |undone| undone.source_range(&secret));
                let mut is_new = || engine.content(inner, &mut fresh(), &mut ignored).as_ref() != Some(&clean);
                if !spans.touches(&written) || is_new() {
                    spans.add(written, None, rule);
                }
            }
            start = end + LINE_END.len();
        }
    }

    /// Adds tokens that look random, of the line with all its escapes `undone`.
    fn scan_random(
        &self,
        line: &[u8],
        undone: Option<&Unescaped>,
        state: &TextState,
        known: &dyn Fn(&[u8]) -> bool,
        spans: &mut Spans<'_>,
    ) {
        let is_public = state.public > 0 && pem::is_pure(&line[last_word(line)]);
        if !self.random_tokens || state.is_identifier || is_public || !self.rules.on(Rule::RandomToken) {
            return;
        }
        let text = undone.map_or(line, |undone| &undone.bytes);
        let mut at = 0;
        while let Some(token) = random::next(text, at, known) {
            at = token.end;
            let written = undone.map_or(token.clone(), |undone| undone.source_range(&token));
            spans.add(written, None, Rule::RandomToken);
        }
    }

    /// Replaces passwords of binary protocols by stars.
    fn mask_messages(&self, bytes: &mut [u8], redactions: &mut Redactions) {
        if self.rules.on(Rule::NamedValue) {
            for secret in messages::passwords(bytes) {
                bytes[secret].fill(MASK);
                redactions.count(Rule::NamedValue);
            }
        }
    }

    /// Applies the patterns to the line as written, which also determine the state for the next lines.
    fn scan_as_written(
        &self,
        bytes: &[u8],
        from: usize,
        value: bool,
        state: &mut TextState,
        spans: &mut Spans<'_>,
    ) -> bool {
        let mut line = Line::new(bytes, state.references);
        let (mut at, mut tail) = (from, false);
        let continued = state.line_state;
        if value
            && let Some(Found { start, end, rule, line_state, quoted, .. }) = pairs::value_of_variable(&mut line)
            && self.rules.on(rule)
        {
            spans.add(start..end, quoted, rule);
            at = end;
            state.line_state = state.line_state.max(line_state);
        }
        while let Some(found) = self.patterns.next(&mut line, at) {
            at = found.next_offset(at);
            if !self.rules.on(found.rule) {
                continue;
            }
            if found.is_empty() {
                state.pending_rule = Some(found.rule);
            } else {
                spans.add(found.start..found.end, found.quoted, found.rule);
            }
            state.line_state = match (found.line_state, state.line_state) {
                // Of two names, the last one continues.
                (LineState::Below { .. }, LineState::Below { .. }) => found.line_state,
                (new, old) => new.max(old),
            };
            tail |= found.tail;
        }
        // Content sent by a client, and a record, end with their line.
        if ends_with_its_line(bytes, state.line_state) {
            state.line_state = continued;
        }
        match pem::opened(bytes, self.patterns.certificates) {
            // A key may begin inside a value that was redacted whole.
            Some(Opened::Secret(key)) if self.rules.on(Rule::PrivateKey) => {
                state.line_state = state.line_state.max(key);
                state.public = 0;
            }
            Some(Opened::Public) => state.public = MAX_PUBLIC,
            _ => {}
        }
        tail
    }

    /// Redacts a line in the form of a key line whose label was not seen: the log was cut inside the key, or
    /// other lines are interleaved.
    fn key_line(&self, line: &[u8], state: &mut TextState, spans: &mut Spans<'_>) {
        let found = pem::key_line(line).filter(|_| self.rules.on(Rule::PrivateKey));
        if state.public > 0 {
            let is_over = pem::end_label(line).is_some();
            state.public = if is_over { 0 } else { state.public.saturating_sub(line.len() + 1) };
            return;
        }
        match found {
            Some(KeyLine { is_public: true, .. }) => state.public = MAX_PUBLIC,
            Some(KeyLine { start, end, .. }) => {
                spans.add(start..end, None, Rule::PrivateKey);
                state.line_state = state.line_state.max(LineState::body(start));
            }
            None => {}
        }
    }

    /// Adds base64 secrets outside the spans found so far; for an unescaped line, of the whole line.
    fn scan_base64(&self, line: &[u8], undone: Option<&Unescaped>, state: &mut TextState, spans: &mut Spans<'_>) {
        if !self.rules.on(Rule::Base64) || state.depth >= MAX_DEPTH {
            return;
        }
        let gaps = if undone.is_some() { iter::once(0..line.len()).collect() } else { spans.gaps(line.len()) };
        for gap in gaps {
            let mut at = gap.start;
            while let Some(run) = base64::run(&line[..gap.end], at) {
                at = run.end;
                // Characters glued to its front shift the groups by one to three.
                let shifts = if state.depth == 0 { 0..4 } else { 0..1 };
                // The character of an escape does not belong to the run.
                let run = run.start + usize::from(line[..run.start].ends_with(b"\\"))..run.end;
                // Runs without a newly undone escape were decoded before.
                if undone.is_some_and(|undone| !undone.is_new(&run)) {
                    continue;
                }
                let chars = &line[run.clone()];
                let mut secret = |skip| self.is_secret(base64::classify(chars, skip), state);
                if !base64::names_key(chars) && !shifts.clone().any(&mut secret) {
                    // The following lines of a certificate as PEM in wrapped base64 are public.
                    if run.len() <= MAX_WRAPPED && base64::begins_certificate(chars) && !self.patterns.certificates {
                        state.public = MAX_PUBLIC;
                    }
                    continue;
                }
                let written = undone.map_or(run.clone(), |undone| undone.source_range(&run));
                spans.add(written, None, Rule::Base64);
                let ends = line[run.end..].iter().all(u8::is_ascii_whitespace);
                let wrapped = run.len() <= MAX_WRAPPED && run.end == last_word(line).end;
                if undone.is_none() && (ends || wrapped) {
                    state.line_state = state.line_state.max(LineState::base64(run.len()));
                }
            }
        }
    }

    /// Returns whether the content of a run must be redacted.
    fn is_secret(&self, content: Base64Content, state: &mut TextState) -> bool {
        match content {
            Base64Content::Key | Base64Content::Archive => true,
            Base64Content::Certificate => self.patterns.certificates,
            Base64Content::Other => false,
            Base64Content::Text(text) => {
                let Some(budget) = state.budget.checked_sub(text.len()) else { return true };
                let mut found = Redactions::default();
                let public = state.public;
                let mut inner = TextState { depth: state.depth + 1, budget, public, ..TextState::default() };
                self.nested(&text, &mut inner, &mut found);
                state.budget = inner.budget;
                !found.is_empty()
            }
        }
    }
}

/// Returns whether the state implied by a line ends with it, because the line is a record or a message.
fn ends_with_its_line(line: &[u8], line_state: LineState) -> bool {
    match line_state {
        LineState::Nothing | LineState::Base64 { .. } | LineState::Body { .. } | LineState::Pem { .. } => false,
        LineState::Argument
        | LineState::Below { .. }
        | LineState::Prompt { .. }
        | LineState::Until { .. }
        | LineState::Value => is_record(line) || begins_with_time(line),
    }
}

impl TextState {
    /// Tracks whether the lines are of a Secret, which begins and ends with its document.
    fn notice_kind(&mut self, line: &[u8]) {
        let inner = line.trim_ascii();
        if inner.starts_with(b"---") {
            self.secret = false;
            self.held.decide(false);
            return;
        }
        let is_kind = inner.len() < MAX_KIND && !is_record(inner) && opens_with_kind(inner);
        let is_secret = is_kind && holds_secret(inner);
        self.secret |= is_secret;
        self.held.notice(line, if is_secret { KindOfLine::Secret } else { KindOfLine::of(is_kind) });
    }

    /// Tracks entries whose value precedes their name. Returns whether a value that came before is
    /// redacted because of this line.
    fn notice_entry(&mut self, line: &[u8]) -> bool {
        if self.references {
            return false;
        }
        let names_secret = self.line_state == LineState::Value && self.pending_rule == Some(Rule::EnvironmentValue);
        let Some(is_redacted) = self.held.notice_entry(line, names_secret) else { return false };
        self.line_state = LineState::Nothing;
        self.pending_rule = None;
        is_redacted
    }

    /// Marks everything below `data` of a Secret for redaction, and returns the rest of this line to redact.
    ///
    /// While the kind is not known, the lines below are held back: keys are often sorted, so `data` comes
    /// before `kind`.
    fn notice_data(&mut self, line: &[u8]) -> Option<Range<usize>> {
        const NAMES: [&[u8]; 4] = [b"data:", b"stringData:", b"\"data\":", b"\"stringData\":"];
        let margin = indentation(line);
        let inner = &line[margin..];
        let name = NAMES.iter().find(|name| inner.starts_with(name))?;
        let rest = inner[name.len()..].trim_ascii();
        let is_open = rest.is_empty() || rest == b"{" || rest.starts_with(b"#");
        if !self.secret {
            if is_open || rest.starts_with(b"{") {
                self.held.begin(HeldData::below(margin, margin + name.len()));
            }
            return None;
        }
        self.line_state = self.line_state.max(LineState::below(line, true));
        self.pending_rule = Some(Rule::SecretData);
        (!is_open).then(|| margin + name.len()..line.len())
    }

    /// Tracks a key through a withheld part of a line.
    pub(super) fn notice_key(&mut self, part: &[u8]) {
        match pem::opened(part, false) {
            Some(Opened::Secret(_)) => self.line_state = LineState::body(0),
            _ if self.line_state.is_key() && pem::end_label(part).is_some() => self.line_state = LineState::Nothing,
            _ => {}
        }
    }

    /// Writes a redacted line.
    pub(super) fn write_line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let inner = line.strip_suffix(b"\n").unwrap_or(line);
        self.write(&[inner], &line[inner.len()..], out);
    }

    /// Writes the lines held back.
    pub(super) fn release(&mut self, out: &mut Vec<u8>) {
        self.held.release(out);
    }

    fn write(&mut self, parts: &[&[u8]], end: &[u8], out: &mut Vec<u8>) {
        self.held.write(&parts.concat(), end, out);
    }

    /// Redacts the lines held back, which belong to a private key.
    fn withhold_held(&mut self) {
        self.held.withhold_base64();
    }
}

/// Returns whether `kind` starts the line, at most behind the prefix of a log. Elsewhere it is content that
/// somebody sent.
fn opens_with_kind(line: &[u8]) -> bool {
    let inner = &line[prefix(line).min(line.len())..];
    let inner = inner[indentation(inner)..].trim_ascii_start();
    let inner = inner.strip_prefix(b"{").unwrap_or(inner).trim_ascii_start();
    let inner = inner.strip_prefix(b"\"").or(inner.strip_prefix(b"'")).unwrap_or(inner);
    inner.starts_with(b"kind")
}
