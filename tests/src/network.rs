//! Clinics and their devices on one relay: founding, hiring, pairing, getting to know each other.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{
    hand::Device,
    people::{Colleague, DemoClinic, PASSPHRASE},
};

/// Writes the file that a headless device reads its passphrase from (mode 0600).
pub fn passphrase_file(dir: &Path) -> Result<PathBuf> {
    let file = dir.join("passphrase");
    std::fs::create_dir_all(dir)?;
    std::fs::write(&file, PASSPHRASE)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// The first device of a clinic: joins by invitation, keeps its kit, hires everybody. Gives the tenant id.
pub fn found(device: &Device, invitation: &str, clinic: &DemoClinic) -> Result<String> {
    let kit = device.call(
        "join_clinic",
        json!({"input": {
            "invitation": invitation,
            "clinic_name": clinic.name,
            "address": {"lines": clinic.street, "postcode": clinic.postcode, "town": clinic.town, "state": clinic.state},
            "phone": clinic.phone,
            "owner_name": clinic.owner.name,
            "owner_registration": clinic.owner.registration,
            "pin": clinic.owner.pin,
            "protection": {"kind": "passphrase", "passphrase": PASSPHRASE},
        }}),
    )?;
    confirm_kit(device, &kit)?;
    device.call("skip_model", json!({}))?;
    for colleague in clinic.staff {
        device.call(
            "add_staff",
            json!({"input": {
                "name": colleague.name,
                "role": colleague.role,
                "registration": colleague.registration,
                "pin": colleague.pin,
            }}),
        )?;
    }
    Ok(text(&kit["tenant"])?.to_owned())
}

/// Says three words of the kit back, as a careful owner would.
fn confirm_kit(device: &Device, kit: &Value) -> Result<()> {
    let words = kit["words"].as_array().context("a kit has words")?;
    let asked = [4u8, 11, 17];
    let said: Vec<&Value> = asked.iter().map(|index| &words[usize::from(*index)]).collect();
    device.call("confirm_recovery_kit", json!({"word_index": asked, "words": said}))?;
    Ok(())
}

/// Lets `newcomer` into the clinic that is open on `host` (an owner is signed in there).
pub fn pair(host: &Device, newcomer: &Device) -> Result<()> {
    let offer = host.call("offer_pairing", json!({}))?;
    newcomer.call(
        "join_by_code",
        json!({"input": {
            "relay": offer["relay"],
            "code": offer["code"],
            "protection": {"kind": "passphrase", "passphrase": PASSPHRASE},
        }}),
    )?;
    host.until("pairing_state", &json!({}), |state| (state == "done").then_some(()))
}

/// Signs a colleague in; her first time on this device sets her PIN.
pub fn sign_in(device: &Device, colleague: &Colleague) -> Result<()> {
    let staff = device.until("staff_faces", &json!({}), |faces| {
        faces
            .as_array()?
            .iter()
            .find(|face| face["name"] == colleague.name)
            .cloned()
    })?;
    let verb = if staff["has_pin_here"] == true {
        "sign_in"
    } else {
        "set_pin"
    };
    device.call(verb, json!({"staff": staff["id"], "pin": colleague.pin}))?;
    Ok(())
}

/// Each clinic reads the other's card, as if the owners had met.
pub fn introduce(one: &Device, other: &Device) -> Result<()> {
    for (reader, shown) in [(one, other), (other, one)] {
        let card = shown.call("own_card", json!({}))?;
        reader.call("verify_clinic", json!({"card_text": card["text"]}))?;
    }
    Ok(())
}

/// A text that must be there.
pub fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("{value} should be a text"))
}
