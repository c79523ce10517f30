//! A relay's store in its plainest form: what one clinic pushes, its devices get. Nothing crosses clinics here; the
//! consent gate is tested where it is, in the real relay's store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use seal::{AttachmentId, AuditHead, ChangeId, ChunkName, DeviceId, GrantId, Receipt, RelayKey, TenantId};
use sync_protocol::{
    AuditLine, AuditOutcome, ChangesPage, Checked, ChunkId, ChunkPlace, ChunkRefusal, Consent, Feed, FormerLife, Heads,
    Incarnation, MAX_CHUNKS_OF_ATTACHMENT, NO_CHAIN, ObjectKey, OutId, Page, Pushed, Redeemed, RelayAudit, RelayChunks,
    RelayStore, RelayStoreFailed, RelayUsage, ReleaseAnswer, ReleaseAsk, Roster, Shown, SignedHead, SignedReceipt,
    Usage, UsageLevel, Used, Wake, day_of, follow, name_of_change, sum_of_chains,
};

pub struct MemoryRelay {
    incarnation: Incarnation,
    rosters: BTreeMap<TenantId, Arc<Roster>>,
    pub changes: Vec<(OutId, Vec<u8>)>,
    pub consents: Vec<Consent>,
    pub lines: Vec<AuditLine>,
    /// One a day.
    pub signed_heads: Vec<SignedHead>,
    /// Positions that are covered.
    pub covered: Vec<u64>,
    pub key: RelayKey,
    /// Clinics that have confirmed their consents.
    pub confirmed: Vec<TenantId>,
    pub closed: bool,
    pub suspended: bool,
    /// So many devices have a place; those that were served have theirs.
    pub n_seats: Option<usize>,
    pub seated: BTreeSet<DeviceId>,
    pub staff_said: Option<u32>,
    pub takes_no_attachments: bool,
    pub n_forged: u32,
    /// A position that is given to nobody.
    pub hides: Option<u64>,
    /// A position at which the one before it is given again.
    pub doubles: Option<u64>,
    /// Chunks that are here, and those that were and are lost.
    pub chunks: BTreeSet<ObjectKey>,
    pub lost: BTreeSet<ObjectKey>,
    pub forgotten: BTreeSet<(TenantId, AttachmentId)>,
    /// Messages between clinics, and the directory.
    pub post: crate::memory_post::Post,
}

impl MemoryRelay {
    pub fn new(incarnation: [u8; 16]) -> Self {
        Self {
            incarnation: Incarnation(incarnation),
            rosters: BTreeMap::new(),
            changes: Vec::new(),
            consents: Vec::new(),
            lines: Vec::new(),
            signed_heads: Vec::new(),
            covered: Vec::new(),
            key: RelayKey::make(&mut ChaCha20Rng::from_seed([77; 32])),
            confirmed: Vec::new(),
            closed: false,
            suspended: false,
            n_seats: None,
            seated: BTreeSet::new(),
            staff_said: None,
            takes_no_attachments: false,
            n_forged: 0,
            hides: None,
            doubles: None,
            chunks: BTreeSet::new(),
            lost: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            post: crate::memory_post::Post::default(),
        }
    }

    pub fn know(&mut self, roster: Roster) {
        self.rosters.insert(roster.membership().tenant(), Arc::new(roster));
    }

    pub fn become_another(&mut self, incarnation: [u8; 16]) {
        self.incarnation = Incarnation(incarnation);
    }
}

fn page_of<T: Clone>(items: &[T], page: Page, size: impl Fn(&T) -> usize) -> Vec<(u64, T)> {
    let mut n_bytes = 0;
    let numbered = items
        .iter()
        .enumerate()
        .map(|(index, item)| (index as u64 + 1, item.clone()));
    let after = numbered
        .filter(|(position, _)| *position > page.after)
        .take(page.max_items);
    after
        .enumerate()
        .take_while(|(nth, (_, item))| {
            n_bytes += size(item);
            *nth == 0 || n_bytes <= page.max_bytes
        })
        .map(|(_, item)| item)
        .collect()
}

