//! The recovery kit: twenty-four words that no machine keeps once a person has shown that she holds them.

use std::{fs::OpenOptions, io::Write as _};

use vault::Reading;

use crate::{Desk, Error, ErrorCode, open, qr::qr_svg, views::setup::RecoveryKitView};

/// The words, inside the encrypted store, until they are confirmed.
pub(super) const KIT: &str = "setup/kit";

/// Words that are asked for at least.
const MIN_ASKED: usize = 2;

impl Desk {
    /// The kit, again, until it is confirmed.
    ///
    /// # Errors
    /// [`ErrorCode::KitConfirmed`] afterwards: this device has forgotten the words.
    pub fn recovery_kit(&self) -> Result<RecoveryKitView, Error> {
        let clinic = self.clinic()?;
        let tenant = clinic.tenant.to_string();
        clinic.read(|r| kit_view(r, &tenant))
    }

    /// Writes the kit as a text file that only its owner can read.
    pub fn save_recovery_kit(&self, path: String) -> Result<(), Error> {
        let kit = self.recovery_kit()?;
        let mut text = format!("MediEco recovery kit\n{}\n{}\n\n", kit.clinic_name, kit.tenant);
        for (number, word) in kit.words.iter().enumerate() {
            text.push_str(&format!("{:2}. {word}\n", number + 1));
        }
        text.push_str(&format!("\n{}\n", kit.words.join(" ")));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|_| ErrorCode::FileFailed.into())
    }

    /// Takes some words of the kit (their places counted from 0) as proof that it is kept, and forgets the kit.
    ///
    /// # Errors
    /// [`ErrorCode::KitWrong`] with the place of the first wrong word, or when fewer than two were given.
    pub fn confirm_recovery_kit(&self, word_index: Vec<u8>, words: Vec<String>) -> Result<(), Error> {
        let kit = self.recovery_kit()?;
        let mut places = word_index.clone();
        places.sort_unstable();
        places.dedup();
        if places.len() < MIN_ASKED || word_index.len() != words.len() {
            return Err(ErrorCode::KitWrong.into());
        }
        for (place, word) in word_index.iter().zip(&words) {
            let right = kit.words.get(usize::from(*place));
            if !right.is_some_and(|right| right.eq_ignore_ascii_case(word.trim())) {
                return Err(Error::new(ErrorCode::KitWrong).with("place", place));
            }
        }
        self.clinic()?
            .vault
            .write(None, |w| Ok::<_, Error>(w.remove_setting(KIT)?))
    }
}

/// The kit as it is shown.
pub(super) fn kit_view(r: &Reading<'_>, tenant: &str) -> Result<RecoveryKitView, Error> {
    let words = r.setting(KIT)?.ok_or(ErrorCode::KitConfirmed)?;
    Ok(RecoveryKitView {
        clinic_name: open::profile(r)?.name,
        tenant: tenant.to_owned(),
        words: words.split_whitespace().map(str::to_owned).collect(),
        qr_svg: qr_svg(&words)?,
    })
}

/// The kit was made and not yet confirmed as kept.
pub(super) fn kit_is_open(r: &Reading<'_>) -> Result<bool, Error> {
    Ok(r.setting(KIT)?.is_some())
}
