//! Invoices: drafted once, numbered without gaps, never altered, undone by credit notes.

use sync_server::{
    Billing, InvoiceError, InvoicePlace, InvoiceState, InvoicesFrom, InvoicesPage, InvoicesWanted, Issuer, Language,
    PlanTerms, calendar,
};

use super::{BY, NAME, list};
use crate::contract::{Home, on_both};
use crate::world::{NOW, World, a, b};

on_both! {
    months_that_are_over_are_drafted_once_also_when_the_relay_was_down,
    an_invoice_is_issued_paid_and_undone_in_its_order,
    numbers_have_no_gaps_and_begin_anew_each_year,
    what_was_issued_is_altered_by_nobody,
    a_clinic_that_was_removed_is_charged_to_its_last_day,
    the_list_is_read_page_by_page_and_leaves_nothing_out,
    a_page_of_the_list_reads_no_invoice_but_its_own,
    what_is_open_and_overdue_is_summed_up_for_all_or_one_clinic,
    what_is_owed_is_known_without_a_look_at_any_invoice,
    what_an_older_build_issued_and_what_was_paid_there_is_owed_and_is_not,
}

const DAY: i64 = 24 * 60 * 60 * 1000;

pub fn issuer() -> Issuer {
    Issuer {
        name: "Rangkaian Klinik Sdn Bhd".into(),
        address: "1, Jalan Ampang\n50450 Kuala Lumpur".into(),
        registration: "202601012345".into(),
        sst_number: "W10-1808-32000001".into(),
        sst_bp: 800,
        terms: "Maybank 5140 1234 5678, within 30 days.".into(),
        due_days: 30,
    }
}

fn at(day: &str) -> i64 {
    calendar::begins_ms(day.parse().unwrap()) + DAY / 2
}

/// Two clinics, on a plan of RM 300 since the first of October and RM 300 since the sixteenth of November.
pub fn charged(seed: u8) -> World {
    let mut world = World::new(seed);
    list(&mut world, a, NAME);
    list(&mut world, b, "Klinik <b>Bukit</b> =1+1");
    let terms = PlanTerms {
        price_sen: 30_000,
        ..PlanTerms::default()
    };
    world.store.set_plan("Kecil", &terms, BY, at("2026-09-01")).unwrap();
    world
        .store
        .put_on_plan(NAME, Some("Kecil"), None, BY, at("2026-10-01"))
        .unwrap();
    let other = "Klinik <b>Bukit</b> =1+1";
    world
        .store
        .put_on_plan(other, Some("Kecil"), None, BY, at("2026-11-16"))
        .unwrap();
    world
}

/// Month, state and sum of all, as the list has them.
fn all(world: &World) -> Vec<(String, &'static str, i64)> {
    let all = world.store.invoices(None).unwrap().into_iter();
    all.map(|one| (one.month.to_string(), one.state.name(), one.bill.total_sen))
        .collect()
}

fn row(month: &str, state: &'static str, sen: i64) -> (String, &'static str, i64) {
    (month.to_owned(), state, sen)
}

fn months_that_are_over_are_drafted_once_also_when_the_relay_was_down() {
    let mut world = charged(91);
    assert_eq!(
        world.store.draft_invoices(at("2026-10-31")).unwrap(),
        0,
        "October is not over"
    );
    // Nobody asked on the first of November, nor on the first of December.
    assert_eq!(world.store.draft_invoices(at("2026-12-09")).unwrap(), 3);
    let drafts = [
        row("2026-11", "draft", 30_000),
        row("2026-11", "draft", 15_000),
        row("2026-10", "draft", 30_000),
    ];
    assert_eq!(all(&world), drafts);
    assert_eq!(world.store.draft_invoices(at("2026-12-09")).unwrap(), 0);
    assert_eq!(all(&world), drafts);
    // A draft follows what is corrected; so does its tax.
    world.store.set_issuer(&issuer(), BY, NOW).unwrap();
    let billing = Billing {
        name: "Harapan Sdn Bhd".into(),
        address: " 5, Jalan Besar \n\n Ipoh".into(),
        language: Language::Malay,
    };
    world.store.set_billing(NAME, &billing, BY, NOW).unwrap();
    assert_eq!(world.store.draft_invoices(at("2026-12-09")).unwrap(), 0);
    let drafts = world.store.invoices(Some(InvoiceState::Draft)).unwrap();
    assert_eq!(drafts[0].bill.total_sen, 32_400);
    assert_eq!(drafts[0].bill.buyer_name, "Harapan Sdn Bhd");
    assert_eq!(drafts[0].bill.buyer_address, "5, Jalan Besar\nIpoh");
    assert_eq!(drafts[0].bill.language(), Language::Malay);
}

