import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { IconArrowRight, IconSignature } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type VisitView } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { Badge } from "@/components/Badge";
import { FailedPage } from "@/components/FailedPage";
import { PatientHead } from "@/components/PatientHead";
import { PinDialog } from "@/components/PinDialog";
import { showDay } from "@/lib/time";
import styles from "./Consult.module.css";
import { NoteColumn } from "./NoteColumn";
import { PatientColumn } from "./PatientColumn";
import { Prescription } from "./Prescription";
import { SignedNote } from "./SignedNote";
import { useNote } from "./useNote";

/** The doctor's side of one visit: patient, note and prescription at once. */
export function Consult() {
  const { t } = useTranslation();
  const { visit } = useParams({ strict: false }) as { visit: string };
  const { data: view, error } = useQuery(queries.visit(visit));
  const begin = useWrite((entry: string) => api.setQueueState(entry, "in_consult"), ["queue"]);
  const today = useQuery(queries.today());
  const row = today.data?.rows.find((r) => r.visit === visit);
  const begun = useRef<string | null>(null);
  useEffect(() => {
    // Opening the consult is what brings the patient in.
    if (!row || begun.current === row.entry || (row.state !== "waiting" && row.state !== "called")) return;
    begun.current = row.entry;
    begin.mutate(row.entry);
  }, [row, begin]);

  const note = view?.note.state;
  const before = useRef(note);
  const signedNote = useRef<HTMLElement>(null);
  useEffect(() => {
    // What had the focus, the dialog, is gone: the note as it was signed is read out.
    if (before.current === "draft" && note === "signed") signedNote.current?.focus();
    before.current = note;
  }, [note]);

  if (error) return <FailedPage title={t("consult.list.title")} error={error} />;
  if (!view) return null;
  const aside = (
    <>
      <Badge tone="accent">{t("consult.token", { token: view.token })}</Badge>
      <span>{showDay(view.day)}</span>
    </>
  );
  return (
    <div className={styles.consult} data-screen="consult">
      <PatientHead banner={view.banner} canAsk aside={aside} />
      {view.note.state === "signed" ? (
        <div className={styles.columns}>
          <PatientColumn view={view} signed />
          <SignedNote ref={signedNote} view={view} note={view.note} />
          <Prescription view={view} signed footer={<AfterSigning />} />
        </div>
      ) : (
        <Writing key={view.visit} view={view} />
      )}
    </div>
  );
}

function Writing({ view }: { view: VisitView }) {
  const { t } = useTranslation();
  const note = useNote(view);
  const [signing, setSigning] = useState(false);
  const sign = useWrite(
    async (pin: string) => {
      await note.flush();
      await api.signNote(view.visit, pin);
    },
    [`visit:${view.visit}`, "queue"],
  );
  const open = view.lines.filter((l) => l.open.length > 0).length;
  const recording = view.recordings.at(-1)?.state === "recording";
  const why = open > 0 ? t("consult.sign.openAlerts", { count: open }) : recording ? t("consult.sign.recording") : note.empty ? t("consult.sign.empty") : null;
  return (
    <div className={styles.columns}>
      <PatientColumn view={view} signed={false} />
      <NoteColumn view={view} note={note} />
      <Prescription
        view={view}
        signed={false}
        footer={
          <>
            {why && (
              <p className={styles.why} id="why-not-sign">
                {why}
              </p>
            )}
            <Button
              leftSection={<IconSignature size="1.1875rem" aria-hidden />}
              disabled={why !== null}
              aria-describedby={why ? "why-not-sign" : undefined}
              onClick={() => {
                sign.reset();
                setSigning(true);
              }}
            >
              {t("consult.sign.button")}
            </Button>
          </>
        }
      />
      {signing && (
        <PinDialog title={t("consult.sign.title")} action={t("consult.sign.button")} error={sign.error} pending={sign.isPending} onClose={() => setSigning(false)} onConfirm={(pin) => sign.mutate(pin)}>
          <p className={styles.signWords}>{t("consult.sign.what", { name: view.banner.name, count: view.lines.length })}</p>
          {note.unseen > 0 && <p className={styles.unseen}>{t("consult.sign.unseen", { count: note.unseen })}</p>}
        </PinDialog>
      )}
    </div>
  );
}

function AfterSigning() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  return (
    <Button variant="light" rightSection={<IconArrowRight size="1.125rem" aria-hidden />} onClick={() => void navigate({ to: "/consult" })}>
      {t("consult.signed.next")}
    </Button>
  );
}
