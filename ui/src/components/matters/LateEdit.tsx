import { Button, Modal, Textarea, TextInput } from "@mantine/core";
import { IconPencilPlus } from "@tabler/icons-react";
import type { TFunction } from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type LateEditView, type MatterView } from "@/api";
import { useWrite } from "@/api/useWrite";
import dialog from "@/components/Dialog.module.css";
import { ErrorNote } from "@/components/ErrorNote";
import { notify } from "@/components/notify";
import { PinDialog } from "@/components/PinDialog";
import { useReturnFocus } from "@/lib/focus";
import styles from "./Matter.module.css";
import { tagsOf } from "./words";

/** What was written apart, as the words that a doctor looks over before they become hers. */
function asAddendum(edit: LateEditView, t: TFunction): string {
  const medicine = ({ name, directions, taken_off }: LateEditView["medicines"][number]) =>
    taken_off ? t("conflicts.late.medicineOff", { text: name }) : t("conflicts.late.medicine", { text: `${name}, ${directions}` });
  return [...edit.added, ...edit.diagnoses.map((text) => t("conflicts.late.diagnosis", { text })), ...edit.medicines.map(medicine)].join("\n");
}

/** A draft that was edited apart from its signature: it becomes an addendum, or is left out. */
export function LateEdit({ matter, edit }: { matter: MatterView; edit: LateEditView }) {
  const { t } = useTranslation();
  const visit = matter.visit ?? "";
  const [text, setText] = useState(() => asAddendum(edit, t));
  const [asking, setAsking] = useState<"take" | "leave" | null>(null);
  const done = () => {
    setAsking(null);
    notify(t("conflicts.decided"));
  };
  const take = useWrite((pin: string) => api.takeLateEdit({ visit, text: text.trim(), pin }), tagsOf(matter));
  return (
    <>
      <h3 className={styles.title}>
        <IconPencilPlus size="1.25rem" aria-hidden />
        {t("conflicts.late.title")}
      </h3>
      <p className={styles.help}>{t("conflicts.late.help")}</p>
      <dl className={styles.changes}>
        <Words what={t("conflicts.late.added")} words={edit.added} />
        <Words what={t("conflicts.late.leftOut")} words={edit.left_out} />
        <Words what={t("conflicts.late.diagnoses")} words={edit.diagnoses} />
        <Words what={t("conflicts.late.medicines")} words={edit.medicines.map(({ name, directions, taken_off }) => (taken_off ? `${name} (${t("conflicts.late.takenOff")})` : `${name}, ${directions}`))} />
        {edit.vitals && <Words what={t("conflicts.late.vitals")} words={[measured(edit.vitals, t)]} />}
      </dl>
      {edit.medicines.length > 0 && <p className={styles.help}>{t("conflicts.late.medicinesHelp")}</p>}
      {matter.may_decide && (
        <>
          <Textarea label={t("conflicts.late.text")} description={t("conflicts.late.textHelp")} autosize minRows={2} value={text} onChange={(e) => setText(e.currentTarget.value)} />
          <div className={styles.actions}>
            <Button variant="default" onClick={() => setAsking("leave")}>
              {t("conflicts.late.leave")}
            </Button>
            <Button disabled={!text.trim()} onClick={() => setAsking("take")}>
              {t("conflicts.late.take")}
            </Button>
          </div>
        </>
      )}
      {asking === "take" && (
        <PinDialog title={t("conflicts.late.take")} action={t("conflicts.late.take")} error={take.error} pending={take.isPending} onClose={() => setAsking(null)} onConfirm={(pin) => take.mutate(pin, { onSuccess: done })} />
      )}
      {asking === "leave" && <Leave matter={matter} onClose={() => setAsking(null)} onDone={done} />}
    </>
  );
}

function measured(vitals: NonNullable<LateEditView["vitals"]>, t: TFunction): string {
  const { temperature, systolic, diastolic, weight } = vitals;
  const parts = [
    temperature !== null ? t("conflicts.value.temperature", { value: temperature }) : "",
    systolic !== null ? t("conflicts.value.systolic", { value: `${systolic}/${diastolic ?? "–"}` }) : "",
    weight !== null ? t("conflicts.value.weight", { value: weight }) : "",
  ].filter(Boolean);
  return parts.join(" · ") || t("conflicts.disputed.empty");
}

function Words({ what, words }: { what: string; words: string[] }) {
  if (words.length === 0) return null;
  return (
    <div>
      <dt>{what}</dt>
      {words.map((text) => (
        <dd key={text}>{text}</dd>
      ))}
    </div>
  );
}

function Leave({ matter, onClose, onDone }: { matter: MatterView; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  useReturnFocus();
  const [reason, setReason] = useState("");
  const leave = useWrite(() => api.leaveLateEdit(matter.visit ?? "", reason.trim()), tagsOf(matter));
  return (
    <Modal opened onClose={onClose} title={t("conflicts.late.leaveTitle")} closeButtonProps={{ "aria-label": t("common.close") }} size={520}>
      <div className={dialog.form}>
        <p className={dialog.text}>{t("conflicts.late.leaveWhat")}</p>
        <TextInput label={t("conflicts.reason")} value={reason} onChange={(e) => setReason(e.currentTarget.value)} />
        <ErrorNote error={leave.error} />
        <div className={dialog.actions}>
          <Button variant="default" onClick={onClose} data-autofocus>
            {t("common.cancel")}
          </Button>
          <Button loading={leave.isPending} onClick={() => leave.mutate(undefined, { onSuccess: onDone })}>
            {t("conflicts.late.leave")}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
