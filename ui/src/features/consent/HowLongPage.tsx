import { IconDeviceFloppy, IconEye } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { AccessMode } from "@/api";
import { MONTHS } from "@/lib/agreement";
import { showDay } from "@/lib/time";
import styles from "./Consent.module.css";
import type { Answers } from "./terms";

const MODES: { mode: AccessMode; icon: typeof IconEye }[] = [
  { mode: "view", icon: IconEye },
  { mode: "keep", icon: IconDeviceFloppy },
];

/** How long, and whether the other clinic may keep a copy. */
export function HowLongPage({ clinic, answers, set, untilAfter }: { clinic: string; answers: Answers; set: (change: Partial<Answers>) => void; untilAfter: (months: number) => string }) {
  const { t } = useTranslation();
  return (
    <section>
      <h1 className={styles.title}>{t("consent.howLong.title")}</h1>
      <div className={styles.choices} role="radiogroup" aria-label={t("consent.howLong.title")}>
        {MONTHS.map((months) => (
          <button key={months} type="button" role="radio" aria-checked={answers.months === months} className={styles.choice} onClick={() => set({ months })}>
            <strong>{t("consent.howLong.months", { count: months })}</strong>
            <span>{t("consent.howLong.until", { day: showDay(untilAfter(months)) })}</span>
          </button>
        ))}
      </div>
      <h2 className={styles.second}>{t("consent.mode.title", { clinic })}</h2>
      <div className={styles.cards} role="radiogroup" aria-label={t("consent.mode.title", { clinic })}>
        {MODES.map(({ mode, icon: Icon }) => (
          <button key={mode} type="button" role="radio" aria-checked={answers.mode === mode} className={styles.card} onClick={() => set({ mode })}>
            <span className={styles.cardIcon}>
              <Icon size="2.5rem" stroke={1.5} aria-hidden />
            </span>
            <span className={styles.cardWords}>
              <strong>{t(`consent.mode.${mode}`)}</strong>
              <span>{t(`consent.mode.${mode}Help`)}</span>
            </span>
          </button>
        ))}
      </div>
    </section>
  );
}
