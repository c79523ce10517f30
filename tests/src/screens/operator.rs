//! A relay that has been looked after for half a year: clinics in every state, their months, their invoices. All of it is made
//! by the relay's own store, told each day's time; the clinics have real keys.

mod clinics;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use seal::GrantId;
use sync_protocol::{
    Page, RelayStore, RelayUsage, ReleaseAsk, Roster,
    sim::{Link, SimClinic, SimDevice, settle},
};
use sync_server::{
    Billing, InvoiceState, Issuer, Language, PlanTerms, Sample, Seen, Store,
    calendar::{begins_ms, day_at, days_after},
};

use clinics::{CLINICS, Fate, Kind};

const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;
/// Days that are played.
const DAYS: i64 = 196;
/// Weeks in which the relay itself has been watched minute by minute.
const WEEKS_WATCHED: i64 = 6;
/// Who did it all.
pub const OPERATOR: &str = "aisyah";

/// A clinic that has joined, with its devices.
struct Joined {
    kind: &'static Kind,
    number: i64,
    clinic: SimClinic,
    devices: Vec<SimDevice>,
}

/// The network while its days are played.
struct Network {
    store: Store,
    rng: ChaCha20Rng,
    joined: Vec<Joined>,
    grants: Vec<(usize, GrantId)>,
}

/// Fills an empty data folder; gives a device that can connect to it.
pub fn furnish(data: &Path, now_ms: i64) -> Result<SimDevice> {
    let mut rng = ChaCha20Rng::from_seed([8; 32]);
    let store = Store::open(data, &mut rng)?;
    let mut network = Network {
        store,
        rng,
        joined: Vec::new(),
        grants: Vec::new(),
    };
    network.begin(now_ms - (DAYS + 1) * DAY)?;
    for ago in (0..=DAYS).rev() {
        network.day(ago, now_ms - ago * DAY)?;
    }
    network.at_last(now_ms)?;
    network.watched(now_ms)?;
    network.joined.remove(0).devices.pop().context("it has devices")
}

impl Network {
    fn begin(&mut self, at: i64) -> Result<()> {
        let issuer = Issuer {
            name: "Rangkaian Kesihatan Lembah Sdn Bhd".into(),
            address: "Aras 3, Menara Damai, 12 Jalan Sultan\n50000 Kuala Lumpur\n03-2070 0100 · akaun@lembah.example".into(),
            registration: "202601012345".into(),
            sst_number: "W10-2601-32000012".into(),
            sst_bp: 800,
            terms: "Maybank 5140 1234 5678, Rangkaian Kesihatan Lembah Sdn Bhd.\nNyatakan nombor invois. / Please state the invoice's number.".into(),
            due_days: 30,
        };
        self.store.set_issuer(&issuer, OPERATOR, at)?;
        let plan = |price_sen, devices, staff, bytes, requests| PlanTerms {
            price_sen,
            devices,
            staff,
            bytes,
            requests,
        };
        let plans = [
            ("Kecil", plan(15_000, Some(5), Some(10), Some(50_000_000), Some(40_000))),
            (
                "Sederhana",
                plan(32_000, Some(12), Some(30), Some(2_000_000_000), Some(250_000)),
            ),
            ("Besar", plan(78_000, None, None, Some(20_000_000_000), None)),
            ("Perintis", plan(9_900, Some(3), None, None, None)),
        ];
        for (name, terms) in plans {
            self.store.set_plan(name, &terms, OPERATOR, at)?;
        }
        self.store.retire_plan("Perintis", OPERATOR, at + DAY / 2)?;
        Ok(())
    }

    fn day(&mut self, ago: i64, now_ms: i64) -> Result<()> {
        let at = begins_ms(day_at(now_ms)) + 9 * HOUR;
        let at = at.min(now_ms);
        for kind in CLINICS.iter().filter(|kind| kind.since == ago) {
            self.list(kind, at)?;
        }
        self.messages(ago, at)?;
        let day = day_at(at);
        match day.day() {
            1 => self.issue(at)?,
            12 => self.take_payments(ago, at)?,
            _ => {}
        }
        if ago % 7 == 0 {
            self.week(at)?;
        }
        for nth in 0..self.joined.len() {
            let one = &self.joined[nth];
            if one.kind.fate == Fate::Suspended && ago == 9 {
                let why = "Invois Ogos dan September belum dibayar";
                self.store.suspend_clinic(one.number, why, OPERATOR, at)?;
            }
            if one.kind.fate == Fate::Removed && ago == 30 {
                let tenant = one.clinic.tenant;
                self.store.suspend_clinic(one.number, "Klinik ditutup", OPERATOR, at)?;
                self.store.remove_clinic(one.number, OPERATOR, at)?;
                while self.store.drop_removed(&tenant)? {}
                self.store.note_gone(&tenant, at)?;
                self.store.put_on_plan(one.number, None, None, OPERATOR, at)?;
            }
        }
        Ok(())
    }

