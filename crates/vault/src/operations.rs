//! The operations of one change as far as they refer to others: read from the bytes as Automerge packs them, without copies.
//!
//! What they say (values, marks' names) is not looked at. Automerge has read the same columns before, and refused what it
//! could not read.

use automerge::Change;

use crate::columns::{self, number, signed};

/// An operation by its place in the list of writers that the change has (0 is its own), and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub writer: u64,
    pub number: u64,
}

/// Where in its container an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'c> {
    /// Under a key of a map.
    Key(&'c str),
    /// Before the first item of a list.
    Head,
    /// At an item of a list, or right behind it.
    Item(Name),
}

/// One operation. Those that it takes the place of come beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operation<'c> {
    /// The container; `None` is the root.
    pub within: Option<Name>,
    pub place: Place<'c>,
    /// It makes an item of its own, behind `place`.
    pub inserts: bool,
    pub action: u64,
}

/// What operations do, in Automerge's numbers.
pub(crate) mod action {
    pub(crate) const MAKE_MAP: u64 = 0;
    pub(crate) const MAKE_LIST: u64 = 2;
    pub(crate) const DELETE: u64 = 3;
    pub(crate) const MAKE_TEXT: u64 = 4;
    pub(crate) const MAKE_TABLE: u64 = 6;
    pub(crate) const MARK: u64 = 7;
}

/// Gives each operation of a change, in order, with those that it takes the place of, until `each` has enough. `None` when it
/// has, or when they cannot be read.
pub(crate) fn read<'c>(change: &'c Change, mut each: impl FnMut(Operation<'c>, &[Name]) -> Option<()>) -> Option<()> {
    let mut columns = Columns::of(change.raw_bytes())?;
    let mut over = Vec::new();
    for _ in 0..change.len() {
        let operation = columns.next(&mut over)?;
        each(operation, &over)?;
    }
    Some(())
}

/// Columns of a change, by Automerge's numbers for them.
mod spec {
    pub(super) const WITHIN_WRITER: u64 = 0x01;
    pub(super) const WITHIN_NUMBER: u64 = 0x02;
    pub(super) const ITEM_WRITER: u64 = 0x11;
    pub(super) const ITEM_NUMBER: u64 = 0x13;
    pub(super) const KEY: u64 = 0x15;
    pub(super) const INSERTS: u64 = 0x34;
    pub(super) const ACTION: u64 = 0x42;
    pub(super) const N_OVER: u64 = 0x70;
    pub(super) const OVER_WRITER: u64 = 0x71;
    pub(super) const OVER_NUMBER: u64 = 0x73;
}

#[derive(Default)]
struct Columns<'c> {
    within_writer: Runs<'c>,
    within_number: Runs<'c>,
    item_writer: Runs<'c>,
    item_number: Sums<'c>,
    key: Runs<'c>,
    inserts: Flags<'c>,
    action: Runs<'c>,
    n_over: Runs<'c>,
    over_writer: Runs<'c>,
    over_number: Sums<'c>,
}

impl<'c> Columns<'c> {
    fn of(chunk: &'c [u8]) -> Option<Self> {
        let (_, mut rest) = columns::chunk(chunk)?;
        let rest = &mut rest;
        let n_parents = number(rest)?;
        take(rest, n_parents.checked_mul(32)?)?;
        text(rest)?; // writer
        for _ in 0..3 {
            number(rest)?; // place in its history, first operation, time
        }
        text(rest)?; // message
        for _ in 0..number(rest)? {
            text(rest)?; // other writers
        }
        let mut announced = *rest;
        let n_columns = number(rest)?;
        for _ in 0..n_columns.checked_mul(2)? {
            number(rest)?;
        }
        number(&mut announced)?;
        let mut columns = Self::default();
        for _ in 0..n_columns {
            let (spec, n_bytes) = (number(&mut announced)?, number(&mut announced)?);
            let bytes = take(rest, n_bytes)?;
            match spec {
                spec::WITHIN_WRITER => columns.within_writer = Runs::of(bytes),
                spec::WITHIN_NUMBER => columns.within_number = Runs::of(bytes),
                spec::ITEM_WRITER => columns.item_writer = Runs::of(bytes),
                spec::ITEM_NUMBER => columns.item_number = Sums::of(bytes),
                spec::KEY => columns.key = Runs::of(bytes),
                spec::INSERTS => columns.inserts.bytes = bytes,
                spec::ACTION => columns.action = Runs::of(bytes),
                spec::N_OVER => columns.n_over = Runs::of(bytes),
                spec::OVER_WRITER => columns.over_writer = Runs::of(bytes),
                spec::OVER_NUMBER => columns.over_number = Sums::of(bytes),
                _ => {}
            }
        }
        // Half a name is none.
        if columns.within_writer.is_empty() || columns.within_number.is_empty() {
            (columns.within_writer, columns.within_number) = Default::default();
        }
        Some(columns)
    }

