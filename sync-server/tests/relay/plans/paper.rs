//! An invoice on paper, read back by another library.

use lopdf::Document;
use sync_server::{Bill, Invoice, InvoiceState, Language, Line, as_pdf};

use super::invoices::issuer;

fn invoice(language: Language, n_lines: usize) -> Invoice {
    let day = |text: &str| text.parse().unwrap();
    let line = Line {
        plan: "Kecil".into(),
        from: day("2026-11-16"),
        to: day("2026-11-30"),
        days: 15,
        of_days: 30,
        price_sen: 246_900,
        amount_sen: 123_450,
    };
    let buyer = "Klinik <b>Harapan</b> =1+1";
    let address = "5, Jalan Besar\n30000 Ipoh".to_owned();
    Invoice {
        id: 1,
        code: Some("INV-2026-0007".into()),
        credits: None,
        clinic: 1,
        month: "2026-11".parse().unwrap(),
        state: InvoiceState::Issued,
        issued: Some(day("2026-12-01")),
        due: Some(day("2026-12-31")),
        paid: None,
        bill: Bill::of(vec![line; n_lines], issuer(), buyer.into(), address, language),
    }
}

/// The words on each page.
fn read(pdf: &[u8]) -> Vec<String> {
    let document = Document::load_mem(pdf).unwrap();
    let pages = document.get_pages().into_keys();
    let text = pages.map(|page| document.extract_text(&[page]).unwrap());
    text.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn an_invoice_says_on_paper_what_it_says_in_the_store() {
    let pages = read(&as_pdf(&invoice(Language::English, 1)).unwrap());
    assert_eq!(pages.len(), 1);
    for words in [
        "Invoice",
        "INV-2026-0007",
        "1 December 2026",
        "31 December 2026",
        "Rangkaian Klinik Sdn Bhd",
        "Company no. 202601012345",
        "SST no. W10-1808-32000001",
        "Klinik <b>Harapan</b> =1+1",
        "30000 Ipoh",
        "15 of 30",
        "RM 2,469.00",
        "16 November 2026 – 30 November 2026",
        "RM 1,234.50",
        "Service tax (SST) 8 %",
        "RM 98.76",
        "RM 1,333.26",
        "within 30 days",
    ] {
        assert!(pages[0].contains(words), "{words:?} is not in {}", pages[0]);
    }
}

#[test]
fn it_speaks_malay_and_says_what_became_of_it() {
    let mut invoice = invoice(Language::Malay, 1);
    invoice.state = InvoiceState::Paid;
    invoice.paid = invoice.due;
    let page = &read(&as_pdf(&invoice).unwrap())[0];
    for words in [
        "Invois",
        "1 Disember 2026",
        "Dibayar RM 1,333.26",
        "Dibayar pada",
        "15 daripada 30",
        "Rangkaian Klinik Sdn Bhd · INV-2026-0007 · Halaman 1 daripada 1",
    ] {
        assert!(page.contains(words), "{words:?} is not in {page}");
    }
    for words in ["Perlu dibayar", "Maybank"] {
        assert!(!page.contains(words), "it was paid: {words:?} is in {page}");
    }
    invoice.state = InvoiceState::Void;
    let page = &read(&as_pdf(&invoice).unwrap())[0];
    assert!(page.contains("Dibatalkan RM") && !page.contains("Maybank"), "{page}");
    invoice.state = InvoiceState::Issued;
    let page = &read(&as_pdf(&invoice).unwrap())[0];
    assert!(page.contains("Perlu dibayar RM") && page.contains("Maybank"), "{page}");
    invoice.credits = Some("INV-2026-0003".into());
    let page = &read(&as_pdf(&invoice).unwrap())[0];
    assert!(
        page.contains("Nota kredit") && page.contains("INV-2026-0003") && page.contains("Dikreditkan"),
        "{page}"
    );
    assert!(!page.contains("Maybank"), "nobody pays a credit note");
}

#[test]
fn the_same_invoice_is_the_same_bytes_and_another_is_not() {
    let first = as_pdf(&invoice(Language::English, 2)).unwrap();
    assert_eq!(as_pdf(&invoice(Language::English, 2)).unwrap(), first);
    assert_ne!(as_pdf(&invoice(Language::Malay, 2)).unwrap(), first);
    assert!(
        first.len() < 100_000,
        "{} bytes: of the fonts only what is used is inside",
        first.len()
    );
}

#[test]
fn a_long_invoice_goes_on_and_names_in_other_scripts_are_printed() {
    let mut invoice = invoice(Language::English, 31);
    invoice.bill.buyer_name = "கிளினிக் عيادة 医".into();
    invoice.bill.seller.terms = "word ".repeat(150);
    invoice.bill.buyer_address = "x".repeat(300);
    let pages = read(&as_pdf(&invoice).unwrap());
    assert_eq!(pages.len(), 2);
    assert!(
        pages[0].contains("Page 1 of 2") && pages[1].contains("Page 2 of 2"),
        "{pages:?}"
    );
    assert_eq!(
        pages.iter().map(|page| page.matches("15 of 30").count()).sum::<usize>(),
        31
    );
    assert!(pages[1].contains("RM 41,331.06"), "{}", pages[1]);
}
