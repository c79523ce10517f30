import { useTranslation } from "react-i18next";
import styles from "./Consent.module.css";
import { SaysBack } from "./SaysBack";
import { Signature } from "./Signature";
import type { Answers } from "./terms";

/** What she is about to sign, in words, and her finger's signature. */
export function SignPage({ name, answers, set, until, own }: { name: string; answers: Answers; set: (change: Partial<Answers>) => void; until: string; own: string }) {
  const { t } = useTranslation();
  const { categories, sensitive, mode } = answers;
  return (
    <section className={styles.sign}>
      <div>
        <h1 className={styles.title}>{t("consent.sign.title")}</h1>
        <SaysBack clinic={answers.clinicName} own={own} terms={{ categories, sensitive, mode, until }} />
      </div>
      <div className={styles.signBox}>
        <p className={styles.strong}>{t("consent.sign.stop")}</p>
        <Signature value={answers.signature} onChange={(signature) => set({ signature })} label={t("consent.sign.here", { name: answers.guardian || name })} />
        <p>{t("consent.sign.witness", { witness: answers.witness })}</p>
      </div>
    </section>
  );
}
