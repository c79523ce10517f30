//! Work that two other threads do ahead, handed over in its order: whoever has the writer waits for nothing else.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use crate::VaultError;

const THREADS: usize = 2;

/// Pieces that are worked on, or wait to be taken. Sixteen are no faster, and take 25 MiB more.
const AHEAD: usize = 4;

/// A piece, and where what became of it goes.
type Piece<T, U> = (T, SyncSender<U>);

/// Does `work` for what `next` gives, until that is nothing, fails, or nobody takes what is given here. What panics is told by
/// the scope.
pub(crate) fn in_order<'scope, T: Send + 'scope, U: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    next: impl FnMut() -> Result<Option<T>, VaultError> + Send + 'scope,
    work: impl Fn(T) -> U + Send + Sync + 'scope,
) -> impl Iterator<Item = Result<U, VaultError>> {
    let (to_do, pieces) = sync_channel(AHEAD);
    let (begun, to_take) = sync_channel(AHEAD);
    let (pieces, work) = (Arc::new(Mutex::new(pieces)), Arc::new(work));
    for _ in 0..THREADS {
        let (pieces, work) = (Arc::clone(&pieces), Arc::clone(&work));
        scope.spawn(move || work_on(&pieces, &*work));
    }
    scope.spawn(move || hand_out(next, &to_do, &begun));
    to_take
        .into_iter()
        .map_while(|piece: Result<Receiver<U>, VaultError>| match piece {
            Ok(done) => done.recv().ok().map(Ok),
            Err(error) => Some(Err(error)),
        })
}

/// What [`in_order`] asks for, of changes.
pub(crate) fn parts(
    changes: Vec<Vec<u8>>,
    size: usize,
) -> impl FnMut() -> Result<Option<Vec<Vec<u8>>>, VaultError> + Send {
    let mut left = changes.into_iter();
    move || {
        let part: Vec<_> = left.by_ref().take(size).collect();
        Ok((!part.is_empty()).then_some(part))
    }
}

fn hand_out<T, U>(
    mut next: impl FnMut() -> Result<Option<T>, VaultError>,
    to_do: &SyncSender<Piece<T, U>>,
    begun: &SyncSender<Result<Receiver<U>, VaultError>>,
) {
    while let Some(piece) = next().transpose() {
        let (done, to_take) = sync_channel(1);
        let is_taken = match piece {
            Ok(piece) => begun.send(Ok(to_take)).is_ok() && to_do.send((piece, done)).is_ok(),
            Err(error) => {
                let _ = begun.send(Err(error));
                false
            }
        };
        if !is_taken {
            return;
        }
    }
}

fn work_on<T, U>(pieces: &Mutex<Receiver<Piece<T, U>>>, work: impl Fn(T) -> U) {
    loop {
        let next = pieces.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((piece, done)) = next else { return };
        // Nobody takes it any more when another one failed.
        let _ = done.send(work(piece));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn gives(n_pieces: u32, fails: bool) -> impl FnMut() -> Result<Option<u32>, VaultError> + Send {
        let mut given = 0;
        move || {
            given += 1;
            match given <= n_pieces {
                true => Ok(Some(given)),
                false if fails => Err(VaultError::Damaged),
                false => Ok(None),
            }
        }
    }

    #[test]
    fn pieces_come_in_their_order_and_all_of_them() {
        let done: Vec<u32> = std::thread::scope(|scope| {
            let done = in_order(scope, gives(1_000, false), |piece| {
                if piece % 7 == 0 {
                    std::thread::yield_now();
                }
                piece * 2
            });
            done.collect::<Result<_, _>>().unwrap()
        });
        assert_eq!(done, (1..=1_000).map(|piece| piece * 2).collect::<Vec<_>>());
    }

    #[test]
    fn what_fails_is_told_behind_what_did_not() {
        let done: Vec<Result<u32, VaultError>> =
            std::thread::scope(|scope| in_order(scope, gives(40, true), |piece| piece).collect());
        assert_eq!(done.len(), 41);
        assert!(done[..40].iter().all(Result::is_ok));
        assert!(matches!(done[40], Err(VaultError::Damaged)));
    }

    #[test]
    fn who_takes_no_more_ends_it() {
        let taken: u32 = std::thread::scope(|scope| {
            let mut endless = in_order(scope, || Ok(Some(3)), |piece: u32| piece);
            endless.next().unwrap().unwrap()
        });
        assert_eq!(taken, 3);
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_is_not_passed_over() {
        std::thread::scope(|scope| {
            let done = in_order(scope, gives(100, false), |piece| assert_ne!(piece, 50));
            assert!(done.count() < 100);
        });
    }
}
