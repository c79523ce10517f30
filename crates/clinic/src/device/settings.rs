//! `device_settings`, `save_device_settings`, `microphones`, `set_language`: kept in the store, and not synced.

use devices::{label::LabelSize, port::PrinterAddress};
use domain::ConsentLanguage;
use vault::Reading;

use crate::{
    Desk, Error, ErrorCode,
    audit::{DEVICE_SET, Line},
    lan::{checked_addresses, lan_addresses, lan_enabled},
    open::OpenClinic,
    roles::Verb,
    views::status::{DeviceSettings, MicrophoneChoice},
};

/// Where each is kept.
#[derive(Clone, Copy)]
pub(crate) enum Setting {
    Printer,
    LabelSize,
    Ups,
    Microphone,
    Model,
    LabelLanguage,
    Lan,
    LanAddresses,
}

impl Setting {
    const fn key(self) -> &'static str {
        match self {
            Self::Printer => "device/printer",
            Self::LabelSize => "device/label_size",
            Self::Ups => "device/ups",
            Self::Microphone => "device/microphone",
            Self::Model => "device/model",
            Self::LabelLanguage => "device/label_language",
            Self::Lan => "device/lan",
            Self::LanAddresses => "device/lan_addresses",
        }
    }

    /// What it says; `None` when it was never set, or set to nothing.
    pub(crate) fn read(self, r: &Reading<'_>) -> Result<Option<String>, Error> {
        Ok(r.setting(self.key())?.filter(|text| !text.is_empty()))
    }
}

impl Desk {
    /// What this device is set to.
    pub fn device_settings(&self) -> Result<DeviceSettings, Error> {
        let (clinic, _) = self.acting(Verb::SeeDevice)?;
        let model = clinic
            .chosen_model()?
            .map(|model| model.entry.file.clone())
            .unwrap_or_default();
        clinic.read(|r| {
            let text = |setting: Setting| setting.read(r);
            Ok(DeviceSettings {
                printer: text(Setting::Printer)?.unwrap_or_default(),
                label_size: text(Setting::LabelSize)?.unwrap_or_else(|| "60x50".to_owned()),
                ups: text(Setting::Ups)?.unwrap_or_default(),
                microphone: text(Setting::Microphone)?.unwrap_or_default(),
                model,
                label_language: text(Setting::LabelLanguage)?.unwrap_or_else(|| "ms".to_owned()),
                lan_enabled: lan_enabled(r)?,
                lan_addresses: lan_addresses(r)?,
            })
        })
    }

    /// Sets this device; the printer, the UPS and the LAN are taken up at once.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] with the field that cannot be so.
    pub fn save_device_settings(&self, settings: DeviceSettings) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::ChangeDevice)?;
        self.check(&settings)?;
        let lan = if settings.lan_enabled { "on" } else { "off" };
        let lan_addresses =
            checked_addresses(&settings.lan_addresses).ok_or_else(|| Error::invalid("lan_addresses"))?;
        let lan_of = |clinic: &OpenClinic| clinic.read(|r| Ok((lan_enabled(r)?, Setting::LanAddresses.read(r)?)));
        let lan_before = lan_of(&clinic)?;
        clinic.write(&acting, |w| {
            for (setting, text) in [
                (Setting::Printer, &settings.printer),
                (Setting::LabelSize, &settings.label_size),
                (Setting::Ups, &settings.ups),
                (Setting::Microphone, &settings.microphone),
                (Setting::Model, &settings.model),
                (Setting::LabelLanguage, &settings.label_language),
                (Setting::Lan, &lan.to_owned()),
                (Setting::LanAddresses, &lan_addresses),
            ] {
                w.put_setting(setting.key(), text.trim())?;
            }
            acting.audit(w, Line::new(DEVICE_SET))?;
            Ok(())
        })?;
        clinic.watch_power()?;
        clinic.printing.wake();
        if lan_of(&clinic)? != lan_before {
            clinic.restart_lan()?;
        }
        clinic.status_changed();
        Ok(())
    }

    /// The microphones of this machine; none is no error.
    pub fn microphones(&self) -> Result<Vec<MicrophoneChoice>, Error> {
        let found = scribe::capture::microphones().unwrap_or_default();
        Ok(found
            .into_iter()
            .map(|one| MicrophoneChoice {
                id: one.id,
                name: one.name,
            })
            .collect())
    }

    /// The language of the screens on this device.
    pub fn set_language(&self, language: String) -> Result<(), Error> {
        if !["ms", "en"].contains(&language.as_str()) {
            return Err(Error::invalid("language"));
        }
        self.inner.file.change(|kept| kept.language = Some(language))
    }

    /// The language that was chosen on this device.
    pub fn language(&self) -> Option<String> {
        self.inner.file.kept().language
    }

    fn check(&self, settings: &DeviceSettings) -> Result<(), Error> {
        let printer = settings.printer.trim();
        if !printer.is_empty() && printer.parse::<PrinterAddress>().is_err() {
            return Err(Error::invalid("printer"));
        }
        label_size(&settings.label_size).ok_or_else(|| Error::invalid("label_size"))?;
        if !["ms", "en"].contains(&settings.label_language.as_str()) {
            return Err(Error::invalid("label_language"));
        }
        let model = settings.model.trim();
        if !model.is_empty()
            && !self
                .inner
                .config
                .installed_models()
                .iter()
                .any(|one| one.entry.file == model)
        {
            return Err(ErrorCode::NoModel.into());
        }
        Ok(())
    }
}

impl OpenClinic {
    /// The microphone that this device is set to; `None` = the system's own choice.
    pub(crate) fn chosen_microphone(&self) -> Result<Option<String>, Error> {
        self.read(|r| Setting::Microphone.read(r))
    }

    /// The label printer that this device is set to.
    pub(crate) fn printer(&self) -> Result<Option<PrinterAddress>, Error> {
        let text = self.read(|r| Setting::Printer.read(r))?;
        Ok(text.and_then(|text| text.parse().ok()))
    }
}

/// The language that labels are written in.
pub(crate) fn label_language(r: &Reading<'_>) -> Result<ConsentLanguage, Error> {
    let english = Setting::LabelLanguage.read(r)?.is_some_and(|language| language == "en");
    Ok(if english {
        ConsentLanguage::English
    } else {
        ConsentLanguage::Malay
    })
}

/// The size of this device's labels.
pub(crate) fn chosen_label_size(r: &Reading<'_>) -> Result<LabelSize, Error> {
    Ok(Setting::LabelSize
        .read(r)?
        .and_then(|text| label_size(&text))
        .unwrap_or_default())
}

fn label_size(text: &str) -> Option<LabelSize> {
    match text.trim() {
        "60x50" => Some(LabelSize::Mm60x50),
        "70x40" => Some(LabelSize::Mm70x40),
        "roll58" => Some(LabelSize::Roll58),
        "roll80" => Some(LabelSize::Roll80),
        _ => None,
    }
}
