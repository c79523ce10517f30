//! What the relay said last of the clinic's plan. On this machine alone: it is not synced.

use rusqlite::OptionalExtension;
use sync_protocol::{StoreError, Usage, UsageStore};

use crate::{Reading, Tag, Vault, VaultError};

impl Reading<'_> {
    /// What the relay said last of the clinic's plan; `None` before it ever did. [`Usage::at_ms`] tells how old it is.
    pub fn usage(&self) -> Result<Option<Usage>, VaultError> {
        let sql = "SELECT value FROM meta WHERE key = 'usage'";
        let kept: Option<Vec<u8>> = self
            .conn()
            .prepare_cached(sql)?
            .query_row([], |row| row.get(0))
            .optional()?;
        // What another build kept and this one cannot read comes again by itself.
        Ok(kept.and_then(|bytes| minicbor::decode(&bytes).ok()))
    }
}

impl UsageStore for Vault {
    fn n_staff(&self) -> Result<Option<u32>, StoreError> {
        let staff = self.read(|r| r.all_staff())?;
        Ok(u32::try_from(staff.iter().filter(|one| !one.left).count()).ok())
    }

    fn keep_usage(&self, usage: &Usage) -> Result<(), StoreError> {
        let bytes = minicbor::to_vec(usage).expect("writing to a Vec cannot fail");
        self.inner.writer().transaction(|conn, _, _, _| {
            conn.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES ('usage', ?1)")?
                .execute([bytes])?;
            Ok::<_, VaultError>(())
        })?;
        self.tell(&[Tag::Sync]);
        Ok(())
    }
}
