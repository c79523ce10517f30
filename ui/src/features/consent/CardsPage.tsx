import { useTranslation } from "react-i18next";
import { CATEGORIES, CATEGORY_ICON } from "@/components/CategoryList";
import { SENSITIVE } from "@/lib/agreement";
import styles from "./Consent.module.css";
import { ReadAloud } from "./ReadAloud";
import type { Answers } from "./terms";

/** Four cards with a picture, a switch, and one sentence of what it means. All are off until she switches them on. */
export function CardsPage({ clinic, answers, set }: { clinic: string; answers: Answers; set: (change: Partial<Answers>) => void }) {
  const { t } = useTranslation();
  const toggle = <T,>(list: T[], item: T) => (list.includes(item) ? list.filter((x) => x !== item) : [...list, item]);
  return (
    <section>
      <h1 className={styles.title}>{t("consent.cards.title", { clinic })}</h1>
      <div className={styles.cards}>
        {CATEGORIES.map((category) => {
          const Icon = CATEGORY_ICON[category];
          const on = answers.categories.includes(category);
          return (
            <button
              key={category}
              type="button"
              role="switch"
              aria-checked={on}
              className={styles.card}
              onClick={() => set({ categories: CATEGORIES.filter((c) => toggle(answers.categories, category).includes(c)) })}
            >
              <span className={styles.cardIcon}>
                <Icon size="2.5rem" stroke={1.5} aria-hidden />
              </span>
              <span className={styles.cardWords}>
                <strong>{t(`network.category.${category}`)}</strong>
                <span>{t(`consent.cards.${category}`)}</span>
              </span>
              <span className={styles.switch} aria-hidden>
                <span className={styles.knob} />
                <span className={styles.switchWord}>{on ? t("consent.cards.yes") : t("consent.cards.no")}</span>
              </span>
            </button>
          );
        })}
      </div>
      <details className={styles.private}>
        <summary>{t("consent.private.title")}</summary>
        <p>{t("consent.private.help")}</p>
        <div className={styles.choices}>
          {SENSITIVE.map((s) => (
            <button key={s} type="button" role="switch" aria-checked={answers.sensitive.includes(s)} className={styles.choice} onClick={() => set({ sensitive: toggle(answers.sensitive, s) })}>
              {t(`consult.sensitivity.${s}`)}
            </button>
          ))}
        </div>
      </details>
      {answers.categories.length === 0 && <p className={styles.need}>{t("consent.cards.none")}</p>}
      <ReadAloud text={[t("consent.cards.title", { clinic }), ...CATEGORIES.map((c) => `${t(`network.category.${c}`)}: ${t(`consent.cards.${c}`)}`)].join(" ")} />
    </section>
  );
}
