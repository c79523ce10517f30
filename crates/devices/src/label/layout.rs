//! Lays a label out: the largest type in which everything fits is the one that is used.

use super::pen::burn;
use super::sheet::Sheet;
use super::size::{DOTS_A_MM, Height};
use super::texts::Texts;
use super::{DispensingLabel, LabelFinding, LabelSize};
use crate::raster::Bitmap;
use crate::typeset::Typesetter;

/// Sizes of type that are tried, in hundredths of the ordinary one.
const SCALES: [u32; 12] = [125, 118, 112, 106, 100, 94, 88, 82, 76, 71, 66, 62];

/// Lays `label` out on paper of this size. The same label always gives the same dots.
///
/// Text is wrapped, then set smaller step by step down to what can be read; it is never cut: what still does not fit,
/// what is missing and what can't be drawn comes back as a finding.
pub fn lay_out(label: &DispensingLabel, size: LabelSize) -> Result<Bitmap, LabelFinding> {
    let texts = Texts::of(label)?;
    let mut typesetter = Typesetter::new();
    let room = match size.height() {
        Height::Fixed(height) | Height::UpTo(height) => height,
    };
    let mut excess = 0;
    for scale in SCALES {
        // A roll has room below: there is no reason for more than the ordinary size.
        if matches!(size.height(), Height::UpTo(_)) && scale > 100 {
            continue;
        }
        let sheet = Sheet::set(&texts, size, scale, &mut typesetter)?;
        let needed = sheet.height();
        if needed <= room {
            return Ok(burn(&sheet, size, &mut typesetter));
        }
        excess = needed - room;
    }
    Err(LabelFinding::DoesNotFit {
        excess_mm: excess.div_ceil(DOTS_A_MM),
    })
}