impl RelayAudit for MemoryRelay {
    fn head_of_the_day(&mut self, tenant: &TenantId, now_ms: i64) -> Result<Option<SignedHead>, RelayStoreFailed> {
        let Some(last) = self.lines.last() else {
            return Ok(None);
        };
        let known = self
            .signed_heads
            .last()
            .filter(|head| day_of(head.at_ms) >= day_of(now_ms));
        let head = known.copied().unwrap_or_else(|| {
            let head = AuditHead {
                tenant: *tenant,
                incarnation: self.incarnation.0,
                number: last.number,
                hash: last.hash(),
                at_ms: now_ms,
            };
            SignedHead::make(&head, &self.key)
        });
        if known.is_none() {
            self.signed_heads.push(head);
        }
        Ok(Some(head))
    }
}

impl RelayStore for MemoryRelay {
    fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    fn roster(&mut self, tenant: &TenantId) -> Result<Option<Arc<Roster>>, RelayStoreFailed> {
        Ok(self.rosters.get(tenant).cloned())
    }

    fn set_roster(&mut self, roster: &Roster) -> Result<(), RelayStoreFailed> {
        self.know(roster.clone());
        Ok(())
    }

    fn redeem(&mut self, _: &[u8; 32], roster: &Roster, _: i64) -> Result<Redeemed, RelayStoreFailed> {
        self.know(roster.clone());
        Ok(Redeemed::Joined)
    }

    fn heads(&mut self, _: &TenantId) -> Result<Heads, RelayStoreFailed> {
        Ok(Heads {
            changes: self.changes.len() as u64,
            consents: self.consents.len() as u64,
            audit: self.lines.len() as u64,
        })
    }

    fn changes(&mut self, _: &TenantId, page: Page) -> Result<ChangesPage, RelayStoreFailed> {
        let mut items = page_of(&self.changes, page, |(_, bytes)| bytes.len());
        items.retain(|(position, _)| self.hides != Some(*position));
        for at in 1..items.len() {
            if self.doubles == Some(items[at].0) {
                items[at].1 = items[at - 1].1.clone();
            }
        }
        Ok(items
            .into_iter()
            .map(|(position, (_, bytes))| (position, (!self.covered.contains(&position)).then_some(bytes)))
            .collect())
    }

    fn named_changes(
        &mut self,
        _: &TenantId,
        ids: &[ChangeId],
        max_bytes: usize,
    ) -> Result<Vec<Option<Vec<u8>>>, RelayStoreFailed> {
        let mut n_bytes = 0;
        let named = ids.iter().map(|id| {
            let at = self.changes.iter().position(|(held, _)| *held == OutId::Change(*id))?;
            (!self.covered.contains(&(at as u64 + 1))).then(|| self.changes[at].1.clone())
        });
        let fit = named.take_while(|change| {
            let size = change.as_ref().map_or(0, Vec::len);
            n_bytes += size;
            n_bytes == size || n_bytes <= max_bytes
        });
        Ok(fit.collect())
    }

    fn chain(&mut self, _: &TenantId, feed: Feed, position: u64) -> Result<[u8; 32], RelayStoreFailed> {
        let position = position as usize;
        let names: Vec<[u8; 32]> = match feed {
            Feed::Changes => self
                .changes
                .iter()
                .map(|(_, bytes)| *name_of_change(bytes).as_bytes())
                .collect(),
            Feed::Consents => self
                .consents
                .iter()
                .map(|one| *one.item_id().unwrap().as_bytes())
                .collect(),
            Feed::Audit => Vec::new(),
        };
        Ok(names
            .iter()
            .take(position)
            .fold(NO_CHAIN, |chain, name| follow(&chain, name)))
    }

    fn receipt_key(&self) -> [u8; 32] {
        self.key.public()
    }

    fn receipt(&mut self, tenant: &TenantId, now_ms: i64) -> Result<SignedReceipt, RelayStoreFailed> {
        let heads = self.heads(tenant)?;
        let changes = self.chain(tenant, Feed::Changes, heads.changes)?;
        let consents = self.chain(tenant, Feed::Consents, heads.consents)?;
        let receipt = Receipt {
            tenant: *tenant,
            incarnation: self.incarnation.0,
            changes: heads.changes,
            consents: heads.consents,
            sum: sum_of_chains(&changes, &consents),
            at_ms: now_ms,
        };
        Ok(SignedReceipt::make(&receipt, changes, consents, &self.key))
    }

