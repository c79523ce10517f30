//! What was named in one direction of a connection; the same at both of its ends after each change.

use seal::{DeviceId, DocumentId, EpochId, Header, OpeningId, TenantId};

use super::head::{Head, Named, NewId, NewWriter};
use crate::limits::{MAX_NAMED_IDS, MAX_NAMED_WRITERS};

/// The only version of a header that is taken apart.
pub(super) const HEADER_VERSION: u16 = 1;

/// Ids, and writers with the last number of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dictionary {
    ids: Places<[u8; 32]>,
    writers: Places<Writer>,
    /// Of the writer at the same place.
    numbers: Vec<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Writer {
    tenant: TenantId,
    epoch: EpochId,
    device: DeviceId,
    opening: OpeningId,
}

/// So many things at most; once all places are taken, the one that was taken first is taken anew.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Places<T> {
    /// From the place `first` on, and round.
    taken: Vec<T>,
    first: usize,
    next: usize,
    max: usize,
}

impl<T: Copy + PartialEq> Places<T> {
    fn new(max: usize) -> Self {
        Self {
            taken: Vec::new(),
            first: 0,
            next: 0,
            max,
        }
    }

    fn take(&mut self, new: T) -> usize {
        let place = self.next;
        let nth = self.nth(place);
        match self.taken.get_mut(nth) {
            Some(old) => *old = new,
            None => self.taken.push(new),
        }
        self.next = (place + 1) % self.max;
        place
    }

    fn at(&self, place: u64) -> Option<(usize, T)> {
        let place = usize::try_from(place).ok().filter(|place| *place < self.max)?;
        self.taken.get(self.nth(place)).map(|found| (place, *found))
    }

    /// There are few, and what was said last is asked for most.
    fn find(&self, wanted: &T) -> Option<usize> {
        let (newer, older) = self.taken.split_at(match self.nth(self.next) {
            0 => self.taken.len(),
            nth => nth,
        });
        let in_newer = newer.iter().rposition(|one| one == wanted);
        let nth = in_newer.or_else(|| older.iter().rposition(|one| one == wanted).map(|nth| nth + newer.len()));
        nth.map(|nth| (self.first + nth) % self.max)
    }

    /// What was taken is not known here any more; the next thing takes the place that it would have taken.
    fn forget(&mut self) {
        self.taken = Vec::new();
        self.first = self.next;
    }

    fn nth(&self, place: usize) -> usize {
        (place + self.max - self.first) % self.max
    }
}

impl Dictionary {
    /// What both ends know when a connection begins has its place already.
    pub(super) fn new(tenant: &TenantId, devices: &[DeviceId]) -> Self {
        let mut ids = Places::new(MAX_NAMED_IDS);
        ids.take(*tenant.as_bytes());
        devices.iter().for_each(|device| {
            ids.take(*device.as_bytes());
        });
        Self {
            ids,
            writers: Places::new(MAX_NAMED_WRITERS),
            numbers: Vec::new(),
        }
    }

    /// The header as it is said.
    pub(super) fn say(&mut self, header: &Header) -> Head {
        let writer = Writer {
            tenant: header.tenant,
            epoch: header.epoch,
            device: header.device,
            opening: header.opening,
        };
        let (place, said) = match self.writers.find(&writer) {
            Some(place) => (place, Named::At(place as u64)),
            None => {
                let new = NewWriter {
                    tenant: self.say_id(writer.tenant.as_bytes()),
                    epoch: self.say_id(writer.epoch.as_bytes()),
                    device: self.say_id(writer.device.as_bytes()),
                    opening: writer.opening,
                };
                (self.take(writer), Named::New(new))
            }
        };
        let before = std::mem::replace(&mut self.numbers[place], header.number);
        Head {
            writer: said,
            document: self.say_id(header.document.as_bytes()),
            step: header.number.wrapping_sub(before).cast_signed(),
            kind: header.kind,
        }
    }

    /// The header that was said; `None` for a place that nobody took.
    pub(super) fn hear(&mut self, head: Head) -> Option<Header> {
        let (place, writer) = match head.writer {
            Named::At(place) => self.writers.at(place)?,
            Named::New(new) => {
                let writer = Writer {
                    tenant: TenantId::from_bytes(self.hear_id(new.tenant)?),
                    epoch: EpochId::from_bytes(self.hear_id(new.epoch)?),
                    device: DeviceId::from_bytes(self.hear_id(new.device)?),
                    opening: new.opening,
                };
                (self.take(writer), writer)
            }
        };
        let number = self.numbers[place].wrapping_add_signed(head.step);
        self.numbers[place] = number;
        Some(Header {
            version: HEADER_VERSION,
            tenant: writer.tenant,
            document: DocumentId::from_bytes(self.hear_id(head.document)?),
            epoch: writer.epoch,
            device: writer.device,
            opening: writer.opening,
            number,
            kind: head.kind,
        })
    }

    /// For the end that speaks, and has nothing to say for a while: it names again what it names next, in places that
    /// the other end gives it just the same.
    pub(super) fn forget(&mut self) {
        self.ids.forget();
        self.writers.forget();
    }

    /// For the end that listens, and must know it all: in no more memory than that takes.
    pub(super) fn shrink(&mut self) {
        self.ids.taken.shrink_to_fit();
        self.writers.taken.shrink_to_fit();
        self.numbers.shrink_to_fit();
    }

    /// Ids and writers that are remembered.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.ids.taken.len(), self.writers.taken.len())
    }

    fn take(&mut self, writer: Writer) -> usize {
        let place = self.writers.take(writer);
        match self.numbers.get_mut(place) {
            Some(number) => *number = 0,
            None => self.numbers.push(0),
        }
        place
    }

    fn say_id(&mut self, id: &[u8; 32]) -> Named<NewId> {
        match self.ids.find(id) {
            Some(place) => Named::At(place as u64),
            None => {
                self.ids.take(*id);
                Named::New(NewId(*id))
            }
        }
    }

    fn hear_id(&mut self, id: Named<NewId>) -> Option<[u8; 32]> {
        match id {
            Named::At(place) => self.ids.at(place).map(|(_, id)| id),
            Named::New(NewId(id)) => {
                self.ids.take(id);
                Some(id)
            }
        }
    }
}
