//! Loro, with an update for each edit and a snapshot as it saves them.

use anyhow::{Context, Result, ensure};
use loro::{ExportMode, LoroDoc, LoroList, LoroMap, LoroValue};

use super::{BATCH, EDITED, History, Library, READER, WRITER};

pub struct Bare {
    updates: Vec<Vec<u8>>,
    saved: Vec<u8>,
}

impl Bare {
    pub fn of(history: &History) -> Result<Self> {
        let doc = LoroDoc::new();
        doc.set_peer_id(WRITER)?;
        let note = doc.get_map("note");
        for (section, sentences) in &history.note {
            let list = note.insert_container(section, LoroList::new())?;
            for (place, text) in sentences.iter().enumerate() {
                list.insert_container(place, LoroMap::new())?
                    .insert("text", text.as_str())?;
            }
        }
        doc.commit();
        let mut updates = vec![doc.export(ExportMode::all_updates())?];
        for (place, text) in &history.edits {
            updates.push(replace(&doc, *place, text)?);
        }
        let saved = doc.export(ExportMode::Snapshot)?;
        Ok(Self { updates, saved })
    }
}

fn list(doc: &LoroDoc) -> Result<LoroList> {
    let found = doc.get_map("note").get(EDITED).context("a plan")?;
    found
        .into_container()
        .ok()
        .and_then(|it| it.into_list().ok())
        .context("a list")
}

/// A sentence takes another's place; what is to be sent.
fn replace(doc: &LoroDoc, place: usize, text: &str) -> Result<Vec<u8>> {
    let before = doc.oplog_vv();
    let list = list(doc)?;
    list.insert_container(place, LoroMap::new())?.insert("text", text)?;
    list.delete(place + 1, 1)?;
    doc.commit();
    Ok(doc.export(ExportMode::updates(&before))?)
}

impl Library for Bare {
    type Doc = LoroDoc;

    fn apply(&self) -> Result<LoroDoc> {
        let doc = LoroDoc::new();
        for batch in self.updates.chunks(BATCH) {
            let status = doc.import_batch(batch)?;
            ensure!(status.pending.is_none(), "something waits");
        }
        Ok(doc)
    }

    fn load(&self) -> Result<LoroDoc> {
        let doc = LoroDoc::new();
        doc.import(&self.saved)?;
        Ok(doc)
    }

    fn edit(&self, doc: &mut LoroDoc, text: &str) -> Result<Vec<u8>> {
        doc.set_peer_id(READER)?;
        replace(doc, 0, text)
    }

    fn plan(&self, doc: &LoroDoc) -> Result<Vec<String>> {
        let LoroValue::List(sentences) = list(doc)?.get_deep_value() else {
            anyhow::bail!("no list");
        };
        sentences
            .iter()
            .map(
                |sentence| match sentence.as_map().and_then(|fields| fields.get("text")) {
                    Some(LoroValue::String(text)) => Ok(text.to_string()),
                    _ => anyhow::bail!("no text"),
                },
            )
            .collect()
    }

    fn n_saved(&self) -> usize {
        self.saved.len()
    }
}
