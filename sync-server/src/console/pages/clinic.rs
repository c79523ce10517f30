//! One clinic's page.

use hyper::StatusCode;
use maud::{Markup, html};
use seal::{Invitation, InvitationToken};

use super::clinic_inside::{audit, devices, look_inside};
use super::clinics::{self, MAX_NAME_CHARS};
use crate::console::reply::Reply;
use crate::console::visit::{Fault, Visit};
use crate::console::words::{fill, fill_in, words};
use crate::console::{layout, time};
use crate::{ClinicCard, Standing};

pub(crate) use super::clinic_acts::{export, invite, reactivate, remove, rename, revoke, suspend};

words! {
    /// Of one clinic.
    Words {
        id: "Id", "Id";
        since: "On the list since", "Dalam senarai sejak";
        joined: "Joined", "Menyertai pada";
        look_after: "Look after it", "Pengurusan";
        invoices: "Invoices", "Invois";
        see_invoices: "its invoices", "invoisnya";
        rename: "Change the name", "Tukar nama";
        save: "Save", "Simpan";
        suspended_since: "Suspended since {when}: {why}", "Digantung sejak {when}: {why}";
        suspended_means: "None of its devices is served, and nothing that it gives crosses. Its data stays here, and its devices go on working by themselves.",
            "Tiada perantinya dilayan, dan apa-apa yang dikongsinya tidak disampaikan. Datanya kekal di sini, dan perantinya terus bekerja sendiri.";
        removed_on: "Removed on {when}. What is left are its audit lines and its grants to other clinics, as opaque ids.",
            "Dibuang pada {when}. Yang tinggal ialah baris auditnya dan kebenarannya kepada klinik lain, sebagai id legap.";
        still_going: "Its data is being deleted.", "Datanya sedang dipadamkan.";
        suspend: "Suspend", "Gantung";
        suspend_title: "Suspend network access", "Gantung akses rangkaian";
        why: "Why (for you and other operators)", "Sebab (untuk anda dan operator lain)";
        reactivate: "Reactivate", "Aktifkan semula";
        remove: "Remove", "Buang";
        remove_title: "Remove this clinic", "Buang klinik ini";
        remove_why: "Deletes everything of it here: sealed changes, releases, attachments, statements. This cannot be taken back. Export it first, in this sign-in.",
            "Memadamkan semua datanya di sini: perubahan termeterai, pelepasan, lampiran, penyataan. Ini tidak boleh ditarik balik. Eksport dahulu, dalam log masuk ini.";
        suspend_first: "Suspend it first: then its devices are told, and nothing is cut off in the middle.",
            "Gantung dahulu: perantinya akan diberitahu, dan tiada apa-apa terputus di tengah jalan.";
        export: "Export its sealed data", "Eksport data termeterainya";
        export_why: "One file (tar): the store with this clinic alone, and its attachments. Nobody but the clinic can read what is in it.",
            "Satu fail (tar): storan dengan klinik ini sahaja, dan lampirannya. Hanya klinik itu boleh membaca isinya.";
        exported: "Exported in this sign-in.", "Dieksport dalam log masuk ini.";
        not_exported: "Export it first, in this sign-in, and wait until the file is whole.",
            "Eksport dahulu, dalam log masuk ini, dan tunggu sehingga fail lengkap.";
        type_name: "Type its name, {name}", "Taip namanya, {name}";
        name_differs: "The name that you typed is not this clinic's. Nothing was removed. Type it as it stands above the field, and the code of that moment.",
            "Nama yang anda taip bukan nama klinik ini. Tiada apa-apa dibuang. Taip seperti di atas medan, dan kod pada saat itu.";
        why_needed: "It was not suspended. Say why, in one line of at most 200 letters.",
            "Ia tidak digantung. Nyatakan sebab, dalam satu baris tidak melebihi 200 huruf.";
        not_now: "Nothing was done: that is not possible as this clinic is now. Another operator may have been faster; its state is below, and what is possible now.",
            "Tiada apa-apa dilakukan: itu tidak mungkin dalam keadaan klinik ini sekarang. Operator lain mungkin lebih cepat; keadaannya ada di bawah, dan yang boleh dilakukan sekarang.";
        withdraw: "Take off the list", "Keluarkan daripada senarai";
        withdraw_why: "It has not joined: nothing of it is here, and its invitation ends.",
            "Ia belum menyertai: tiada datanya di sini, dan jemputannya tamat.";
        invitation: "Invitation", "Jemputan";
        open_until: "Open until {when}. It was shown once; a new one ends it.",
            "Sah hingga {when}. Ia ditunjukkan sekali; yang baharu menamatkannya.";
        lapsed: "It has ended, or was revoked.", "Ia telah tamat, atau dibatalkan.";
        make: "Make a new invitation", "Buat jemputan baharu";
        revoke: "Revoke it", "Batalkan";
        invitation_for: "The invitation for {name}", "Jemputan untuk {name}";
        invitation_why: "Good once, until {when}. It is shown now and never again. Hand it to the owner in person or by a safe way.",
            "Sah sekali sahaja, hingga {when}. Ia ditunjukkan sekarang dan tidak akan ditunjukkan lagi. Serahkan kepada pemilik secara peribadi atau dengan cara selamat.";
        devices: "Devices", "Peranti";
        no_devices: "None yet.", "Belum ada.";
        device: "Device", "Peranti";
        seen: "Last seen", "Terakhir dilihat";
        behind: "Behind by", "Ketinggalan";
        behind_n: "{n} changes", "{n} perubahan";
        in_clinic: "member", "ahli";
        not_in_clinic: "removed", "dikeluarkan";
        admin: "admin", "admin";
        audit: "Accesses across clinics, the newest first", "Akses antara klinik, terbaharu dahulu";
        audit_empty: "No other clinic has asked for anything of it, nor it of others.",
            "Tiada klinik lain meminta apa-apa daripadanya, dan ia juga tidak.";
        at: "Time", "Masa";
        asked: "Asked by", "Diminta oleh";
        of: "Of", "Daripada";
        outcome: "Outcome", "Hasil";
        permitted: "permitted", "dibenarkan";
        denied: "denied: {why}", "ditolak: {why}";
        no_grant: "no such consent", "tiada persetujuan sedemikian";
        not_recipient: "another clinic's consent", "persetujuan untuk klinik lain";
        not_yet: "not yet begun", "belum bermula";
        ended: "it has ended", "telah tamat";
        revoked: "revoked", "telah dibatalkan";
        not_understood: "of a newer build", "daripada versi lebih baharu";
        source_closed: "the giver is not served", "pemberi tidak dilayan";
        releases: "Releases", "Pelepasan";
    }
}

