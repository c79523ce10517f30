//! What happens in a play, and what may be wrong with a relay.

/// One thing that somebody does.
#[derive(Debug, Clone)]
pub enum Act {
    Grant(usize),
    Revoke(usize),
    /// The next release under a grant; in the place of the last one, or beside it.
    Release(usize, bool),
    /// A clinic asks, with its first or second device, from the beginning or from where it was.
    Pull(usize, usize, usize, bool),
    Clock(i64),
    Backup,
    PutBack,
    /// A clinic's second device, which is away else, hears all that its clinic knows by now.
    Hear(usize),
    /// A device comes, brings all that it holds, and says so.
    Confirm(usize, usize),
    SignHead(usize),
    /// The operator.
    Suspend(usize),
    Reactivate(usize),
    Remove(usize),
    /// A clinic's first device removes the second.
    RemoveSecond(usize),
    Post(usize),
    /// A clinic's device looks for letters, and says that it has them.
    FetchMail(usize, usize),
    AcknowledgeMail(usize, usize),
    ReadMail(usize, usize),
}

/// What is wrong with a relay that a play must notice: done behind its back after each act, as if the gate did not look there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// It does not look for revocations.
    ForgetsRevocations,
    /// It does not look whether a clinic is closed.
    OpensWhatIsClosed,
    /// It does not look at the clock.
    StopsTheClock,
    /// It writes the line of the one who asked alone.
    HidesAccessesFromTheGiver,
    /// It gives less than it may.
    KeepsReleasesBack,
    /// It serves whoever asks, as if it were the recipient.
    TakesEverybodyForTheRecipient,
    /// It gives what a suspended clinic gave.
    ServesTheSuspended,
    /// It does not keep all letters.
    LosesLetters,
}

impl Hand {
    pub fn sql(self) -> &'static str {
        match self {
            Self::ForgetsRevocations => "DELETE FROM revocation",
            Self::OpensWhatIsClosed => "DELETE FROM closed",
            Self::KeepsReleasesBack => "DELETE FROM release_for WHERE position > 1",
            Self::HidesAccessesFromTheGiver => {
                "DELETE FROM audit WHERE number = (SELECT position FROM head h WHERE h.tenant = audit.tenant AND feed = 2)
                 AND tenant = (SELECT min(tenant) FROM audit)"
            }
            Self::ServesTheSuspended => "DELETE FROM standing",
            Self::LosesLetters => "DELETE FROM mail WHERE position > 1",
            Self::StopsTheClock | Self::TakesEverybodyForTheRecipient => "",
        }
    }
}