    fn shown(
        &mut self,
        tenant: &TenantId,
        receipt: &SignedReceipt,
        fresh: Incarnation,
    ) -> Result<Shown, RelayStoreFailed> {
        if receipt.verify(*tenant, self.incarnation, &self.key.public()).is_err() {
            self.n_forged += 1;
            return Ok(Shown::Forged);
        }
        let heads = self.heads(tenant)?;
        let same = self.chain(tenant, Feed::Changes, receipt.changes)? == receipt.changes_chain;
        if same && receipt.changes <= heads.changes && receipt.consents <= heads.consents {
            return Ok(Shown::Holds);
        }
        self.incarnation = fresh;
        self.closed = true;
        Ok(Shown::WasPutBack)
    }

    fn is_suspended(&mut self, _: &TenantId) -> Result<bool, RelayStoreFailed> {
        Ok(self.suspended)
    }

    fn is_closed(&mut self, source: &TenantId) -> Result<bool, RelayStoreFailed> {
        Ok(self.closed && !self.confirmed.contains(source))
    }

    fn consents_complete(
        &mut self,
        source: &TenantId,
        _: &DeviceId,
        former: &[FormerLife],
    ) -> Result<Vec<Wake>, RelayStoreFailed> {
        if !former.is_empty() {
            self.confirmed.push(*source);
        }
        Ok(Vec::new())
    }

    fn consents(&mut self, _: &TenantId, page: Page) -> Result<Vec<(u64, Consent)>, RelayStoreFailed> {
        Ok(page_of(&self.consents, page, |_| 1))
    }

    fn audit(&mut self, _: &TenantId, page: Page) -> Result<Vec<AuditLine>, RelayStoreFailed> {
        Ok(page_of(&self.lines, page, |_| 1)
            .into_iter()
            .map(|(_, line)| line)
            .collect())
    }

    fn push(&mut self, tenant: &TenantId, items: &[Checked], _: i64) -> Result<Pushed, RelayStoreFailed> {
        let mut pushed = Pushed {
            wake: vec![Wake::Clinic(*tenant)],
            ..Pushed::default()
        };
        for item in items {
            pushed.positions.push(None);
            match item {
                Checked::Change { id, bytes, .. }
                    if !self.changes.iter().any(|(held, _)| *held == OutId::Change(*id)) =>
                {
                    self.changes.push((OutId::Change(*id), bytes.clone()));
                    *pushed.positions.last_mut().unwrap() = Some(self.changes.len() as u64);
                }
                Checked::Grant { bytes, .. } => self.consents.push(Consent::Grant(bytes.clone())),
                Checked::Revocation { bytes, .. } => self.consents.push(Consent::Revocation(bytes.clone())),
                Checked::Covered { id } => {
                    let at = self.changes.iter().position(|(held, _)| *held == OutId::Change(*id));
                    self.covered.extend(at.map(|at| at as u64 + 1));
                }
                Checked::Change { .. } | Checked::Release { .. } | Checked::Erased { .. } => {}
            }
            pushed.refusals.push(None);
        }
        Ok(pushed)
    }

    fn release_heads(&mut self, _: &TenantId, _: i64) -> Result<Vec<(GrantId, u64)>, RelayStoreFailed> {
        Ok(Vec::new())
    }

    fn pull_releases(&mut self, _: &ReleaseAsk) -> Result<ReleaseAnswer, RelayStoreFailed> {
        Ok(ReleaseAnswer::Denied {
            outcome: AuditOutcome::DeniedNoGrant,
            source: None,
        })
    }
}

impl RelayChunks for MemoryRelay {
    fn chunks_lacking(
        &mut self,
        tenant: &TenantId,
        attachment: &AttachmentId,
        names: &[ChunkName],
    ) -> Result<Option<Vec<ChunkName>>, RelayStoreFailed> {
        if self.forgotten.contains(&(*tenant, *attachment)) {
            return Ok(None);
        }
        let key = |name| ObjectKey {
            tenant: *tenant,
            chunk: ChunkId {
                attachment: *attachment,
                name,
            },
        };
        let lacking = names.iter().filter(|name| !self.chunks.contains(&key(**name)));
        Ok(Some(lacking.copied().collect()))
    }

    fn place_for(&mut self, tenant: &TenantId, chunk: &ChunkId) -> Result<ChunkPlace, RelayStoreFailed> {
        let key = ObjectKey {
            tenant: *tenant,
            chunk: *chunk,
        };
        let of_it = |other: &&ObjectKey| other.tenant == *tenant && other.chunk.attachment == chunk.attachment;
        Ok(if self.forgotten.contains(&(*tenant, chunk.attachment)) {
            ChunkPlace::Refused(ChunkRefusal::Forgotten)
        } else if self.chunks.contains(&key) {
            ChunkPlace::Here
        } else if self.chunks.iter().filter(of_it).count() >= MAX_CHUNKS_OF_ATTACHMENT {
            ChunkPlace::Refused(ChunkRefusal::TooMany)
        } else {
            ChunkPlace::Free
        })
    }

