import { Button, Modal, Radio } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconAlertTriangle, IconTrashX } from "@tabler/icons-react";
import type { TFunction } from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type ErasePatient, type EraseReason, type ErasureCount, type ErasurePreview } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import dialog from "@/components/Dialog.module.css";
import { ErrorNote } from "@/components/ErrorNote";
import { notify } from "@/components/notify";
import page from "@/components/Page.module.css";
import { PinDialog } from "@/components/PinDialog";
import { useReturnFocus } from "@/lib/focus";
import { showDay } from "@/lib/time";
import styles from "./Patients.module.css";

const REASONS: EraseReason[] = ["retention", "patients_right"];

/** At the end of a record's time, or at the patient's wish: what goes and what has to stay, and then the PIN. */
export function Erase({ patient, name }: { patient: string; name: string }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby="erasing">
      <div className={page.row}>
        <h2 className={page.h2} id="erasing">
          {t("patients.erase.title")}
        </h2>
        <Button variant="default" className={page.push} leftSection={<IconTrashX size="1.125rem" aria-hidden />} onClick={() => setAsking(true)}>
          {t("patients.erase.open")}
        </Button>
      </div>
      <p className={page.muted}>{t("patients.erase.help")}</p>
      {asking && <Asked patient={patient} name={name} onClose={() => setAsking(false)} />}
    </section>
  );
}

function Asked({ patient, name, onClose }: { patient: string; name: string; onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  useReturnFocus();
  const { data, error } = useQuery(queries.erasurePreview(patient));
  const [chosen, setChosen] = useState<EraseReason | null>(null);
  const [step, setStep] = useState<"say" | "pin">("say");
  const erase = useWrite((input: ErasePatient) => api.erasePatient(input), [`patient:${patient}`, "patients", "queue", "sharing"]);
  const reason = chosen ?? (data?.retention_is_over ? "retention" : "patients_right");
  const title = t("patients.erase.dialog", { name });
  const onSuccess = () => {
    notify(t("patients.erase.done"));
    onClose();
    if (data?.retention_is_over) void navigate({ to: "/patients" });
  };
  if (step === "pin") return <PinDialog title={title} action={t("patients.erase.do")} error={erase.error} pending={erase.isPending} onClose={() => setStep("say")} onConfirm={(pin) => erase.mutate({ patient, reason, pin }, { onSuccess })} />;
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ "aria-label": t("common.close") }} size={560}>
      <div className={dialog.form}>
        <ErrorNote error={error} />
        {data && <Preview preview={data} />}
        <Radio.Group label={t("patients.erase.why")} value={reason} onChange={(v) => setChosen(v as EraseReason)}>
          <div className={dialog.reasons}>
            {REASONS.map((value) => (
              <Radio key={value} value={value} label={t(`patients.erase.reason.${value}`)} disabled={value === "retention" && data?.retention_is_over === false} />
            ))}
          </div>
        </Radio.Group>
        <p className={dialog.warning}>
          <IconAlertTriangle size="1.25rem" aria-hidden />
          <span>{t("patients.erase.forever")}</span>
        </p>
        <div className={dialog.actions}>
          <Button variant="default" onClick={onClose} data-autofocus>
            {t("common.cancel")}
          </Button>
          <Button color="red" disabled={!data || isNothing(data.goes)} onClick={() => setStep("pin")}>
            {t("common.next")}
          </Button>
        </div>
      </div>
    </Modal>
  );
}

const isNothing = ({ documents, facts }: ErasureCount) => documents === 0 && facts === 0;

/** `3 visits, 1 recording, 4 signed entries, 6 documents in all`. */
function countWords({ documents, visits, recordings, facts }: ErasureCount, t: TFunction): string {
  const parts = [
    visits > 0 && t("patients.erase.visits", { count: visits }),
    recordings > 0 && t("patients.erase.recordings", { count: recordings }),
    facts > 0 && t("patients.erase.facts", { count: facts }),
    documents > 0 && t("patients.erase.documents", { count: documents }),
  ];
  return parts.filter(Boolean).join(", ") || t("patients.erase.nothing");
}

function Preview({ preview }: { preview: ErasurePreview }) {
  const { t } = useTranslation();
  return (
    <dl className={dialog.facts} data-testid="erasure-preview">
      <dt>{t("patients.erase.goes")}</dt>
      <dd>{countWords(preview.goes, t)}</dd>
      {!isNothing(preview.stays) && (
        <>
          <dt>{t("patients.erase.stays", { day: showDay(preview.kept_until) })}</dt>
          <dd>{countWords(preview.stays, t)}</dd>
        </>
      )}
      {preview.consents_to_end > 0 && <dd>{t("patients.erase.consents", { count: preview.consents_to_end })}</dd>}
      {preview.queue_lines > 0 && <dd>{t("patients.erase.queue", { count: preview.queue_lines })}</dd>}
    </dl>
  );
}
