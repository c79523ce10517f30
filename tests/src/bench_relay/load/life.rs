//! One device of the load: it connects, speaks, is cut off and comes again.

use std::{cell::RefCell, rc::Rc};

use anyhow::Result;
use sync_client::Backoff;
use sync_protocol::RefusedCode;
use tokio::{sync::mpsc, time::sleep};

use super::{
    super::{
        line::{Line, Place},
        talk::{Heard, Talk},
    },
    Shared, Word,
};

/// One device from now on.
pub(super) struct Life {
    pub(super) place: Place,
    pub(super) number: usize,
    pub(super) talk: Rc<RefCell<Talk>>,
    pub(super) shared: Rc<Shared>,
    pub(super) told: mpsc::UnboundedReceiver<Word>,
}

/// Why a connection ended.
enum End {
    /// As it was told.
    Cut,
    /// The relay went away, or ended it.
    Lost,
    /// Nobody tells it anything any more.
    Over,
}

impl Life {
    pub(super) async fn keep(mut self) {
        let mut backoff = Backoff::default();
        loop {
            self.talk.borrow_mut().begin();
            let end = match Line::dial(&self.place, self.number).await {
                Ok(line) => self.speak(line, &mut backoff).await,
                Err(_) => Ok(End::Lost),
            };
            self.talk.borrow_mut().begin();
            match end {
                Ok(End::Over) => return,
                Ok(End::Cut) => {}
                Ok(End::Lost) => sleep(backoff.next_wait(&mut rand::rng())).await,
                Err(_) => {
                    self.shared.count("not understood");
                    sleep(backoff.next_wait(&mut rand::rng())).await;
                }
            }
        }
    }

    async fn speak(&mut self, mut line: Line, backoff: &mut Backoff) -> Result<End> {
        // What was there when it came is told late, and no sign of slowness.
        let mut known = u64::MAX;
        loop {
            let message = tokio::select! {
                message = line.hear() => message,
                word = self.told.recv() => {
                    match word {
                        None => {
                            line.end().await;
                            return Ok(End::Over);
                        }
                        Some(Word::Cut) => {
                            line.end().await;
                            return Ok(End::Cut);
                        }
                        Some(Word::Write(items)) => {
                            let push = self.talk.borrow_mut().write(items);
                            if let Some(push) = push && line.say(&push).await.is_err() {
                                return Ok(End::Lost);
                            }
                        }
                    }
                    continue;
                }
            };
            let Some(message) = message else {
                return Ok(End::Lost);
            };
            let (answers, heard) = self.talk.borrow_mut().hear(message?)?;
            for answer in &answers {
                if line.say(answer).await.is_err() {
                    return Ok(End::Lost);
                }
            }
            if self.note(heard, &mut known, backoff) {
                return Ok(End::Lost);
            }
        }
    }

    /// Whether the relay has ended it.
    fn note(&self, heard: Vec<Heard>, known: &mut u64, backoff: &mut Backoff) -> bool {
        let shared = &self.shared;
        let mut is_over = false;
        for one in heard {
            match one {
                Heard::Welcome(head) => {
                    *known = head;
                    backoff.reset();
                    shared.n_welcomes.set(shared.n_welcomes.get() + 1);
                }
                Heard::Change(position, end) => {
                    if let Some(end) = end {
                        shared.report.borrow_mut().delivered += 1;
                        if position > *known {
                            shared.arrived(&end);
                        }
                    }
                }
                Heard::Release => shared.report.borrow_mut().released += 1,
                Heard::Pulled(_) => {}
                Heard::Sent(n) => {
                    shared.report.borrow_mut().sent += n;
                    shared.n_answered.set(shared.n_answered.get() + n);
                }
                Heard::Refused => {
                    shared.count("refused item");
                    shared.n_answered.set(shared.n_answered.get() + 1);
                }
                Heard::Ended(code) => {
                    // There is no room, or the relay begins anew: it comes again.
                    if !matches!(code, RefusedCode::Busy) {
                        shared.count(code.name());
                    }
                    is_over = true;
                }
            }
        }
        is_over
    }
}