/// A form of this page that was sent and not done: it is open, with what was typed in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// None, or one that has nothing to type in.
    Nothing,
    Name,
    Suspension,
    Removal,
    Plan,
    Billing,
}

impl Sent {
    /// What stands in a field of this form.
    pub(super) fn typed<'a>(self, form: Self, visit: &'a Visit, name: &str, known: &'a str) -> &'a str {
        if self == form {
            visit.form.typed(name, known)
        } else {
            known
        }
    }
}

pub(crate) async fn page(visit: Visit) -> Result<Reply, Fault> {
    shown(&visit, StatusCode::OK, html! {}, Sent::Nothing).await
}

pub(super) async fn card(visit: &Visit) -> Result<ClinicCard, Fault> {
    let number = visit.number()?;
    visit
        .store(move |store| store.clinic_card(number))
        .await?
        .ok_or(Fault::NotFound)
}

pub(super) async fn shown(visit: &Visit, status: StatusCode, notice: Markup, sent: Sent) -> Result<Reply, Fault> {
    let card = card(visit).await?;
    let inside = match card.tenant {
        Some(tenant) => Some(look_inside(visit, tenant).await?),
        None => None,
    };
    let usage = super::usage::panel(visit, &card, sent).await?;
    let own = Words::of(visit.lang);
    let content = html! {
        (notice)
        (head(visit, &card))
        @if card.tenant.is_none() { (invitation_part(visit, &card)) }
        (usage)
        @if let Some(inside) = &inside {
            (devices(visit, &card, inside))
            (audit(visit, &inside.lines))
        }
        section #standing {
            h2 { (own.look_after) }
            details.fold open[sent == Sent::Name] {
                summary { (own.rename) }
                form.stack method="post" action={ "/clinics/" (card.number) "/name" } {
                    (layout::token(visit))
                    p.field {
                        label for="name" { (visit.words.name) }
                        input #name name="name" required value=(sent.typed(Sent::Name, visit, "name", &card.name)) maxlength=(MAX_NAME_CHARS);
                    }
                    p.acts { button { (own.save) } }
                }
            }
            (standing(visit, &card, sent))
            (removal(visit, &card, sent))
        }
    };
    Ok(layout::page_with(status, visit, "/clinics", &card.name, content))
}

fn head(visit: &Visit, card: &ClinicCard) -> Markup {
    let (own, words) = (Words::of(visit.lang), visit.words);
    let when = |ms| time::when(ms, visit.lang);
    html! {
        dl.facts {
            dt { (words.state) } dd { (clinics::state(visit, card)) }
            @if let Some(tenant) = card.tenant { dt { (own.id) } dd { code { (tenant) } } }
            dt { (own.since) } dd { (when(card.made_ms)) }
            @if let Some(joined_ms) = card.joined_ms { dt { (own.joined) } dd { (when(joined_ms)) } }
            dt { (own.invoices) } dd { a href={ "/invoices?clinic=" (card.number) } { (own.see_invoices) } }
        }
        @match &card.standing {
            Standing::Good => {}
            Standing::Suspended { since_ms, why } => {
                p.notice.warn { (fill_in(own.suspended_since, &[("when", when(*since_ms)), ("why", html! { (why) })])) }
            }
            Standing::Removed { since_ms, is_gone } => {
                p.notice.warn {
                    (fill_in(own.removed_on, &[("when", when(*since_ms))]))
                    @if !is_gone { " " (own.still_going) }
                }
            }
        }
    }
}

