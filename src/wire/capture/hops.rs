//! Times to live of a server's packets: an RST of another device has its own.

use super::few::Few;
use super::layers::Segment;

/// Maximum number of different times to live that are kept. Where there are more, nothing can be concluded.
const MAX_HOPS: usize = 4;

/// What the packets of one server had left of their hops.
#[derive(Debug, Default)]
pub(super) struct Hops {
    /// Of packets other than an RST: on a node each is captured several times.
    known: Few<u8, MAX_HOPS>,
    /// Of the RST that ended the connection, if no other packet has that.
    pub(super) foreign_reset: Option<u8>,
}

impl Hops {
    /// Adds a packet of the server. The first RST ends a connection, so that later ones do not count.
    pub(super) fn add(&mut self, segment: &Segment<'_>, is_over: bool) {
        let is_known = self.known.all().contains(&segment.hops);
        if segment.rst {
            let can_tell = (1..MAX_HOPS).contains(&self.known.all().len()) && !is_over;
            self.foreign_reset = self.foreign_reset.or((can_tell && !is_known).then_some(segment.hops));
        } else if !is_known {
            self.known.push(segment.hops);
        }
    }
}
