import { Button, Modal, Textarea } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type MatterView } from "@/api";
import { useWrite } from "@/api/useWrite";
import dialog from "@/components/Dialog.module.css";
import { notify } from "@/components/notify";
import { PinDialog } from "@/components/PinDialog";
import { useReturnFocus } from "@/lib/focus";
import { tagsOf } from "./words";

interface Props {
  matter: MatterView;
  way: "signed" | "dispensed";
  fact: string;
  onClose: () => void;
}

/** Takes one of two facts back: first why, then the PIN, since a reversal is signed as what it reverses was. */
export function Reverse({ matter, way, fact, onClose }: Props) {
  const { t } = useTranslation();
  useReturnFocus();
  const [reason, setReason] = useState("");
  const [step, setStep] = useState<"why" | "pin">("why");
  const send = way === "signed" ? api.reverseSignature : api.reverseDispensing;
  const reverse = useWrite((pin: string) => send({ visit: matter.visit ?? "", fact, reason: reason.trim(), pin }), tagsOf(matter));
  const title = t(`conflicts.${way}.reverse`);
  const onSuccess = () => {
    notify(t("conflicts.decided"));
    onClose();
  };
  if (step === "pin") return <PinDialog title={title} action={title} error={reverse.error} pending={reverse.isPending} onClose={() => setStep("why")} onConfirm={(pin) => reverse.mutate(pin, { onSuccess })} />;
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ "aria-label": t("common.close") }} size={520}>
      <div className={dialog.form}>
        <p className={dialog.text}>{t("conflicts.reverse.what")}</p>
        <Textarea label={t("conflicts.reverse.why")} description={t("conflicts.reverse.whyHelp")} autosize minRows={2} data-autofocus value={reason} onChange={(e) => setReason(e.currentTarget.value)} />
        <div className={dialog.actions}>
          <Button variant="default" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button disabled={!reason.trim()} onClick={() => setStep("pin")}>
            {t("common.next")}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