fn an_invoice_is_issued_paid_and_undone_in_its_order() {
    let mut world = charged(92);
    world.store.draft_invoices(at("2026-11-02")).unwrap();
    let id = world.store.invoices(None).unwrap()[0].id;
    let (issued, later) = (at("2026-11-03"), at("2026-11-20"));
    let day = |text: &str| text.parse().unwrap();
    assert_eq!(world.store.issue_invoice(id, BY, issued), Err(InvoiceError::NoIssuer));
    let no_name = Issuer {
        name: " ".into(),
        ..issuer()
    };
    assert_eq!(world.store.set_issuer(&no_name, BY, NOW), Err(InvoiceError::BadIssuer));
    world.store.set_issuer(&issuer(), BY, NOW).unwrap();
    let draft = Err(InvoiceError::WrongState(InvoiceState::Draft));
    assert_eq!(world.store.mark_paid(id, day("2026-11-05"), BY, later), draft);
    assert!(world.store.void_invoice(id, false, BY, later).is_err());
    assert_eq!(
        world.store.issue_invoice(id, BY, issued).as_deref(),
        Ok("INV-2026-0001")
    );
    let again = world.store.issue_invoice(id, BY, issued);
    assert_eq!(again, Err(InvoiceError::WrongState(InvoiceState::Issued)));
    let known = world.store.invoice("INV-2026-0001").unwrap();
    assert_eq!(
        (known.issued, known.due),
        (Some(day("2026-11-03")), Some(day("2026-12-03")))
    );
    for bad in ["2026-11-02", "2026-11-21"] {
        assert_eq!(
            world.store.mark_paid(id, day(bad), BY, later),
            Err(InvoiceError::BadDay),
            "{bad}"
        );
    }
    world.store.mark_paid(id, day("2026-11-05"), BY, later).unwrap();
    let paid = Err(InvoiceError::WrongState(InvoiceState::Paid));
    assert_eq!(world.store.void_invoice(id, false, BY, later), paid, "it was paid");
    world.store.mark_unpaid(id, BY, later).unwrap();
    assert!(world.store.mark_unpaid(id, BY, later).is_err());
    // A credit note undoes it, and the month may be charged anew; the run does not do that by itself.
    assert_eq!(
        world.store.void_invoice(id, true, BY, later).as_deref(),
        Ok("CN-2026-0001")
    );
    assert_eq!(world.store.invoice("INV-2026-0001").unwrap().state, InvoiceState::Void);
    let note = world.store.invoice("CN-2026-0001").unwrap();
    assert_eq!(
        (note.credits.as_deref(), note.bill.total_sen),
        (Some("INV-2026-0001"), 32_400)
    );
    assert!(
        world.store.void_invoice(note.id, false, BY, later).is_err(),
        "a credit note is not undone"
    );
    assert!(world.store.mark_paid(note.id, day("2026-11-20"), BY, later).is_err());
    world.store.draft_invoices(later).unwrap();
    let drafts = world.store.invoices(Some(InvoiceState::Draft)).unwrap();
    assert_eq!(drafts.len(), 1);
    assert_eq!(
        world.store.issue_invoice(drafts[0].id, BY, later).as_deref(),
        Ok("INV-2026-0002")
    );
    assert_eq!(world.store.invoice("INV-2026-9999"), Err(InvoiceError::Unknown));
    assert_eq!(world.store.issue_invoice(99, BY, later), Err(InvoiceError::Unknown));
}

