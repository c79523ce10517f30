//! How far a backup got, for the screens.

use std::ops::ControlFlow;

use vault::BackupProgress;

use crate::{
    DeskEvent, Outlet,
    views::backup::{BackupStage, BackupTold},
};

/// Tells each new percent, and asks after it whether to go on.
pub(crate) fn teller<'t>(
    outlet: &'t Outlet,
    go_on: impl Fn() -> bool + 't,
) -> impl FnMut(BackupProgress) -> ControlFlow<()> + 't {
    let mut last = None;
    move |progress| {
        let percent = progress.done.min(progress.of) * 100 / progress.of.max(1);
        let told = BackupTold {
            stage: match progress.stage {
                vault::BackupStage::Writing => BackupStage::Writing,
                vault::BackupStage::Reading => BackupStage::Reading,
                vault::BackupStage::Judging => BackupStage::Checking,
            },
            percent: u8::try_from(percent).unwrap_or(100),
        };
        if last.replace(told) != Some(told) {
            outlet(DeskEvent::BackupProgress(told));
        }
        // Looked at after telling: who cancels at what he is told is heard at once.
        if go_on() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}
