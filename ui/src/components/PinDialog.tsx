import { Button, Modal } from "@mantine/core";
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ApiError } from "@/api";
import { useReturnFocus } from "@/lib/focus";
import { useNow } from "@/lib/useNow";
import styles from "./Dialog.module.css";
import { ErrorNote } from "./ErrorNote";
import { PIN_LENGTH, PinPad } from "./PinPad";

interface Props {
  title: string;
  /** The verb on the button: nothing happens before it is pressed; Enter in the pad does nothing. */
  action: string;
  children?: ReactNode;
  error: ApiError | null;
  pending: boolean;
  onConfirm: (pin: string) => void;
  onClose: () => void;
}

/** A personal signature: her own PIN, and a button that says what it does. */
export function PinDialog({ title, action, children, error, pending, onConfirm, onClose }: Props) {
  const { t } = useTranslation();
  useReturnFocus();
  const [pin, setPin] = useState("");
  const [wrong, setWrong] = useState(0);
  const [until, setUntil] = useState(0);
  const now = useNow(500);
  const wait = Math.max(0, Math.ceil((until - now) / 1000));
  const refused = error?.code === "wrong_pin" || error?.code === "wait";

  useEffect(() => {
    if (!error) return;
    setPin("");
    if (error.code === "wrong_pin") setWrong((n) => n + 1);
    if (error.waitMs > 0) setUntil(Date.now() + error.waitMs);
  }, [error]);

  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ "aria-label": t("common.close") }} size={420}>
      <div className={styles.pin}>
        {children}
        <p role="status" className={styles.text} data-refused={refused}>
          {wait > 0 ? t("signin.wait", { count: wrong, s: wait }) : refused && pin === "" ? t("signin.wrong", { count: wrong }) : t("signin.enterPin")}
        </p>
        <PinPad label={t("common.pin.own")} value={pin} onChange={setPin} disabled={pending || wait > 0} refusals={wrong} />
        {error && !refused && <ErrorNote error={error} />}
        <div className={styles.actions}>
          <Button variant="default" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button disabled={pin.length < PIN_LENGTH || wait > 0} loading={pending} onClick={() => onConfirm(pin)}>
            {action}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