fn numbers_have_no_gaps_and_begin_anew_each_year() {
    let mut world = charged(93);
    world.store.set_issuer(&issuer(), BY, NOW).unwrap();
    world.store.draft_invoices(at("2027-02-01")).unwrap();
    let drafts = world.store.invoices(Some(InvoiceState::Draft)).unwrap();
    assert_eq!(drafts.len(), 7, "four months of one and three of the other");
    let mut codes = Vec::new();
    for (nth, draft) in drafts.iter().enumerate() {
        // What is refused takes no number.
        assert!(world.store.issue_invoice(1_000, BY, at("2026-12-31")).is_err());
        let day = if nth < 4 { "2026-12-31" } else { "2027-01-01" };
        codes.push(world.store.issue_invoice(draft.id, BY, at(day)).unwrap());
    }
    let expected = [1, 2, 3, 4].map(|n| format!("INV-2026-000{n}")).into_iter();
    let expected: Vec<_> = expected.chain([1, 2, 3].map(|n| format!("INV-2027-000{n}"))).collect();
    assert_eq!(codes, expected);
}

fn what_was_issued_is_altered_by_nobody() {
    let mut world = charged(94);
    world.store.set_issuer(&issuer(), BY, NOW).unwrap();
    world.store.draft_invoices(at("2026-12-01")).unwrap();
    let drafts = world.store.invoices(None).unwrap();
    world.store.issue_invoice(drafts[0].id, BY, at("2026-12-01")).unwrap();
    let issued = world.store.invoice(&drafts[0].id.to_string()).unwrap();
    // Everything around it changes: the plan's price and name of the clinic, the sender, the buyer.
    let dearer = PlanTerms {
        price_sen: 99_900,
        ..PlanTerms::default()
    };
    world.store.set_plan("Kecil", &dearer, BY, at("2026-11-01")).unwrap();
    let other = Issuer {
        sst_bp: 0,
        name: "Lain".into(),
        ..issuer()
    };
    world.store.set_issuer(&other, BY, NOW).unwrap();
    world.store.draft_invoices(at("2026-12-02")).unwrap();
    assert_eq!(world.store.invoice(&drafts[0].id.to_string()).unwrap(), issued);
    // Nor behind the program's back, with the rights that it has.
    for attempt in [
        "UPDATE invoice SET total_sen = 1 WHERE issued_ms IS NOT NULL",
        "DELETE FROM invoice WHERE serial = 1",
    ] {
        let n_changed = match &world.home {
            Home::Folder => {
                let file = rusqlite::Connection::open(world.folder.path().join(sync_server::FILE_NAME)).unwrap();
                file.execute(attempt, []).unwrap_or(0) as u64
            }
            Home::Database(database) => {
                let mut client = database.relay().connect().unwrap();
                client
                    .batch_execute("SELECT set_config('medieco.house', 'on', false)")
                    .unwrap();
                client.execute(attempt, &[]).unwrap_or(0)
            }
        };
        assert_eq!(n_changed, 0, "{attempt}");
    }
    assert_eq!(world.store.invoice(&drafts[0].id.to_string()).unwrap(), issued);
}

fn a_clinic_that_was_removed_is_charged_to_its_last_day() {
    let mut world = charged(95);
    let number = world.store.clinic_plan(NAME, NOW).unwrap().number;
    let removed = at("2026-11-11");
    world.store.suspend_clinic(number, "gone", BY, removed).unwrap();
    world.store.remove_clinic(number, BY, removed).unwrap();
    let tenant = world.a.clinic.tenant;
    while world.store.drop_removed(&tenant).unwrap() {}
    for table in ["seat", "freed", "usage_said", "usage_counted"] {
        let left =
            format!("SELECT count(*) FROM {table} WHERE tenant = (SELECT tenant FROM clinic WHERE number = {number})");
        assert_eq!(world.figure(&left), 0, "{table}");
    }
    world.store.draft_invoices(at("2026-12-09")).unwrap();
    world.store.draft_invoices(at("2027-01-09")).unwrap();
    let of_it = world
        .store
        .invoices(None)
        .unwrap()
        .into_iter()
        .filter(|one| one.clinic == number);
    let sums: Vec<_> = of_it.map(|one| (one.month.to_string(), one.bill.total_sen)).collect();
    assert_eq!(sums, [("2026-11".to_owned(), 10_000), ("2026-10".to_owned(), 30_000)]);
}

