use devices::port::{AddressError, PrinterAddress};
use proptest::prelude::*;

#[test]
fn an_address_is_read_as_people_type_it() {
    check("tcp://127.0.0.1:9100", "tcp://127.0.0.1:9100");
    check("tcp://printer.local", "tcp://printer.local:9100");
    check(" tcp://[fe80::1]:9101 ", "tcp://[fe80::1]:9101");
    check("tcp://[::1]", "tcp://[::1]:9100");
    check("serial:///dev/ttyUSB0?baud=19200", "serial:///dev/ttyUSB0?baud=19200");
    check("serial://COM3", "serial://COM3?baud=9600");
    check("file:///dev/usb/lp0", "file:///dev/usb/lp0");
}

fn check(typed: &str, shown: &str) {
    let address: PrinterAddress = typed.parse().unwrap();
    assert_eq!(address.to_string(), shown);
    assert_eq!(shown.parse(), Ok(address));
}

#[test]
fn a_text_that_is_no_address_says_why() {
    check_refused("", AddressError::UnknownKind);
    check_refused("127.0.0.1:9100", AddressError::UnknownKind);
    check_refused("http://printer", AddressError::UnknownKind);
    check_refused("tcp://", AddressError::Empty);
    check_refused("tcp://:9100", AddressError::Empty);
    check_refused("tcp://printer:0", AddressError::BadPort);
    check_refused("tcp://printer:ninety", AddressError::BadPort);
    check_refused("tcp://printer:65536", AddressError::BadPort);
    check_refused("serial://", AddressError::Empty);
    check_refused("serial:///dev/ttyS0?baud=fast", AddressError::BadBaud);
    check_refused("serial:///dev/ttyS0?baud=0", AddressError::BadBaud);
    check_refused("serial:///dev/ttyS0?parity=odd", AddressError::BadBaud);
    check_refused("file://", AddressError::Empty);
}

fn check_refused(typed: &str, error: AddressError) {
    assert_eq!(typed.parse::<PrinterAddress>(), Err(error), "{typed}");
}

#[test]
fn an_address_is_stored_as_its_text() {
    let address: PrinterAddress = "tcp://printer:9100".parse().unwrap();
    assert_eq!(serde_json::to_string(&address).unwrap(), r#""tcp://printer:9100""#);
    assert_eq!(
        serde_json::from_str::<PrinterAddress>(r#""tcp://printer""#).unwrap(),
        address
    );
    assert!(serde_json::from_str::<PrinterAddress>(r#""printer""#).is_err());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_what_is_read_reads_back(text in "(tcp|serial|file|x)?(://)?\\PC{0,30}") {
        if let Ok(address) = text.parse::<PrinterAddress>() {
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }
    }
}
