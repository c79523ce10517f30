//! `medieco-relay invoice …`: they work beside a running relay.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use jiff::civil::Date;
use serde_json::json;
use sync_server::{
    Billing, COMMAND_LINE, Invoice, InvoiceError, InvoiceState, Issuer, Language, PlanError, Store, as_pdf, calendar,
    now_ms, ringgit,
};

use super::database::Place;
use super::plans::told;
use super::{FAILED, REFUSED, say};

#[derive(Debug, Subcommand)]
pub(super) enum InvoiceCommand {
    /// Draft an invoice for each clinic and month that is over; a running relay does so by itself
    Run,
    /// Show invoices and credit notes
    List {
        /// Only those of this state
        #[arg(long, value_name = "STATE", value_enum)]
        state: Option<State>,
    },
    /// Give a draft its number and its day: it stays as it is from then on
    Issue {
        /// The draft's number on the list
        invoice: String,
    },
    /// Note that an invoice was paid
    Pay {
        /// Its number
        invoice: String,
        /// When [default: today]
        #[arg(long, value_name = "YYYY-MM-DD")]
        on: Option<Date>,
        /// It was not paid after all
        #[arg(long, conflicts_with = "on")]
        undo: bool,
    },
    /// Undo an invoice by a credit note
    Void {
        /// Its number
        invoice: String,
        /// And draft another for its month
        #[arg(long)]
        again: bool,
    },
    /// Write an invoice as a PDF
    Pdf {
        /// Its number, or a draft's
        invoice: String,
        /// The file; it must not exist
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Say who sends invoices: what is left out stays as it was
    From {
        /// Your name
        #[arg(long)]
        name: Option<String>,
        /// Address, telephone and so on, in lines
        #[arg(long)]
        address: Option<String>,
        /// The company's registration number
        #[arg(long)]
        registration: Option<String>,
        /// The number under which you charge service tax
        #[arg(long)]
        sst_number: Option<String>,
        /// Service tax in percent, 0 for none
        #[arg(long, value_name = "PERCENT", value_parser = sync_server::read_ringgit)]
        sst: Option<i64>,
        /// How to pay, in lines
        #[arg(long)]
        terms: Option<String>,
        /// Days until an invoice is due
        #[arg(long, value_name = "N")]
        due_days: Option<u16>,
    },
    /// Say to whom a clinic's invoices go: what is left out stays as it was
    To {
        /// The clinic's name on the list, or its id
        clinic: String,
        /// The name on them
        #[arg(long)]
        name: Option<String>,
        /// The address, in lines
        #[arg(long)]
        address: Option<String>,
        /// Their language
        #[arg(long, value_enum)]
        language: Option<Tongue>,
    },
}

/// The state of an invoice.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum State {
    /// Not sent
    Draft,
    /// Sent
    Issued,
    /// Paid
    Paid,
    /// Undone
    Void,
}

/// The language of invoices.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Tongue {
    /// English
    En,
    /// Bahasa Melayu
    Ms,
}

enum Failure {
    Invoice(InvoiceError),
    Plan(PlanError),
    Other(String),
}

impl From<InvoiceError> for Failure {
    fn from(error: InvoiceError) -> Self {
        Self::Invoice(error)
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

impl From<sync_protocol::RelayStoreFailed> for Failure {
    fn from(error: sync_protocol::RelayStoreFailed) -> Self {
        Self::Invoice(error.into())
    }
}

pub(super) fn run(command: InvoiceCommand, place: &Place, json: bool) -> ExitCode {
    let mut store = match place.open() {
        Ok(store) => store,
        Err(error) => return say(if error.is_refusal() { REFUSED } else { FAILED }, error),
    };
    match act(command, &mut store, json) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Other(words)) => say(FAILED, words),
        Err(Failure::Plan(PlanError::Store(error)) | Failure::Invoice(InvoiceError::Store(error))) => {
            say(FAILED, error)
        }
        Err(Failure::Plan(error)) => say(REFUSED, error),
        Err(Failure::Invoice(error)) => say(REFUSED, error),
    }
}

