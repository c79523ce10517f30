import { Button, Modal, Radio } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type EraseRecording, type PatientId, type SoundReason, type SoundView } from "@/api";
import { useWrite } from "@/api/useWrite";
import dialog from "@/components/Dialog.module.css";
import { notify } from "@/components/notify";
import { PinDialog } from "@/components/PinDialog";
import { useReturnFocus } from "@/lib/focus";
import { clock, showMoment } from "@/lib/time";

const REASONS: SoundReason[] = ["patients_right", "not_kept"];

/** One recording for ever: what goes with it, what stays, why; and then the PIN. */
export function EraseSound({ one, patient, onClose }: { one: SoundView; patient: PatientId; onClose: () => void }) {
  const { t } = useTranslation();
  useReturnFocus();
  const [reason, setReason] = useState<SoundReason | null>(null);
  const [step, setStep] = useState<"say" | "pin">("say");
  const erase = useWrite((input: EraseRecording) => api.eraseRecording(input), ["recordings", `visit:${one.visit}`, `patient:${patient}`, "sharing"]);
  const title = t("sound.erasing.title", { at: showMoment(one.started_at) });
  const onSuccess = () => {
    notify(t("sound.erasing.done"));
    onClose();
  };
  if (step === "pin" && reason)
    return <PinDialog title={title} action={t("sound.erasing.do")} error={erase.error} pending={erase.isPending} onClose={() => setStep("say")} onConfirm={(pin) => erase.mutate({ recording: one.recording, reason, pin }, { onSuccess })} />;
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ "aria-label": t("common.close") }} size={560}>
      <div className={dialog.form}>
        <dl className={dialog.facts} data-testid="erasing-sound">
          <dt>{t("sound.erasing.goes")}</dt>
          <dd>{[t("sound.erasing.sound", { length: clock(one.length_ms) }), one.turns > 0 && t("sound.erasing.turns", { count: one.turns })].filter(Boolean).join(", ")}</dd>
          <dt>{t("sound.erasing.stays")}</dt>
          <dd>{t("sound.erasing.note")}</dd>
          <dt>{t("sound.erasing.others")}</dt>
          <dd>{t("sound.erasing.othersWhat")}</dd>
        </dl>
        <Radio.Group label={t("sound.erasing.why")} value={reason} onChange={(v) => setReason(v as SoundReason)}>
          <div className={dialog.reasons}>
            {REASONS.map((value) => (
              <Radio key={value} value={value} label={t(`sound.erasing.reason.${value}`)} />
            ))}
          </div>
        </Radio.Group>
        <p className={dialog.warning}>
          <IconAlertTriangle size="1.25rem" aria-hidden />
          <span>{t("sound.erasing.forever")}</span>
        </p>
        <div className={dialog.actions}>
          <Button variant="default" onClick={onClose} data-autofocus>
            {t("common.cancel")}
          </Button>
          <Button color="red" disabled={!reason} onClick={() => setStep("pin")}>
            {t("common.next")}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