    /// A clinic is put on the list; those that come, come on the same day.
    fn list(&mut self, kind: &'static Kind, at: i64) -> Result<()> {
        let (number, token, _) = self.store.list_clinic(kind.name, OPERATOR, at, &mut self.rng)?;
        if kind.fate == Fate::Invited {
            return Ok(());
        }
        let (mut clinic, first) = SimClinic::found(at, &mut self.rng);
        let mut devices = vec![first];
        for _ in 1..kind.devices {
            devices.push(clinic.admit(at, &mut self.rng));
        }
        let statements = clinic.encoded_statements();
        let roster = Roster::from_statements(clinic.tenant, statements.iter().map(Vec::as_slice));
        let roster = roster.context("its statements hold")?;
        self.store.redeem(&token.hash(), &roster, at)?;
        for device in &devices {
            self.store.seat(&clinic.tenant, &device.keys.id(), at)?;
        }
        if let Some(staff) = kind.staff {
            self.store.staff_said(&clinic.tenant, staff, at)?;
        }
        if let Some(plan) = kind.plan {
            let trial = kind.trial_days.map(|n| days_after(day_at(at), n));
            self.store.put_on_plan(number, Some(plan), trial, OPERATOR, at)?;
            let billing = Billing {
                name: format!("{} Sdn Bhd", kind.name),
                address: kind.address.to_owned(),
                language: if number % 2 == 0 {
                    Language::English
                } else {
                    Language::Malay
                },
            };
            self.store.set_billing(number, &billing, OPERATOR, at)?;
        }
        for _ in 0..kind.changes {
            devices[0].write(&mut self.rng);
        }
        for _ in 0..kind.stored_kb / 200 {
            let change = devices[0].seal(200_000, &mut self.rng);
            devices[0].store.write(change);
        }
        self.joined.push(Joined {
            kind,
            number,
            clinic,
            devices,
        });
        let nth = self.joined.len() - 1;
        self.sync(&[nth], at)?;
        if (1..4).contains(&nth) {
            self.share(nth, at)?;
        }
        Ok(())
    }

    /// The first devices of these clinics connect, and everything that can be told is told.
    fn sync(&mut self, which: &[usize], at: i64) -> Result<()> {
        let Self { store, rng, joined, .. } = self;
        let mut links: Vec<Link> = which
            .iter()
            .map(|nth| Link::open(&joined[*nth].devices[0], store, rng))
            .collect();
        let mut links: Vec<&mut Link> = links.iter_mut().collect();
        settle(&mut links, store, at, rng);
        for link in links {
            ensure!(link.device_error.is_none(), "{:?}", link.device_error);
        }
        Ok(())
    }

    /// The first clinic gives something to this one.
    fn share(&mut self, to: usize, at: i64) -> Result<()> {
        let recipient = self.joined[to].clinic.membership();
        let giver = &self.joined[0].devices[0];
        let grant = giver.grant(&recipient, at, at + 400 * DAY, &mut self.rng);
        giver.release(&grant, &recipient, None, 3_000, &mut self.rng);
        self.grants.push((to, grant.clear().id));
        self.sync(&[0, to], at)
    }

    /// Messages of an ordinary day; few on Sundays.
    fn messages(&mut self, ago: i64, at: i64) -> Result<()> {
        let is_sunday = day_at(at).weekday() == jiff::civil::Weekday::Sunday;
        let mut counts = Vec::new();
        for one in &self.joined {
            let is_quiet = match one.kind.fate {
                Fate::Silent => ago < 12,
                Fate::Suspended => ago < 9,
                Fate::Removed => ago < 40,
                _ => false,
            };
            if !is_quiet {
                let grown = one.kind.messages * u64::try_from(DAYS + 100 - ago).unwrap_or(1) / 300;
                let n = grown * (80 + self.rng.next_u64() % 40) / if is_sunday { 600 } else { 100 };
                counts.push((one.clinic.tenant, n));
            }
        }
        self.store.add_requests(&counts, at)?;
        Ok(())
    }