/// Five months of one clinic and three of the other, the first three issued, one of them paid and one undone.
fn half_a_year(seed: u8) -> World {
    let mut world = charged(seed);
    world.store.set_issuer(&issuer(), BY, NOW).unwrap();
    world.store.draft_invoices(at("2027-02-15")).unwrap();
    let all = world.store.invoices(None).unwrap();
    for one in all.iter().rev().take(3) {
        world.store.issue_invoice(one.id, BY, at("2027-02-15")).unwrap();
    }
    let ids: Vec<i64> = all.iter().rev().map(|one| one.id).collect();
    world
        .store
        .mark_paid(ids[0], calendar::day_at(at("2027-02-15")), BY, at("2027-02-15"))
        .unwrap();
    world.store.void_invoice(ids[1], true, BY, at("2027-02-15")).unwrap();
    world
}

fn ids(page: &InvoicesPage) -> Vec<i64> {
    page.invoices.iter().map(|one| one.id).collect()
}

/// All pages from the first to the last, each read again from the one behind it.
fn pages(world: &World, wanted: InvoicesWanted, most: usize) -> Vec<i64> {
    let read = |from| world.store.invoices_page(wanted, from, most).unwrap();
    let mut page = read(InvoicesFrom::Newest);
    assert_eq!(page.newer, None);
    let mut all = ids(&page);
    while let Some(than) = page.older {
        let next = read(InvoicesFrom::Older(than));
        let before = next.newer.expect("there is a page before it");
        assert_eq!(read(InvoicesFrom::Newer(before)), page, "the way back");
        all.extend(ids(&next));
        page = next;
    }
    all
}

fn the_list_is_read_page_by_page_and_leaves_nothing_out() {
    let mut world = half_a_year(96);
    let of_a = world.store.clinic_plan(NAME, NOW).unwrap().number;
    let states = InvoiceState::ALL.map(Some).into_iter().chain([None]);
    for state in states {
        for clinic in [None, Some(of_a), Some(999)] {
            let wanted = InvoicesWanted { state, clinic };
            let all = world.store.invoices(state).unwrap().into_iter();
            let all = all.filter(|one| clinic.is_none_or(|clinic| one.clinic == clinic));
            let all: Vec<i64> = all.map(|one| one.id).collect();
            for most in [1, 2, 3, 100] {
                assert_eq!(pages(&world, wanted, most), all, "{wanted:?} {most}");
            }
        }
    }
    let months: Vec<_> = all(&world).into_iter().map(|(month, ..)| month).collect();
    assert!(months.is_sorted_by(|newer, older| newer >= older), "{months:?}");

    // What comes meanwhile moves no page that follows, nor does what becomes of those before it.
    let wanted = InvoicesWanted::default();
    let first = world.store.invoices_page(wanted, InvoicesFrom::Newest, 3).unwrap();
    let second = world
        .store
        .invoices_page(wanted, InvoicesFrom::Older(first.older.unwrap()), 3)
        .unwrap();
    world.store.issue_invoice(ids(&first)[2], BY, at("2027-03-15")).unwrap();
    assert!(world.store.draft_invoices(at("2027-03-15")).unwrap() > 0);
    let again = world
        .store
        .invoices_page(wanted, InvoicesFrom::Older(first.older.unwrap()), 3);
    assert_eq!(again.unwrap(), second);

    // Where nothing is left, and before the first, is the first page, whole.
    let newest = world.store.invoices_page(wanted, InvoicesFrom::Newest, 3).unwrap();
    let nowhere = |month: &str| InvoicePlace {
        month: month.parse().unwrap(),
        clinic: 1,
        id: 1,
    };
    for from in [
        InvoicesFrom::Older(nowhere("2020-01")),
        InvoicesFrom::Newer(nowhere("2030-01")),
        InvoicesFrom::Newer(newest.invoices[1].place()),
    ] {
        assert_eq!(world.store.invoices_page(wanted, from, 3).unwrap(), newest, "{from:?}");
    }
}

fn a_page_of_the_list_reads_no_invoice_but_its_own() {
    let world = half_a_year(97);
    let oldest = world.store.invoices(None).unwrap().last().unwrap().id;
    spoil(&world, oldest);
    assert!(world.store.invoices(None).is_err());
    let wanted = InvoicesWanted::default();
    let page = world.store.invoices_page(wanted, InvoicesFrom::Newest, 3).unwrap();
    assert_eq!(page.invoices.len(), 3);
}