fn invitation_part(visit: &Visit, card: &ClinicCard) -> Markup {
    let own = Words::of(visit.lang);
    let open = card.invited_until_ms.filter(|until| *until > visit.now_ms);
    html! {
        section {
            h2 { (own.invitation) }
            p {
                @match open {
                    Some(until) => (fill_in(own.open_until, &[("when", time::when(until, visit.lang))])),
                    None => (own.lapsed),
                }
            }
            form.row method="post" action={ "/clinics/" (card.number) "/invitation" } {
                (layout::token(visit))
                button { (own.make) }
                @if open.is_some() { button formaction={ "/clinics/" (card.number) "/invitation/revoke" } { (own.revoke) } }
            }
        }
    }
}

fn standing(visit: &Visit, card: &ClinicCard, sent: Sent) -> Markup {
    let own = Words::of(visit.lang);
    let number = card.number;
    html! {
        @match (&card.standing, card.tenant) {
            (Standing::Good, Some(_)) => details.fold open[sent == Sent::Suspension] {
                summary { (own.suspend_title) }
                form.stack method="post" action={ "/clinics/" (number) "/suspend" } {
                    (layout::token(visit))
                    p.hint { (own.suspended_means) }
                    p.field {
                        label for="why" { (own.why) }
                        input #why name="why" required maxlength="200" value=(sent.typed(Sent::Suspension, visit, "why", ""));
                    }
                    (layout::code_field(visit, "code"))
                    p.acts { button.danger { (own.suspend) } }
                }
            },
            (Standing::Suspended { .. }, _) => form.stack method="post" action={ "/clinics/" (number) "/reactivate" } {
                (layout::token(visit))
                p.hint { (own.suspended_means) }
                p.acts { button.primary { (own.reactivate) } }
            },
            _ => {}
        }
    }
}

fn removal(visit: &Visit, card: &ClinicCard, sent: Sent) -> Markup {
    let own = Words::of(visit.lang);
    let number = card.number;
    let exported = visit.me().row.exported == Some(number);
    html! {
        @match (&card.standing, card.tenant) {
            (Standing::Removed { .. }, _) => {}
            (_, None) => details.fold open[sent == Sent::Removal] {
                summary { (own.withdraw) }
                form.stack method="post" action={ "/clinics/" (number) "/remove" } {
                    (layout::token(visit))
                    p.hint { (own.withdraw_why) }
                    (name_and_code(visit, card))
                    p.acts { button.danger { (own.withdraw) } }
                }
            },
            (standing, Some(_)) => details.fold open[sent == Sent::Removal || exported] {
                summary { (own.remove_title) }
                p { (own.remove_why) }
                form.stack method="post" action={ "/clinics/" (number) "/export" } {
                    (layout::token(visit))
                    p.hint { (own.export_why) }
                    p.acts { button { (own.export) } }
                    @if exported { p { "✓ " (own.exported) } }
                }
                @if *standing == Standing::Good { p.hint { (own.suspend_first) } } @else {
                    form.stack method="post" action={ "/clinics/" (number) "/remove" } {
                        (layout::token(visit))
                        (name_and_code(visit, card))
                        p.acts { button.danger { (own.remove) } }
                    }
                }
            },
        }
    }
}

fn name_and_code(visit: &Visit, card: &ClinicCard) -> Markup {
    let own = Words::of(visit.lang);
    html! {
        p.field {
            label for="typed" { (fill(own.type_name, &[("name", &card.name)])) }
            input #typed name="typed" required autocomplete="off" maxlength="200";
        }
        (layout::code_field(visit, "remove-code"))
    }
}

/// An invitation, shown once.
pub(super) async fn invitation(
    visit: &Visit,
    number: i64,
    name: &str,
    token: InvitationToken,
    expires_ms: i64,
) -> Result<Reply, Fault> {
    let own = Words::of(visit.lang);
    let reachable = visit.store(|store| store.reachable()).await?.ok_or(Fault::Failed)?;
    let invitation = Invitation {
        relay_url: reachable.url,
        relay_key_sha256: reachable.key_sha256,
        token,
        expires_ms,
        clinic_hint: Some(name.to_owned()),
    };
    let text = invitation.to_text();
    let content = html! {
        p { (fill_in(own.invitation_why, &[("when", time::when(expires_ms, visit.lang))])) }
        p { code.once { (&**text) } }
        p { a href={ "/clinics/" (number) } { (visit.words.back) } }
    };
    let title = fill(own.invitation_for, &[("name", name)]);
    Ok(layout::page(visit, "/clinics", &title, content))
}
