import { Button, Modal } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ApiError } from "@/api";
import dialog from "@/components/Dialog.module.css";
import { KitWords } from "@/components/KitWords";
import { PinDialog } from "@/components/PinDialog";
import { useReturnFocus } from "@/lib/focus";

interface Props {
  title: string;
  /** The verb on the last button. */
  action: string;
  /** What will happen. */
  children: ReactNode;
  /** Fields of its own, below what will happen. */
  fields?: ReactNode;
  /** These are filled in. */
  ready?: boolean;
  /** Only the recovery kit signs this here. */
  kitNeeded: boolean;
  /** The words, when they are asked for beside that. */
  kitWanted?: boolean;
  error: ApiError | null;
  pending: boolean;
  onConfirm: (pin: string, kit: string | null) => void;
  onClose: () => void;
}

/** What changes who belongs: first what will happen, with all that has to be typed; then the PIN. */
export function Signed({ title, action, children, fields, ready = true, kitNeeded, kitWanted = false, error, pending, onConfirm, onClose }: Props) {
  const { t } = useTranslation();
  useReturnFocus();
  const withKit = kitNeeded || kitWanted;
  const typing = withKit || fields !== undefined;
  const [step, setStep] = useState<"say" | "pin">(typing ? "say" : "pin");
  const [kit, setKit] = useState<string | null>(null);
  if (step === "pin")
    return (
      <PinDialog title={title} action={action} error={error} pending={pending} onConfirm={(pin) => onConfirm(pin, withKit ? kit : null)} onClose={() => (typing ? setStep("say") : onClose())}>
        {!typing && <div className={dialog.form}>{children}</div>}
      </PinDialog>
    );
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ "aria-label": t("common.close") }} size={640}>
      <form
        className={dialog.form}
        onSubmit={(e) => {
          e.preventDefault();
          if (ready && !(withKit && kit === null)) setStep("pin");
        }}
      >
        {children}
        {fields}
        {kitNeeded && <p className={dialog.text}>{t("admin.devices.kitNeeded")}</p>}
        {withKit && <KitWords given={kit} onChange={setKit} />}
        <div className={dialog.actions}>
          <Button variant="default" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" disabled={!ready || (withKit && kit === null)}>
            {t("common.next")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