    /// Fetches between clinics, of which some have no grant; and each clinic's day is noted.
    fn week(&mut self, at: i64) -> Result<()> {
        for (to, grant) in self.grants.clone() {
            for n in 0..6 + self.rng.next_u64() % 9 {
                let asked = if n % 5 == 4 {
                    GrantId::make(&mut self.rng)
                } else {
                    grant
                };
                let mut request = [0; 16];
                self.rng.fill_bytes(&mut request);
                let page = Page {
                    after: 0,
                    max_items: 100,
                    max_bytes: 1 << 20,
                };
                self.store.pull_releases(&ReleaseAsk {
                    request,
                    requester: self.joined[to].clinic.tenant,
                    device: self.joined[to].devices[0].keys.id(),
                    grant: asked,
                    page,
                    now_ms: at,
                })?;
            }
        }
        for one in &self.joined {
            self.store.note_day(&one.clinic.tenant, at)?;
        }
        Ok(())
    }

    /// The month before is drafted and issued; one draft is left to look at.
    fn issue(&mut self, at: i64) -> Result<()> {
        self.store.draft_invoices(at)?;
        let kept = self.joined.iter().find(|one| one.kind.fate == Fate::Drafted);
        let kept = kept.map(|one| one.number);
        for one in self.store.invoices(Some(InvoiceState::Draft))? {
            if Some(one.clinic) != kept {
                self.store.issue_invoice(one.id, OPERATOR, at)?;
            }
        }
        Ok(())
    }

    /// On the twelfth most of them pay. `ago`: days to the end.
    fn take_payments(&mut self, ago: i64, at: i64) -> Result<()> {
        let today = day_at(at);
        for one in self.store.invoices(Some(InvoiceState::Issued))? {
            let clinic = self.joined.iter().find(|joined| joined.number == one.clinic);
            let pays = match clinic.map(|joined| joined.kind.fate) {
                Some(Fate::Overdue | Fate::Suspended) => ago > 100,
                Some(Fate::Due) => ago > 31,
                Some(Fate::Credited) if (60..=91).contains(&ago) => {
                    self.store.void_invoice(one.id, true, OPERATOR, at)?;
                    false
                }
                _ => true,
            };
            if pays && !one.is_credit_note() {
                self.store.mark_paid(one.id, today, OPERATOR, at)?;
            }
        }
        Ok(())
    }

    /// What is left as it is today: limits that are used up, devices that are behind, who was here when.
    fn at_last(&mut self, now_ms: i64) -> Result<()> {
        for one in &self.joined {
            let tenant = one.clinic.tenant;
            let usage = self.store.usage_now(&tenant, now_ms)?;
            if let (Some(percent), Some(limit), Some(used)) =
                (one.kind.percent, usage.requests.limit, usage.requests.used)
            {
                let more = (limit * percent / 100).saturating_sub(used);
                self.store.add_requests(&[(tenant, more)], now_ms)?;
            }
            self.store.note_day(&tenant, now_ms)?;
            if one.kind.fate == Fate::Removed {
                continue;
            }
            let changes = self.store.heads(&tenant)?.changes;
            let seen_ms = match one.kind.fate {
                Fate::Silent => now_ms - 12 * DAY,
                Fate::Suspended => now_ms - 9 * DAY,
                _ => now_ms - i64::from(one.kind.staff.unwrap_or(7)) * 3 * 60_000,
            };
            let seen = one.devices.iter().enumerate().map(|(nth, device)| {
                let is_behind = nth >= one.devices.len() - one.kind.behind.min(one.devices.len());
                let lacks = if is_behind { changes / 3 } else { 0 };
                Seen {
                    tenant,
                    device: device.keys.id(),
                    changes: changes - lacks,
                    is_here: false,
                }
            });
            self.store.keep_seen(1, &seen.collect::<Vec<_>>(), seen_ms)?;
        }
        Ok(())
    }

    /// The relay itself: a sample each minute, with a night in which it stood still.
    fn watched(&mut self, now_ms: i64) -> Result<()> {
        let minutes = WEEKS_WATCHED * 7 * 24 * 60;
        for ago in (1..=minutes).rev() {
            let at = now_ms - ago * 60_000;
            let hour = (at / HOUR + 8).rem_euclid(24);
            if (20 * 24 * 60..20 * 24 * 60 + 400).contains(&ago) {
                continue;
            }
            let busy: u64 = match hour {
                9..=12 => 52,
                13 => 30,
                14..=17 => 47,
                18..=21 => 24,
                _ => 6,
            };
            let wave = self.rng.next_u64() % 7;
            let sample = Sample {
                connections: busy + wave,
                members: busy + wave / 2,
                changes: busy * (3 + wave),
                refused: u64::from(ago % 173 == 0),
                limited: u64::from(ago % 619 == 0) * 3,
                queue: wave / 5,
                ..Sample::default()
            };
            self.store.keep_sample(1, &sample, at)?;
        }
        Ok(())
    }
}
