import { PasswordInput } from "@mantine/core";
import { IconKey, IconLockPassword } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { KeyringState, Protection } from "@/api";
import styles from "./Setup.module.css";

const LEAST = 10;

/** How the store's key is kept: by the system's keyring, or, where there is none, under a passphrase. */
export function useProtection(keyring: KeyringState) {
  const { t } = useTranslation();
  const [kind, setKind] = useState<Protection["kind"]>(keyring === "ready" ? "keyring" : "passphrase");
  const [passphrase, setPassphrase] = useState("");
  const [again, setAgain] = useState("");
  const ready = kind === "keyring" || (passphrase.length >= LEAST && passphrase === again);
  const protection: Protection = kind === "keyring" ? { kind } : { kind, passphrase };
  const fields = (
    <fieldset className={styles.protection}>
      <legend>{t("setup.protection.title")}</legend>
      <div className={styles.kinds} role="radiogroup" aria-label={t("setup.protection.title")}>
        <button type="button" role="radio" aria-checked={kind === "keyring"} className={styles.kind} disabled={keyring !== "ready"} onClick={() => setKind("keyring")}>
          <IconKey size="1.375rem" aria-hidden />
          <span>
            <strong>{t("setup.protection.keyring")}</strong>
            <span>{t(`setup.protection.keyringState.${keyring}`)}</span>
          </span>
        </button>
        <button type="button" role="radio" aria-checked={kind === "passphrase"} className={styles.kind} onClick={() => setKind("passphrase")}>
          <IconLockPassword size="1.375rem" aria-hidden />
          <span>
            <strong>{t("setup.protection.passphrase")}</strong>
            <span>{t("setup.protection.passphraseHelp")}</span>
          </span>
        </button>
      </div>
      {kind === "passphrase" && (
        <div className={styles.two}>
          <PasswordInput
            label={t("setup.protection.passphraseLabel")}
            description={t("setup.protection.least", { n: LEAST })}
            autoComplete="new-password"
            value={passphrase}
            onChange={(e) => setPassphrase(e.currentTarget.value)}
          />
          <PasswordInput
            label={t("setup.protection.again")}
            description={t("setup.protection.forgotten")}
            autoComplete="new-password"
            value={again}
            error={again !== "" && again !== passphrase ? t("setup.protection.differ") : null}
            onChange={(e) => setAgain(e.currentTarget.value)}
          />
        </div>
      )}
    </fieldset>
  );
  return { fields, protection, ready };
}
