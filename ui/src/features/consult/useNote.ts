import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { api, ApiError, type NoteSection, type NoteSentence, type SoapNote, type VisitView } from "@/api";
import { queries } from "@/api/queries";
import { wantsALook } from "@/lib/figures";

export const SECTIONS: NoteSection[] = ["subjective", "objective", "assessment", "plan"];

/** A sentence on the screen: `unseen` until somebody looked at its figures. */
export interface Sentence extends NoteSentence {
  key: number;
  unseen: boolean;
}
export type Draft = Record<NoteSection, Sentence[]>;
export type Saving = "saved" | "waiting" | "failed";

let nextKey = 1;
export const sentence = (from: NoteSentence, unseen: boolean): Sentence => ({ ...from, key: nextKey++, unseen: unseen && wantsALook(from.text) });

const asDraft = (note: SoapNote): Draft => ({
  subjective: note.subjective.map((s) => sentence(s, false)),
  objective: note.objective.map((s) => sentence(s, false)),
  assessment: note.assessment.map((s) => sentence(s, false)),
  plan: note.plan.map((s) => sentence(s, false)),
});

const words = (list: Sentence[]): NoteSentence[] => list.filter((s) => s.text.trim()).map(({ text, source }) => ({ text: text.trim(), source }));
const asNote = (draft: Draft): SoapNote => ({
  subjective: words(draft.subjective),
  objective: words(draft.objective),
  assessment: words(draft.assessment),
  plan: words(draft.plan),
});

const PAUSE_MS = 600;

/** The draft note: kept here while typed, saved after a short pause and when the screen is left. */
export function useNote(view: VisitView) {
  const client = useQueryClient();
  const { visit } = view;
  const stored = view.note.note;
  const [draft, setDraft] = useState(() => asDraft(stored));
  const [saving, setSaving] = useState<Saving>("saved");
  const [savedAt, setSavedAt] = useState(view.note.state === "draft" ? view.note.saved_at : null);
  const [error, setError] = useState<ApiError | null>(null);
  const pending = useRef<SoapNote | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const lastWritten = useRef(JSON.stringify(stored));

  const flush = useCallback(async () => {
    clearTimeout(timer.current);
    const note = pending.current;
    if (!note) return;
    pending.current = null;
    try {
      const at = await api.saveNote(visit, note);
      lastWritten.current = JSON.stringify(note);
      client.setQueryData(queries.visit(visit).queryKey, (old) => (old && old.note.state === "draft" ? { ...old, note: { state: "draft" as const, note, saved_at: at } } : old));
      setSavedAt(at);
      setError(null);
      if (!pending.current) setSaving("saved");
    } catch (e) {
      pending.current ??= note;
      setError(ApiError.from(e));
      setSaving("failed");
    }
  }, [client, visit]);

  useEffect(() => () => void flush(), [flush]);

  // Another device wrote while nothing waits here: its words are shown.
  const arrived = JSON.stringify(stored);
  useEffect(() => {
    if (pending.current || arrived === lastWritten.current) return;
    lastWritten.current = arrived;
    setDraft(asDraft(JSON.parse(arrived) as SoapNote));
  }, [arrived]);

  const change = (update: (draft: Draft) => Draft) => {
    setDraft((old) => {
      const next = update(old);
      const note = asNote(next);
      if (JSON.stringify(note) !== lastWritten.current) {
        pending.current = note;
        setSaving("waiting");
        clearTimeout(timer.current);
        timer.current = setTimeout(() => void flush(), PAUSE_MS);
      }
      return next;
    });
  };

  const unseen = SECTIONS.reduce((n, section) => n + draft[section].filter((s) => s.unseen).length, 0);
  const empty = SECTIONS.every((section) => words(draft[section]).length === 0);
  return { draft, change, flush, saving, savedAt, error, unseen, empty };
}
