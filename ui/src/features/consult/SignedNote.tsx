import { Button, Textarea } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { IconAlertTriangle, IconLock, IconShieldCheck } from "@tabler/icons-react";
import { type Ref, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type NoteState, type VisitView } from "@/api";
import { useWrite } from "@/api/useWrite";
import { Badge } from "@/components/Badge";
import { ErrorNote } from "@/components/ErrorNote";
import { PinDialog } from "@/components/PinDialog";
import { Recordings } from "@/components/recordings/Recordings";
import { usePlay } from "@/components/recordings/usePlay";
import { showMoment } from "@/lib/time";
import styles from "./Consult.module.css";
import { Diagnoses } from "./Diagnoses";
import { PlayChip } from "./Section";
import { Turns } from "./Turns";
import { SECTIONS } from "./useNote";
import { vitalsWords } from "./Vitals";

/** A signed note: nothing edits it; what comes later is an addendum, signed too. */
export function SignedNote({ view, note, ref }: { view: VisitView; note: Extract<NoteState, { state: "signed" }>; ref: Ref<HTMLElement> }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { play, error: playError } = usePlay();
  const [text, setText] = useState("");
  const [signing, setSigning] = useState(false);
  const add = useWrite(({ pin, words }: { pin: string; words: string }) => api.addAddendum(view.visit, words, pin), [`visit:${view.visit}`]);
  const vitals = vitalsWords(view.vitals, t);
  return (
    <section className={styles.note} aria-label={t("consult.note.title")} data-testid="signed-note" ref={ref} tabIndex={-1}>
      <div className={styles.signed}>
        <IconLock size="1.1875rem" aria-hidden />
        <span>
          <strong>{t("consult.signed.by", { name: note.signed_by })}</strong>
          {", "}
          {showMoment(note.signed_at)}
        </span>
        {note.verified ? (
          <Badge tone="green" icon={<IconShieldCheck size="0.9375rem" aria-hidden />}>
            {t("consult.signed.verified")}
          </Badge>
        ) : (
          <Badge tone="amber" icon={<IconAlertTriangle size="0.9375rem" aria-hidden />}>
            {t("consult.signed.unverified")}
          </Badge>
        )}
      </div>
      {(note.twice || note.late_edit) && (
        <div className={styles.undecided} role="alert" data-testid="note-undecided">
          <IconAlertTriangle size="1.25rem" aria-hidden />
          <p>{note.twice ? t("consult.signed.twice") : t("consult.signed.late")}</p>
          <Button variant="default" onClick={() => void navigate({ to: "/conflicts", search: { patient: view.banner.id } })}>
            {t("consult.signed.decide")}
          </Button>
        </div>
      )}
      <ErrorNote error={playError} />
      <div className={styles.noteBody}>
        {SECTIONS.map((section) => (
          <section key={section} className={styles.section} aria-labelledby={`signed-${section}`}>
            <h3 className={styles.letter} id={`signed-${section}`}>
              <span aria-hidden>{t(`consult.section.${section}.letter`)}</span>
              <span className={styles.sectionName}>{t(`consult.section.${section}.name`)}</span>
            </h3>
            <div className={styles.sentences}>
              {note.note[section].map((s) => (
                <p key={s.text} className={styles.readOnly}>
                  {s.text} <PlayChip heard={s.source} onPlay={play} />
                </p>
              ))}
              {section === "objective" && vitals && <p className={styles.readOnly}>{vitals}</p>}
              {section === "assessment" && <Diagnoses visit={view.visit} diagnoses={view.diagnoses} disabled />}
            </div>
          </section>
        ))}
        {note.addenda.map((a) => (
          <div key={a.at} className={styles.addendum}>
            <p className={styles.small}>{t("consult.addendum.by", { name: a.by, at: showMoment(a.at) })}</p>
            <p>{a.text}</p>
          </div>
        ))}
        <div className={styles.addendumForm}>
          <Textarea label={t("consult.addendum.label")} description={t("consult.addendum.help")} autosize minRows={1} value={text} onChange={(e) => setText(e.currentTarget.value)} />
          <Button variant="default" disabled={!text.trim()} onClick={() => setSigning(true)}>
            {t("consult.addendum.sign")}
          </Button>
        </div>
        <Turns view={view} onPlay={play} />
        <Recordings patient={view.banner.id} visit={view.visit} />
      </div>
      {signing && (
        <PinDialog
          title={t("consult.addendum.sign")}
          action={t("consult.addendum.sign")}
          error={add.error}
          pending={add.isPending}
          onClose={() => setSigning(false)}
          onConfirm={(pin) =>
            add.mutate(
              { pin, words: text.trim() },
              {
                onSuccess: () => {
                  setText("");
                  setSigning(false);
                },
              },
            )
          }
        />
      )}
    </section>
  );
}
