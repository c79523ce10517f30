use std::net::TcpListener;
use std::time::{Duration, Instant};

use devices::escpos;
use devices::label::{LabelSize, lay_out};
use devices::port::{Limits, PrinterAddress, Refusal, SendOutcome, send};
use devices::raster::Bitmap;
use testkit::{PrinterEvent, PrinterMode, VirtualPrinter};

use crate::{PATIENCE, paracetamol};

/// More than the kernel takes in while nobody reads: its buffers grow to a few megabytes.
const MORE_THAN_BUFFERS: usize = 32 << 20;

struct Counter {
    printer: VirtualPrinter,
    _folder: tempfile::TempDir,
}

impl Counter {
    fn with(mode: PrinterMode) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            printer: VirtualPrinter::start(folder.path(), mode).unwrap(),
            _folder: folder,
        }
    }

    fn address(&self) -> PrinterAddress {
        self.printer.url().parse().unwrap()
    }

    fn send(&self, bytes: &[u8]) -> SendOutcome {
        send(&self.address(), bytes, &quick())
    }
}

/// Deadlines for a printer on this machine; only a test of a deadline waits for one.
fn quick() -> Limits {
    Limits {
        connect: PATIENCE,
        write: Duration::from_secs(1),
        answer: Duration::from_secs(1),
        confirm: Duration::from_secs(1),
    }
}

fn label() -> Bitmap {
    lay_out(&paracetamol(), LabelSize::Mm60x50).unwrap()
}

#[test]
fn what_comes_out_of_the_printer_is_the_label_dot_for_dot_on_every_paper() {
    let counter = Counter::with(PrinterMode::Normal);
    for (n, size) in LabelSize::ALL.into_iter().enumerate() {
        let label = lay_out(&paracetamol(), size).unwrap();
        assert_eq!(
            counter.send(&escpos::wrap(&label)),
            SendOutcome::Sent { confirmed: true }
        );
        let printed = counter.printer.wait_for_labels(n + 1, PATIENCE);
        let printed = Bitmap::from_png(&std::fs::read(&printed[n]).unwrap()).unwrap();
        assert!(printed == label, "{size:?} differs");
    }
}

#[test]
fn a_printer_that_answers_nothing_prints_but_confirms_nothing() {
    let counter = Counter::with(PrinterMode::Silent);
    assert_eq!(
        counter.send(&escpos::wrap(&label())),
        SendOutcome::Sent { confirmed: false }
    );
    assert_eq!(counter.printer.wait_for_labels(1, PATIENCE).len(), 1);
}

#[test]
fn a_printer_that_is_not_there_gets_nothing() {
    let free_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = format!("tcp://{free_port}").parse().unwrap();
    check_nothing_left(&address, Refusal::NotThere);
    check_nothing_left(&Counter::with(PrinterMode::Refuses).address(), Refusal::NotThere);
    check_nothing_left(&"serial:///dev/no-such-port".parse().unwrap(), Refusal::NotThere);
    check_nothing_left(&"file:///no/such/folder/lp0".parse().unwrap(), Refusal::NotThere);
}

#[test]
fn a_printer_without_paper_gets_nothing() {
    check_nothing_left(&Counter::with(PrinterMode::OutOfPaper).address(), Refusal::PaperOut);
}

#[test]
fn a_printer_with_its_cover_open_gets_nothing() {
    check_nothing_left(&Counter::with(PrinterMode::CoverOpen).address(), Refusal::CoverOpen);
}

fn check_nothing_left(address: &PrinterAddress, reason: Refusal) {
    assert_eq!(send(address, b"\x1b@", &quick()), SendOutcome::NothingLeft { reason });
}

#[test]
fn paper_put_in_lets_the_same_bytes_out() {
    let counter = Counter::with(PrinterMode::OutOfPaper);
    let bytes = escpos::wrap(&label());
    assert_eq!(
        counter.send(&bytes),
        SendOutcome::NothingLeft {
            reason: Refusal::PaperOut
        }
    );
    counter.printer.set_mode(PrinterMode::Normal);
    assert_eq!(counter.send(&bytes), SendOutcome::Sent { confirmed: true });
    assert_eq!(counter.printer.wait_for_labels(1, PATIENCE).len(), 1);
}

#[test]
fn a_printer_that_stops_reading_leaves_it_unknown_though_every_byte_was_taken() {
    let counter = Counter::with(PrinterMode::StopsReadingAfter(2_000));
    let bytes = escpos::wrap(&label());
    assert_eq!(
        counter.send(&bytes),
        SendOutcome::Unknown {
            sent: bytes.len() as u64
        }
    );
    assert_eq!(counter.printer.labels(), [] as [std::path::PathBuf; 0]);
}