/// A body that nobody can read: whoever reads it fails.
fn spoil(world: &World, id: i64) {
    if matches!(world.home, Home::Folder) {
        world.meddle("DROP TRIGGER IF EXISTS invoice_stays");
    }
    world.meddle(&format!("UPDATE invoice SET body = 'x' WHERE number = {id}"));
}

fn what_is_owed_is_known_without_a_look_at_any_invoice() {
    let world = half_a_year(99);
    let ids: Vec<i64> = world.store.invoices(None).unwrap().iter().map(|one| one.id).collect();
    let today = calendar::day_at(at("2027-03-18"));
    let (sums, all) = (
        world.store.invoice_sums(None, today).unwrap(),
        world.store.overview(at("2027-03-18")).unwrap(),
    );
    assert!(sums.overdue_sen > 0);
    ids.into_iter().for_each(|id| spoil(&world, id));
    assert!(world.store.invoices(None).is_err());
    assert_eq!(world.store.invoice_sums(None, today).unwrap(), sums);
    assert_eq!(world.store.overview(at("2027-03-18")).unwrap(), all);
}

/// What it knows nothing of is put right when this build opens the store, and each hour: nodes may be of both.
fn what_an_older_build_issued_and_what_was_paid_there_is_owed_and_is_not() {
    let mut world = half_a_year(100);
    let day = "2027-03-18".parse().unwrap();
    let sums = world.store.invoice_sums(None, day).unwrap();
    assert!(sums.open_sen > 0);
    world.meddle("DELETE FROM owed");
    assert_eq!(world.store.invoice_sums(None, day).unwrap().open_sen, 0);
    world.reopen();
    assert_eq!(world.store.invoice_sums(None, day).unwrap(), sums);
    world.meddle("INSERT INTO paid SELECT invoice, '2027-03-17', 1 FROM owed");
    world.store.draft_invoices(at("2027-02-15")).unwrap();
    let paid = world.store.invoice_sums(None, day).unwrap();
    assert_eq!((paid.open_sen, paid.overdue_sen), (0, 0));
    world.meddle("DELETE FROM paid WHERE day = '2027-03-17'");
    world.store.draft_invoices(at("2027-02-15")).unwrap();
    assert_eq!(world.store.invoice_sums(None, day).unwrap(), sums);
}

fn what_is_open_and_overdue_is_summed_up_for_all_or_one_clinic() {
    let world = half_a_year(98);
    let [of_a, of_b] =
        [NAME, "Klinik <b>Bukit</b> =1+1"].map(|name| world.store.clinic_plan(name, NOW).unwrap().number);
    let sums = |clinic, day: &str| world.store.invoice_sums(clinic, day.parse().unwrap()).unwrap();
    let n = |clinic| InvoiceState::ALL.map(|state| sums(clinic, "2027-02-15").n(Some(state)));
    let counted = |clinic: Option<i64>| {
        InvoiceState::ALL.map(|state| {
            let all = world.store.invoices(Some(state)).unwrap().into_iter();
            all.filter(|one| clinic.is_none_or(|clinic| one.clinic == clinic))
                .count() as u64
        })
    };
    for clinic in [None, Some(of_a), Some(of_b)] {
        assert_eq!(n(clinic), counted(clinic), "{clinic:?}");
    }
    assert_eq!(n(None).iter().sum::<u64>(), sums(None, "2027-02-15").n(None));
    assert_eq!(n(Some(999)), [0; 4]);
    // One was paid, one undone, one is open; it is due after thirty days. The credit note is nothing that anybody pays.
    let open = world.store.invoices(Some(InvoiceState::Issued)).unwrap();
    let open: Vec<_> = open.iter().filter(|one| !one.is_credit_note()).collect();
    assert_eq!(open.len(), 1);
    let (sen, whose) = (open[0].bill.total_sen, open[0].clinic);
    let due = sums(Some(whose), "2027-03-17");
    assert_eq!((due.open_sen, due.overdue_sen), (sen, 0), "on the day itself");
    assert_eq!(sums(None, "2027-03-18").overdue_sen, sen);
    let other = if whose == of_a { of_b } else { of_a };
    assert_eq!(sums(Some(other), "2027-03-18").open_sen, 0);
}
