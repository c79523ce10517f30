//! The prefix tree of a set: for each beginning of an id, how many ids begin so and what they sum up to.
//!
//! Sixteen branches a level, four levels below the root. Two sets whose buckets are equal are equal (BLAKE3 hashes that
//! a stranger cannot choose freely; a member who forged a sum could hide only its own changes, and only on the LAN).

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::ItemId;

/// Branches of each prefix.
pub const FAN_OUT: usize = 16;
/// Levels below the root; prefixes of this depth have no children.
pub const DEPTH: u8 = 4;

/// The first `depth` half-bytes of an id, none to four of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(u32);

impl Prefix {
    /// The beginning that all ids have.
    pub const ROOT: Self = Self(1);

    /// The prefix of this depth (at most [`DEPTH`]) that `id` has.
    pub fn of(id: &ItemId, depth: u8) -> Self {
        let depth = depth.min(DEPTH);
        let head = u32::from(u16::from_be_bytes([id.as_bytes()[0], id.as_bytes()[1]]));
        Self(1 << (4 * depth) | head >> (4 * (DEPTH - depth)))
    }

    /// Its number: a 1 and then its half-bytes. Good as a key: a child's number is sixteen times its parent's, and more.
    pub fn number(self) -> u32 {
        self.0
    }

    /// The prefix with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        let n_bits = number.checked_ilog2()?;
        (n_bits.is_multiple_of(4) && n_bits <= u32::from(4 * DEPTH)).then_some(Self(number))
    }

    /// How many half-bytes it has.
    pub fn depth(self) -> u8 {
        (self.0.ilog2() / 4) as u8
    }

    /// The next longer prefixes in order; `None` at [`DEPTH`].
    pub fn children(self) -> Option<[Self; FAN_OUT]> {
        (self.depth() < DEPTH).then(|| std::array::from_fn(|nth| Self(self.0 << 4 | nth as u32)))
    }

    /// Whether `id` begins so.
    pub fn holds(self, id: &ItemId) -> bool {
        Self::of(id, self.depth()) == self
    }

    /// The lowest and the highest id that begin so; between them lies nothing else.
    pub fn bounds(self) -> (ItemId, ItemId) {
        let n_free = 4 * (DEPTH - self.depth());
        let first = (self.0 << n_free) as u16;
        let last = first | ((1_u32 << n_free) - 1) as u16;
        let id = |head: u16, rest: u8| {
            let mut bytes = [rest; 32];
            bytes[..2].copy_from_slice(&head.to_be_bytes());
            ItemId::from_bytes(bytes)
        };
        (id(first, 0), id(last, 0xff))
    }
}

impl<C> Encode<C> for Prefix {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.u32(self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Prefix {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::from_number(d.u32()?).ok_or_else(|| minicbor::decode::Error::message("not a prefix"))
    }
}

/// All ids of one prefix, summed up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bucket {
    /// How many.
    pub n: u64,
    /// Their sum as 256-bit numbers, highest byte first; what runs over is dropped.
    pub sum: [u8; 32],
}

impl Bucket {
    /// One more id.
    pub fn add(&mut self, id: &ItemId) {
        self.join(&Self {
            n: 1,
            sum: *id.as_bytes(),
        });
    }

    /// One id less.
    pub fn remove(&mut self, id: &ItemId) {
        // Minus x is "not x" plus one.
        let mut one = [0; 32];
        one[31] = 1;
        self.sum = sum(&sum(&self.sum, &id.as_bytes().map(|byte| !byte)), &one);
        self.n = self.n.wrapping_sub(1);
    }

    /// All of another bucket's ids too.
    pub fn join(&mut self, other: &Self) {
        self.n = self.n.wrapping_add(other.n);
        self.sum = sum(&self.sum, &other.sum);
    }

    /// Whether it holds no id.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn sum(one: &[u8; 32], other: &[u8; 32]) -> [u8; 32] {
    let mut sum = [0; 32];
    let mut carry = 0;
    for at in (0..32).rev() {
        let digit = u16::from(one[at]) + u16::from(other[at]) + carry;
        sum[at] = digit as u8;
        carry = digit >> 8;
    }
    sum
}

/// An empty bucket is one byte.
impl<C> Encode<C> for Bucket {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        if self.is_empty() {
            return e.null()?.ok();
        }
        e.array(2)?.u64(self.n)?.bytes(&self.sum)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Bucket {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let malformed = || minicbor::decode::Error::message("not a bucket");
        if d.datatype()? == minicbor::data::Type::Null {
            d.null()?;
            return Ok(Self::default());
        }
        if d.array()? != Some(2) {
            return Err(malformed());
        }
        let n = d.u64()?;
        let sum = d.bytes()?.try_into().map_err(|_| malformed())?;
        Ok(Self { n, sum })
    }
}

/// A tree in memory; only buckets that hold something take room.
///
/// A store in memory keeps one. A store on disk keeps the buckets in a table by [`Prefix::number`], collects what one
/// transaction adds in an empty tree, and at its end joins [`Tree::buckets`] to the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    buckets: BTreeMap<Prefix, Bucket>,
}

impl Tree {
    /// The tree of these ids, each of which comes once.
    pub fn of(ids: impl IntoIterator<Item = ItemId>) -> Self {
        let mut tree = Self::default();
        ids.into_iter().for_each(|id| tree.add(&id));
        tree
    }

    /// One more id. The caller knows that it was not in.
    pub fn add(&mut self, id: &ItemId) {
        self.change(id, Bucket::add);
    }

    /// One id less. The caller knows that it was in.
    pub fn remove(&mut self, id: &ItemId) {
        self.change(id, Bucket::remove);
    }

    /// The bucket of a prefix.
    pub fn bucket(&self, prefix: Prefix) -> Bucket {
        self.buckets.get(&prefix).copied().unwrap_or_default()
    }

    /// The buckets of a prefix's children, in order; empty ones where it has no children.
    pub fn children(&self, prefix: Prefix) -> [Bucket; FAN_OUT] {
        prefix
            .children()
            .map_or_else(Default::default, |children| children.map(|child| self.bucket(child)))
    }

    /// Every bucket that is not empty.
    pub fn buckets(&self) -> impl Iterator<Item = (Prefix, &Bucket)> {
        self.buckets.iter().map(|(prefix, bucket)| (*prefix, bucket))
    }

    fn change(&mut self, id: &ItemId, change: impl Fn(&mut Bucket, &ItemId)) {
        for depth in 0..=DEPTH {
            let prefix = Prefix::of(id, depth);
            let bucket = self.buckets.entry(prefix).or_default();
            change(bucket, id);
            if bucket.is_empty() {
                self.buckets.remove(&prefix);
            }
        }
    }
}