#[test]
fn a_printer_that_takes_no_more_leaves_it_unknown_when_the_deadline_passes() {
    // Six bytes of questions are answered, then nothing is read.
    let counter = Counter::with(PrinterMode::StopsReadingAfter(6));
    let begun = Instant::now();
    let outcome = counter.send(&vec![0; MORE_THAN_BUFFERS]);
    let SendOutcome::Unknown { sent } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(0 < sent && sent < MORE_THAN_BUFFERS as u64, "{sent} bytes left");
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn a_printer_that_drops_the_connection_in_the_middle_leaves_it_unknown() {
    let counter = Counter::with(PrinterMode::DropsAfter(2_000));
    let outcome = counter.send(&escpos::wrap(&label()));
    assert!(matches!(outcome, SendOutcome::Unknown { sent: 1.. }), "{outcome:?}");
    let half = |events: &[PrinterEvent]| {
        events
            .iter()
            .any(|event| matches!(event, PrinterEvent::HalfLabel { .. }))
    };
    assert!(
        counter.printer.labels().is_empty() && !half(&counter.printer.events()),
        "not one band was whole"
    );
}

#[test]
fn a_printer_that_is_never_asked_is_sent_the_label_alone() {
    let counter = Counter::with(PrinterMode::Normal);
    let limits = Limits {
        answer: Duration::ZERO,
        ..quick()
    };
    let outcome = send(&counter.address(), &escpos::wrap(&label()), &limits);
    assert_eq!(outcome, SendOutcome::Sent { confirmed: false });
    assert_eq!(counter.printer.wait_for_labels(1, PATIENCE).len(), 1);
}

#[test]
fn the_virtual_printer_prints_nothing_that_is_not_ours() {
    let counter = Counter::with(PrinterMode::Normal);
    let outcome = counter.send(b"\x1b@Siti Aminah\n\x1dVA\x00");
    assert!(matches!(outcome, SendOutcome::Unknown { .. }), "{outcome:?}");
    let refused = [PrinterEvent::Refused { byte: b'S', offset: 8 }];
    assert!(
        counter.printer.wait_until(PATIENCE, |events| events == refused),
        "{:?}",
        counter.printer.events()
    );
}

#[test]
fn a_plain_file_holds_exactly_the_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("label.bin");
    let address = format!("file://{}", path.display()).parse().unwrap();
    let bytes = escpos::wrap(&label());
    std::fs::write(&path, vec![1; bytes.len() * 2]).unwrap();
    assert_eq!(send(&address, &bytes, &quick()), SendOutcome::Sent { confirmed: true });
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[cfg(unix)]
mod serial {
    use std::io::{Read, Write};
    use std::thread;

    use serialport::{SerialPort, TTYPort};

    use super::*;

    #[test]
    fn a_serial_printer_gets_every_byte_and_confirms() {
        let (mut printer, line) = TTYPort::pair().unwrap();
        printer.set_timeout(PATIENCE).unwrap();
        let address = format!("serial://{}?baud=115200", line.name().unwrap())
            .parse()
            .unwrap();
        let bytes = escpos::wrap(&label());
        let n_bytes = bytes.len();
        let far_end = thread::spawn(move || {
            answer(&mut printer, b"\x10\x04\x04", 0x12);
            answer(&mut printer, b"\x10\x04\x02", 0x12);
            let mut job = vec![0; n_bytes];
            printer.read_exact(&mut job).unwrap();
            answer(&mut printer, b"\x1dr\x01", 0x00);
            // Handed back, since a line whose far end is gone gives nothing more to read.
            (job, printer)
        });
        assert_eq!(send(&address, &bytes, &quick()), SendOutcome::Sent { confirmed: true });
        assert_eq!(far_end.join().unwrap().0, bytes);
        drop(line);
    }

    fn answer(printer: &mut TTYPort, question: &[u8; 3], answer: u8) {
        let mut asked = [0; 3];
        printer.read_exact(&mut asked).unwrap();
        assert_eq!(&asked, question);
        printer.write_all(&[answer]).unwrap();
    }

    #[test]
    fn a_serial_line_that_nobody_reads_leaves_it_unknown() {
        let (printer, line) = TTYPort::pair().unwrap();
        let address = format!("serial://{}?baud=921600", line.name().unwrap())
            .parse()
            .unwrap();
        let limits = Limits {
            write: Duration::from_millis(100),
            answer: Duration::from_millis(100),
            ..quick()
        };
        let outcome = send(&address, &escpos::wrap(&label()), &limits);
        assert!(matches!(outcome, SendOutcome::Unknown { sent: 1.. }), "{outcome:?}");
        drop((printer, line));
    }
}