    fn next(&mut self, over: &mut Vec<Name>) -> Option<Operation<'c>> {
        let within = match (self.within_writer.number()?, self.within_number.number()?) {
            (None, None) | (_, Some(0)) => None,
            (Some(writer), Some(number)) => Some(Name { writer, number }),
            _ => return None,
        };
        let item = (self.item_writer.number()?, self.item_number.number()?);
        let place = match (self.key.text()?, item) {
            (Some(key), (None, None)) => Place::Key(key),
            (None, (_, Some(0))) => Place::Head,
            (None, (Some(writer), Some(number))) => Place::Item(Name { writer, number }),
            _ => return None,
        };
        over.clear();
        for _ in 0..self.n_over.number()?? {
            let (writer, number) = (self.over_writer.number()??, self.over_number.number()??);
            over.push(Name { writer, number });
        }
        Some(Operation {
            within,
            place,
            inserts: self.inserts.flag()?,
            action: self.action.number()??,
        })
    }
}

/// A column of runs: a count and one value; minus a count and so many values; zero and a count of nothings. Behind its end
/// there are nothings.
#[derive(Default)]
struct Runs<'c> {
    bytes: &'c [u8],
    n_same: u64,
    n_listed: u64,
    n_nothings: u64,
    /// What the present run repeats, as it is packed.
    same: &'c [u8],
}

impl<'c> Runs<'c> {
    fn of(bytes: &'c [u8]) -> Self {
        Self {
            bytes,
            ..Self::default()
        }
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Goes on to the next entry; says where its value stands. The inner `None` is a nothing.
    fn next(&mut self, value: impl Fn(&mut &'c [u8]) -> Option<()>) -> Option<Option<&'c [u8]>> {
        loop {
            if self.n_same > 0 {
                self.n_same -= 1;
                return Some(Some(self.same));
            }
            if self.n_listed > 0 {
                self.n_listed -= 1;
                return Some(Some(one(&mut self.bytes, value)?));
            }
            if self.n_nothings > 0 {
                self.n_nothings -= 1;
                return Some(None);
            }
            if self.bytes.is_empty() {
                return Some(None);
            }
            match signed(&mut self.bytes)? {
                0 => self.n_nothings = number(&mut self.bytes)?,
                count @ 1.. => {
                    self.n_same = count.unsigned_abs();
                    self.same = one(&mut self.bytes, &value)?;
                }
                count => self.n_listed = count.unsigned_abs(),
            }
        }
    }

    fn number(&mut self) -> Option<Option<u64>> {
        match self.next(|bytes| number(bytes).map(drop))? {
            Some(mut packed) => Some(Some(number(&mut packed)?)),
            None => Some(None),
        }
    }

    fn signed(&mut self) -> Option<Option<i64>> {
        match self.next(|bytes| number(bytes).map(drop))? {
            Some(mut packed) => Some(Some(signed(&mut packed)?)),
            None => Some(None),
        }
    }

    fn text(&mut self) -> Option<Option<&'c str>> {
        match self.next(text)? {
            Some(mut packed) => {
                number(&mut packed)?;
                Some(Some(std::str::from_utf8(packed).ok()?))
            }
            None => Some(None),
        }
    }
}

/// A column of differences, as runs: each number is the one before it and so many more.
#[derive(Default)]
struct Sums<'c> {
    runs: Runs<'c>,
    last: i64,
}

impl<'c> Sums<'c> {
    fn of(bytes: &'c [u8]) -> Self {
        Self {
            runs: Runs::of(bytes),
            last: 0,
        }
    }

    fn number(&mut self) -> Option<Option<u64>> {
        let Some(more) = self.runs.signed()? else {
            return Some(None);
        };
        self.last = self.last.checked_add(more)?;
        Some(Some(u64::try_from(self.last).ok()?))
    }
}

/// Counts of noes and yeses in turn.
#[derive(Default)]
struct Flags<'c> {
    bytes: &'c [u8],
    n_left: u64,
    is_yes: bool,
    has_begun: bool,
}

impl Flags<'_> {
    fn flag(&mut self) -> Option<bool> {
        while self.n_left == 0 {
            self.n_left = number(&mut self.bytes)?;
            self.is_yes = self.has_begun && !self.is_yes;
            self.has_begun = true;
        }
        self.n_left -= 1;
        Some(self.is_yes)
    }
}

/// One value, as it is packed.
fn one<'c>(bytes: &mut &'c [u8], value: impl Fn(&mut &'c [u8]) -> Option<()>) -> Option<&'c [u8]> {
    let before = *bytes;
    value(bytes)?;
    before.get(..before.len() - bytes.len())
}

fn text(rest: &mut &[u8]) -> Option<()> {
    let n_bytes = number(rest)?;
    take(rest, n_bytes).map(drop)
}

fn take<'c>(rest: &mut &'c [u8], n_bytes: u64) -> Option<&'c [u8]> {
    let (taken, left) = rest.split_at_checked(usize::try_from(n_bytes).ok()?)?;
    *rest = left;
    Some(taken)
}
