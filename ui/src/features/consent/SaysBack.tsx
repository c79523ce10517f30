import { IconCheck, IconX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { ShareTerms } from "@/api";
import { CATEGORIES } from "@/components/CategoryList";
import { showDay } from "@/lib/time";
import styles from "./Consent.module.css";

type Said = Pick<ShareTerms, "categories" | "sensitive" | "mode" | "until">;

/** Says in words exactly what is agreed: what is given, and what is not. */
export function SaysBack({ clinic, own, terms }: { clinic: string; own: string; terms: Said }) {
  const { t } = useTranslation();
  const not = CATEGORIES.filter((c) => !terms.categories.includes(c));
  return (
    <ul className={styles.says} data-testid="says-back">
      <li>
        <IconCheck size="1.75rem" aria-hidden />
        <span>{t("consent.says.who", { clinic, own })}</span>
      </li>
      {CATEGORIES.filter((c) => terms.categories.includes(c)).map((c) => (
        <li key={c}>
          <IconCheck size="1.75rem" aria-hidden />
          <span>{t("consent.says.may", { clinic, what: t(`network.category.${c}`) })}</span>
        </li>
      ))}
      {not.map((c) => (
        <li key={c} data-not>
          <IconX size="1.75rem" aria-hidden />
          <span>{t("consent.says.mayNot", { clinic, what: t(`network.category.${c}`) })}</span>
        </li>
      ))}
      <li data-not={terms.sensitive.length === 0 || undefined}>
        {terms.sensitive.length === 0 ? <IconX size="1.75rem" aria-hidden /> : <IconCheck size="1.75rem" aria-hidden />}
        <span>
          {terms.sensitive.length === 0
            ? t("consent.says.noPrivate")
            : t("consent.says.private", { what: terms.sensitive.map((s) => t(`consult.sensitivity.${s}`)).join(", ") })}
        </span>
      </li>
      <li>
        <IconCheck size="1.75rem" aria-hidden />
        <span>{t(`consent.says.${terms.mode}`, { clinic })}</span>
      </li>
      <li>
        <IconCheck size="1.75rem" aria-hidden />
        <span>{t("consent.says.until", { day: showDay(terms.until) })}</span>
      </li>
      <li data-not>
        <IconX size="1.75rem" aria-hidden />
        <span>{t("consent.says.noOnward", { clinic })}</span>
      </li>
    </ul>
  );
}
