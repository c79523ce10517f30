//! What operators did.

use maud::html;

use crate::OperatorLine;
use crate::console::reply::Reply;
use crate::console::visit::{Fault, Visit};
use crate::console::words::words;
use crate::console::{layout, time};

const A_PAGE: usize = 50;

words! {
    /// Of the operators' audit.
    Words {
        title: "What operators did", "Tindakan operator";
        at: "Time", "Masa";
        who: "Operator", "Operator";
        what: "Act", "Tindakan";
        about: "About", "Mengenai";
        result: "Result", "Hasil";
        broken: "Line {number} does not follow from the one before it: somebody altered this list in the database.",
            "Baris {number} tidak menyusuli baris sebelumnya: seseorang telah mengubah senarai ini dalam pangkalan data.";
        holds: "Each of these lines follows from the one before it.", "Setiap baris ini menyusuli baris sebelumnya.";
        older: "Older lines", "Baris lebih lama";
        empty: "Nothing was done yet. Every act of an operator is listed here, and every sign-in that failed.",
            "Belum ada tindakan. Setiap tindakan operator disenaraikan di sini, dan setiap log masuk yang gagal.";
        command_line: "command line", "baris perintah";
        unknown: "unknown", "tidak diketahui";
        recovery_code: "recovery code", "kod pemulihan";
        done: "done", "selesai";
        refused: "refused", "ditolak";
        signed_in: "signed in", "log masuk";
        signed_out: "signed out", "log keluar";
        signed_out_everywhere: "signed out everywhere", "log keluar di semua tempat";
        enrolled: "set password and second factor", "menetapkan kata laluan dan faktor kedua";
        operator_added: "added an operator", "menambah operator";
        operator_reset: "reset an operator", "menetapkan semula operator";
        operator_removed: "removed an operator", "membuang operator";
        clinic_added: "added a clinic", "menambah klinik";
        clinic_renamed: "renamed a clinic", "menamakan semula klinik";
        clinic_suspended: "suspended a clinic", "menggantung klinik";
        clinic_reactivated: "reactivated a clinic", "mengaktifkan semula klinik";
        clinic_exported: "exported a clinic's sealed data", "mengeksport data termeterai klinik";
        clinic_removed: "removed a clinic", "membuang klinik";
        invitation_made: "made an invitation", "membuat jemputan";
        invitation_revoked: "revoked an invitation", "membatalkan jemputan";
        plan_set: "set a plan's price and limits", "menetapkan harga dan had pelan";
        plan_retired: "retired a plan", "menamatkan pelan";
        clinic_plan_set: "gave a clinic a plan, or none", "memberikan pelan kepada klinik, atau tiada";
        clinic_billing_set: "set to whom a clinic's invoices go", "menetapkan penerima invois klinik";
        issuer_set: "set who sends invoices", "menetapkan penghantar invois";
        invoice_issued: "issued an invoice", "mengeluarkan invois";
        invoice_paid: "marked an invoice as paid", "menandakan invois dibayar";
        invoice_unpaid: "marked an invoice as not paid", "menandakan invois belum dibayar";
        invoice_voided: "undid an invoice by a credit note", "membatalkan invois dengan nota kredit";
    }
}

/// What has no words here is said as it is stored.
fn act(own: &'static Words, act: &str) -> String {
    let known = match act {
        "signed_in" => own.signed_in,
        "signed_out" => own.signed_out,
        "signed_out_everywhere" => own.signed_out_everywhere,
        "enrolled" => own.enrolled,
        "operator_added" => own.operator_added,
        "operator_reset" => own.operator_reset,
        "operator_removed" => own.operator_removed,
        "clinic_added" => own.clinic_added,
        "clinic_renamed" => own.clinic_renamed,
        "clinic_suspended" => own.clinic_suspended,
        "clinic_reactivated" => own.clinic_reactivated,
        "clinic_exported" => own.clinic_exported,
        "clinic_removed" => own.clinic_removed,
        "invitation_made" => own.invitation_made,
        "invitation_revoked" => own.invitation_revoked,
        "plan_set" => own.plan_set,
        "plan_retired" => own.plan_retired,
        "clinic_plan_set" => own.clinic_plan_set,
        "clinic_billing_set" => own.clinic_billing_set,
        "issuer_set" => own.issuer_set,
        "invoice_issued" => own.invoice_issued,
        "invoice_paid" => own.invoice_paid,
        "invoice_unpaid" => own.invoice_unpaid,
        "invoice_voided" => own.invoice_voided,
        other => return other.replace('_', " "),
    };
    known.to_owned()
}

fn who<'a>(own: &'static Words, line: &'a OperatorLine) -> &'a str {
    match line.operator.as_str() {
        "" => own.unknown,
        crate::COMMAND_LINE => own.command_line,
        name => name,
    }
}

pub(crate) async fn page(visit: Visit) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let before: u64 = visit.query.one("before").parse().unwrap_or(i64::MAX as u64);
    let lines = visit.store(move |store| store.operator_audit(before, A_PAGE)).await?;
    let broken = lines
        .iter()
        .find(|line| !line.holds)
        .map(|line| line.number.to_string());
    let content = html! {
        @if lines.is_empty() { p.empty { (own.empty) } } @else {
            @match &broken {
                Some(number) => (layout::notice("bad", crate::console::words::fill(own.broken, &[("number", number)]))),
                None => p.hint { (own.holds) },
            }
            div.wide { table {
                caption.hidden { (own.title) }
                thead { tr {
                    th.number scope="col" { "#" } th scope="col" { (own.at) } th scope="col" { (own.who) }
                    th scope="col" { (own.what) } th scope="col" { (own.about) } th scope="col" { (own.result) }
                } }
                tbody {
                    @for line in &lines {
                        tr.bad[!line.holds] {
                            td.number { (line.number) }
                            td.when { (time::when(line.at_ms, visit.lang)) }
                            td { (who(own, line)) }
                            td { (act(own, &line.act)) }
                            td { @if line.act.starts_with("clinic") || line.act.starts_with("invitation") {
                                a href={ "/clinics/" (line.about) } { "#" (line.about) }
                            } @else if line.about == "recovery code" { (own.recovery_code) } @else { (line.about) } }
                            td { @match line.result.as_str() {
                                "done" => (own.done), "refused" => (own.refused), other => (other),
                            } }
                        }
                    }
                }
            } }
            @if let Some(last) = lines.last().filter(|last| last.number > 1) {
                p { a href={ "/audit?before=" (last.number) } { (own.older) } }
            }
        }
    };
    Ok(layout::page(&visit, "/audit", own.title, content))
}
