//! A text as a QR code.

use qrcode::{QrCode, render::svg};

use crate::{Error, ErrorCode};

/// SVG, black on white, with its quiet zone.
pub(crate) fn qr_svg(text: &str) -> Result<String, Error> {
    let code = QrCode::new(text.as_bytes()).map_err(|_| Error::new(ErrorCode::Internal).with("why", "qr"))?;
    Ok(code.render::<svg::Color<'_>>().min_dimensions(240, 240).build())
}