    fn has_chunk(&mut self, tenant: &TenantId, chunk: &ChunkId) -> Result<bool, RelayStoreFailed> {
        let (tenant, chunk) = (*tenant, *chunk);
        Ok(self.chunks.contains(&ObjectKey { tenant, chunk }))
    }

    fn chunk_came(
        &mut self,
        tenant: &TenantId,
        chunk: &ChunkId,
        _: u64,
    ) -> Result<Option<ChunkRefusal>, RelayStoreFailed> {
        Ok(match self.place_for(tenant, chunk)? {
            ChunkPlace::Refused(refusal) => Some(refusal),
            ChunkPlace::Here | ChunkPlace::Free => {
                let (tenant, chunk) = (*tenant, *chunk);
                self.chunks.insert(ObjectKey { tenant, chunk });
                self.lost.remove(&ObjectKey { tenant, chunk });
                None
            }
        })
    }

    fn chunk_lost(&mut self, tenant: &TenantId, chunk: &ChunkId) -> Result<(), RelayStoreFailed> {
        let (tenant, chunk) = (*tenant, *chunk);
        self.chunks.remove(&ObjectKey { tenant, chunk });
        self.lost.insert(ObjectKey { tenant, chunk });
        Ok(())
    }

    fn lost_chunks(&mut self, tenant: &TenantId, max: usize) -> Result<Vec<ChunkId>, RelayStoreFailed> {
        let lost = self.lost.iter().filter(|key| key.tenant == *tenant);
        Ok(lost.take(max).map(|key| key.chunk).collect())
    }

    fn forget_attachment(&mut self, tenant: &TenantId, attachment: &AttachmentId) -> Result<(), RelayStoreFailed> {
        let is_of = |key: &ObjectKey| key.tenant == *tenant && key.chunk.attachment == *attachment;
        self.chunks.retain(|key| !is_of(key));
        self.lost.retain(|key| !is_of(key));
        self.forgotten.insert((*tenant, *attachment));
        Ok(())
    }

    fn attachment_removed(&mut self, _: &TenantId, _: &AttachmentId) -> Result<(), RelayStoreFailed> {
        Ok(())
    }
}

impl RelayUsage for MemoryRelay {
    fn seat(&mut self, _: &TenantId, device: &DeviceId, _: i64) -> Result<bool, RelayStoreFailed> {
        let has_place = self.seated.contains(device) || self.n_seats.is_none_or(|n| self.seated.len() < n);
        if has_place {
            self.seated.insert(*device);
        }
        Ok(has_place)
    }

    fn has_free_seat(&mut self, _: &TenantId, _: i64) -> Result<bool, RelayStoreFailed> {
        Ok(self.n_seats.is_none_or(|n| self.seated.len() < n))
    }

    fn staff_said(&mut self, _: &TenantId, n_staff: u32, _: i64) -> Result<(), RelayStoreFailed> {
        self.staff_said = Some(n_staff);
        Ok(())
    }

    fn takes_attachments(&mut self, _: &TenantId, _: i64) -> Result<bool, RelayStoreFailed> {
        Ok(!self.takes_no_attachments)
    }

    fn usage(&mut self, _: &TenantId, now_ms: i64) -> Result<Arc<Usage>, RelayStoreFailed> {
        let used = |used, limit, level| Used { used, limit, level };
        let free = used(Some(0), None, UsageLevel::Fine);
        let n_seated = Some(self.seated.len() as u64);
        let is_full = self.n_seats.is_some_and(|n| self.seated.len() >= n);
        let level = if is_full { UsageLevel::Full } else { UsageLevel::Fine };
        Ok(Arc::new(Usage {
            at_ms: now_ms,
            plan: None,
            trial_until_ms: None,
            devices: used(n_seated, self.n_seats.map(|n| n as u64), level),
            staff: used(self.staff_said.map(Into::into), None, UsageLevel::Fine),
            bytes: free,
            requests: free,
            refuses_devices: is_full,
            refuses_attachments: self.takes_no_attachments,
        }))
    }
}
