import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { IconCircleCheck, IconCloudOff, IconPencil, IconSparkles } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type ApiError, type DraftProposal, type NoteSection, type NoteSentence, type Vitals as VitalsShape, type VisitView } from "@/api";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import { Recordings } from "@/components/recordings/Recordings";
import { usePlay } from "@/components/recordings/usePlay";
import { showTime } from "@/lib/time";
import styles from "./Consult.module.css";
import { Diagnoses } from "./Diagnoses";
import { Proposal } from "./Proposal";
import { Recorder } from "./Recorder";
import { Section } from "./Section";
import { Turns } from "./Turns";
import { SECTIONS, sentence, type useNote } from "./useNote";
import { Vitals } from "./Vitals";

/** The note as a draft: recording, what was said, a proposal, and the four parts that the doctor edits. */
export function NoteColumn({ view, note }: { view: VisitView; note: ReturnType<typeof useNote> }) {
  const { t } = useTranslation();
  const [proposal, setProposal] = useState<DraftProposal | null>(null);
  const last = view.recordings.at(-1);
  const { play, error: playError } = usePlay();
  const propose = useMutation<DraftProposal, ApiError>({ mutationFn: () => api.proposeDraft(view.visit), onSuccess: setProposal });
  const saveVitals = useWrite((v: VitalsShape) => api.saveVitals(view.visit, v), [`visit:${view.visit}`, `patient:${view.banner.id}`]);
  const { draft, change, saving, savedAt } = note;

  const without = (section: NoteSection, gone: NoteSentence) =>
    setProposal((p) => p && { ...p, note: { ...p.note, [section]: p.note[section].filter((s) => s !== gone) } });
  const accept = (section: NoteSection, proposed: NoteSentence) => {
    change((d) => ({ ...d, [section]: [...d[section].filter((s) => s.text.trim()), sentence(proposed, false)] }));
    without(section, proposed);
  };
  const acceptAll = () => {
    if (!proposal) return;
    change((d) => {
      const next = { ...d };
      for (const section of SECTIONS) next[section] = [...d[section].filter((s) => s.text.trim()), ...proposal.note[section].map((s) => sentence(s, true))];
      return next;
    });
    setProposal({ ...proposal, note: { subjective: [], objective: [], assessment: [], plan: [] } });
  };
  const left = proposal ? SECTIONS.reduce((n, section) => n + proposal.note[section].length, 0) : 0;
  const heard = view.recordings.some((r) => r.turns.length > 0) && last?.state !== "recording";
  const takeVitals = (said: VitalsShape) =>
    saveVitals.mutate({
      temperature: said.temperature ?? view.vitals.temperature,
      systolic: said.systolic ?? view.vitals.systolic,
      diastolic: said.diastolic ?? view.vitals.diastolic,
      weight: said.weight ?? view.vitals.weight,
      weight_on: said.weight !== null ? view.day : view.vitals.weight_on,
    });

  return (
    <section className={styles.note} aria-label={t("consult.note.title")}>
      <Recorder view={view}>
        <Button
          variant={heard && draftIsEmpty(draft) ? "light" : "default"}
          leftSection={<IconSparkles size="1.125rem" aria-hidden />}
          disabled={!heard}
          loading={propose.isPending}
          onClick={() => propose.mutate()}
        >
          {t("consult.draft.propose")}
        </Button>
      </Recorder>
      <ErrorNote error={propose.error ?? playError ?? note.error ?? saveVitals.error} />
      {proposal && <Proposal patient={view.banner.id} proposal={proposal} left={left} onAll={acceptAll} onDismiss={() => setProposal({ ...proposal, note: EMPTY })} onVitals={takeVitals} onPlay={play} />}
      <div className={styles.noteBody}>
        {SECTIONS.map((section) => (
          <div key={section}>
            <Section
              section={section}
              sentences={draft[section]}
              proposed={proposal?.note[section] ?? []}
              onChange={(next) => change((d) => ({ ...d, [section]: next }))}
              onAccept={(p) => accept(section, p)}
              onDismiss={(p) => without(section, p)}
              onPlay={play}
            />
            {section === "objective" && <Vitals visit={view.visit} patient={view.banner.id} day={view.day} vitals={view.vitals} disabled={false} />}
            {section === "assessment" && <Diagnoses visit={view.visit} diagnoses={view.diagnoses} disabled={false} />}
          </div>
        ))}
      </div>
      <div className={styles.said}>
        <Turns view={view} onPlay={play} />
        <Recordings patient={view.banner.id} visit={view.visit} away />
      </div>
      <footer className={styles.noteFoot}>
        <span className={styles.saved} data-saving={saving} role="status">
          {saving === "failed" ? <IconCloudOff size="1rem" aria-hidden /> : saving === "waiting" ? <IconPencil size="1rem" aria-hidden /> : <IconCircleCheck size="1rem" aria-hidden />}
          {saving === "failed" ? t("consult.note.notSaved") : saving === "waiting" ? t("consult.note.writing") : savedAt ? t("consult.note.savedAt", { at: showTime(savedAt) }) : t("consult.note.draft")}
        </span>
      </footer>
    </section>
  );
}

const EMPTY: DraftProposal["note"] = { subjective: [], objective: [], assessment: [], plan: [] };
const draftIsEmpty = (draft: ReturnType<typeof useNote>["draft"]) => SECTIONS.every((s) => draft[s].every((x) => !x.text.trim()));
