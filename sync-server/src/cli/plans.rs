//! `medieco-relay plan …` and `medieco-relay usage`: they work beside a running relay, which follows within a minute.

use std::process::ExitCode;

use clap::Subcommand;
use jiff::civil::Date;
use serde_json::json;
use sync_protocol::{Usage, Used};
use sync_server::{COMMAND_LINE, PlanError, PlanTerms, Store, now_ms, read_ringgit, read_size, ringgit};

use super::database::Place;
use super::{FAILED, REFUSED, say};

#[derive(Debug, Subcommand)]
pub(super) enum PlanCommand {
    /// Show all plans
    List,
    /// Make a plan, or give it another price and other limits from today on. A limit that is left out is none
    Set {
        /// Its name
        name: String,
        /// Ringgit a month, before tax
        #[arg(long, value_name = "RM", value_parser = read_ringgit)]
        price: i64,
        /// Devices that are served
        #[arg(long, value_name = "N")]
        devices: Option<u64>,
        /// People on the staff. The relay is told how many they are; nothing is refused by it
        #[arg(long, value_name = "N")]
        staff: Option<u64>,
        /// What is stored: a number of bytes, or with KB, MB, GB
        #[arg(long, value_name = "SIZE", value_parser = read_size)]
        storage: Option<u64>,
        /// Messages from devices in a month
        #[arg(long, value_name = "N")]
        requests: Option<u64>,
    },
    /// No clinic is put on this plan any more; who has it keeps it
    Retire {
        /// Its name
        name: String,
    },
    /// Give a clinic a plan from today on
    Give {
        /// The clinic's name on the list, or its id
        clinic: String,
        /// The plan's name
        plan: String,
        /// The last day that costs nothing
        #[arg(long, value_name = "YYYY-MM-DD")]
        trial_until: Option<Date>,
    },
    /// A clinic has no plan, and so no limits and no invoices, from today on
    End {
        /// The clinic's name on the list, or its id
        clinic: String,
    },
}

pub(super) fn run(command: PlanCommand, place: &Place, json: bool) -> ExitCode {
    let mut store = match place.open() {
        Ok(store) => store,
        Err(error) => return say(if error.is_refusal() { REFUSED } else { FAILED }, error),
    };
    let now = now_ms();
    let done = match command {
        PlanCommand::List => list(&store, json),
        PlanCommand::Set {
            name,
            price,
            devices,
            staff,
            storage,
            requests,
        } => {
            let terms = PlanTerms {
                price_sen: price,
                devices,
                staff,
                bytes: storage,
                requests,
            };
            let set = store.set_plan(&name, &terms, COMMAND_LINE, now);
            set.map(|version| told(json, &json!({ "v": 1, "plan": name, "version": version })))
        }
        PlanCommand::Retire { name } => {
            let retired = store.retire_plan(&name, COMMAND_LINE, now);
            retired.map(|()| told(json, &json!({ "v": 1, "retired": name })))
        }
        PlanCommand::Give {
            clinic,
            plan,
            trial_until,
        } => {
            let given = store.put_on_plan(&clinic, Some(&plan), trial_until, COMMAND_LINE, now);
            given.map(|()| told(json, &json!({ "v": 1, "clinic": clinic, "plan": plan })))
        }
        PlanCommand::End { clinic } => {
            let ended = store.put_on_plan(&clinic, None, None, COMMAND_LINE, now);
            ended.map(|()| told(json, &json!({ "v": 1, "clinic": clinic, "plan": null })))
        }
    };
    finish(done)
}

/// `medieco-relay usage`.
pub(super) fn usage(place: &Place, clinic: &str, json: bool) -> ExitCode {
    let mut store = match place.open() {
        Ok(store) => store,
        Err(error) => return say(if error.is_refusal() { REFUSED } else { FAILED }, error),
    };
    let asked = store
        .clinic_plan(clinic.trim(), now_ms())
        .and_then(|known| match known.tenant {
            None => Ok(None),
            Some(tenant) => Ok(Some(store.usage_now(&tenant, now_ms())?)),
        });
    finish(asked.map(|usage| match usage {
        None if json => println!("{}", json!({ "v": 1, "usage": null })),
        None => eprintln!("This clinic has not joined yet."),
        Some(usage) => print_usage(&usage, json),
    }))
}

fn print_usage(usage: &Usage, json: bool) {
    let parts = [
        ("devices", usage.devices),
        ("staff", usage.staff),
        ("bytes", usage.bytes),
        ("requests", usage.requests),
    ];
    if json {
        let one = |used: Used| json!({ "used": used.used, "limit": used.limit, "level": used.level.name() });
        let told = json!({
            "v": 1,
            "plan": usage.plan,
            "trial_until_ms": usage.trial_until_ms,
            "devices": one(usage.devices),
            "staff": one(usage.staff),
            "bytes": one(usage.bytes),
            "requests": one(usage.requests),
            "refuses_devices": usage.refuses_devices,
            "refuses_attachments": usage.refuses_attachments,
        });
        println!("{told}");
        return;
    }
    println!("plan\t{}", usage.plan.as_deref().unwrap_or("none"));
    for (name, used) in parts {
        let text = |n: Option<u64>, none: &str| n.map_or(none.to_owned(), |n| n.to_string());
        let (n, limit) = (text(used.used, "not known"), text(used.limit, "no limit"));
        println!("{name}\t{n}\t{limit}\t{}", used.level.name());
    }
}

fn list(store: &Store, json: bool) -> Result<(), PlanError> {
    let plans = store.plans(now_ms())?;
    if json {
        let plans: Vec<_> = plans
            .iter()
            .map(|plan| {
                json!({
                    "name": plan.name,
                    "version": plan.version,
                    "from_day": plan.from_day,
                    "price_sen": plan.terms.price_sen,
                    "devices": plan.terms.devices,
                    "staff": plan.terms.staff,
                    "bytes": plan.terms.bytes,
                    "requests": plan.terms.requests,
                    "retired": plan.is_retired,
                    "clinics": plan.n_clinics,
                })
            })
            .collect();
        println!("{}", json!({ "v": 1, "plans": plans }));
        return Ok(());
    }
    for plan in plans {
        let limits = [
            ("devices", plan.terms.devices),
            ("staff", plan.terms.staff),
            ("bytes", plan.terms.bytes),
            ("requests", plan.terms.requests),
        ];
        let limits = limits
            .into_iter()
            .filter_map(|(name, limit)| Some(format!("{} {name}", limit?)));
        let retired = if plan.is_retired { "\tretired" } else { "" };
        println!(
            "{}\t{} a month\t{}\t{} clinics{retired}",
            plan.name,
            ringgit(plan.terms.price_sen),
            limits.collect::<Vec<_>>().join(", "),
            plan.n_clinics
        );
    }
    Ok(())
}

pub(super) fn told(json: bool, what: &serde_json::Value) {
    if json {
        println!("{what}");
    } else {
        eprintln!("Done.");
    }
}

fn finish(done: Result<(), PlanError>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(PlanError::Store(error)) => say(FAILED, error),
        Err(error) => say(REFUSED, error),
    }
}