fn act(command: InvoiceCommand, store: &mut Store, json: bool) -> Result<(), Failure> {
    let now = now_ms();
    match command {
        InvoiceCommand::Run => {
            let n_new = store.draft_invoices(now)?;
            if json {
                println!("{}", json!({ "v": 1, "drafted": n_new }));
            } else {
                eprintln!("{n_new} new drafts.");
            }
        }
        InvoiceCommand::List { state } => list(store, state, json)?,
        InvoiceCommand::Issue { invoice } => {
            let id = store.invoice(&invoice)?.id;
            print_number(&store.issue_invoice(id, COMMAND_LINE, now)?, json);
        }
        InvoiceCommand::Pay { invoice, on, undo } => {
            let id = store.invoice(&invoice)?.id;
            if undo {
                store.mark_unpaid(id, COMMAND_LINE, now)?;
            } else {
                let day = on.unwrap_or_else(|| calendar::day_at(now));
                store.mark_paid(id, day, COMMAND_LINE, now)?;
            }
            told(json, &json!({ "v": 1, "invoice": invoice, "paid": !undo }));
        }
        InvoiceCommand::Void { invoice, again } => {
            let id = store.invoice(&invoice)?.id;
            print_number(&store.void_invoice(id, again, COMMAND_LINE, now)?, json);
        }
        InvoiceCommand::Pdf { invoice, to } => {
            let pdf = as_pdf(&store.invoice(&invoice)?).map_err(|error| Failure::Other(error.to_string()))?;
            write_new(&to, &pdf).map_err(|error| Failure::Other(format!("the file cannot be written: {error}")))?;
            told(json, &json!({ "v": 1, "invoice": invoice, "bytes": pdf.len() }));
        }
        InvoiceCommand::From {
            name,
            address,
            registration,
            sst_number,
            sst,
            terms,
            due_days,
        } => {
            let known = store.issuer()?.unwrap_or_default();
            let issuer = Issuer {
                name: name.unwrap_or(known.name),
                address: address.unwrap_or(known.address),
                registration: registration.unwrap_or(known.registration),
                sst_number: sst_number.unwrap_or(known.sst_number),
                sst_bp: sst.map_or(known.sst_bp, |bp| u32::try_from(bp).unwrap_or(u32::MAX)),
                terms: terms.unwrap_or(known.terms),
                due_days: due_days.unwrap_or(known.due_days),
            };
            store.set_issuer(&issuer, COMMAND_LINE, now)?;
            told(json, &json!({ "v": 1, "from": issuer.name }));
        }
        InvoiceCommand::To {
            clinic,
            name,
            address,
            language,
        } => {
            let known = store.clinic_plan(&clinic, now)?.billing;
            let billing = Billing {
                name: name.unwrap_or(known.name),
                address: address.unwrap_or(known.address),
                language: match language {
                    None => known.language,
                    Some(Tongue::En) => Language::English,
                    Some(Tongue::Ms) => Language::Malay,
                },
            };
            store.set_billing(&clinic, &billing, COMMAND_LINE, now)?;
            told(json, &json!({ "v": 1, "clinic": clinic, "to": billing.name }));
        }
    }
    Ok(())
}

fn list(store: &Store, state: Option<State>, json: bool) -> Result<(), Failure> {
    let state = state.map(|state| match state {
        State::Draft => InvoiceState::Draft,
        State::Issued => InvoiceState::Issued,
        State::Paid => InvoiceState::Paid,
        State::Void => InvoiceState::Void,
    });
    let invoices = store.invoices(state)?;
    if json {
        let invoices: Vec<_> = invoices.iter().map(as_json).collect();
        println!("{}", json!({ "v": 1, "invoices": invoices }));
        return Ok(());
    }
    for one in invoices {
        let number = one.code.unwrap_or_else(|| one.id.to_string());
        let sum = ringgit(one.bill.total_sen);
        println!(
            "{number}\t{}\t{}\t{sum}\t{}",
            one.month,
            one.state.name(),
            one.bill.buyer_name
        );
    }
    Ok(())
}

fn as_json(one: &Invoice) -> serde_json::Value {
    json!({
        "number": one.code.clone().unwrap_or_else(|| one.id.to_string()),
        "month": one.month.to_string(),
        "state": one.state.name(),
        "credits": one.credits,
        "issued": one.issued.map(|day| day.to_string()),
        "due": one.due.map(|day| day.to_string()),
        "paid": one.paid.map(|day| day.to_string()),
        "to": one.bill.buyer_name,
        "subtotal_sen": one.bill.subtotal_sen,
        "tax_sen": one.bill.tax_sen,
        "total_sen": one.bill.total_sen,
    })
}

fn print_number(number: &str, json: bool) {
    if json {
        println!("{}", json!({ "v": 1, "number": number }));
    } else {
        println!("{number}");
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create_new(path)?;
    std::io::Write::write_all(&mut file, bytes)?;
    file.sync_all()
}
