import { IconAlertOctagon, IconFileText, IconLock, IconMicrophone, IconPill } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Category } from "@/api";
import styles from "./CategoryList.module.css";

export const CATEGORIES: Category[] = ["encounters", "allergies", "prescriptions", "audio"];
export const CATEGORY_ICON = { encounters: IconFileText, allergies: IconAlertOctagon, prescriptions: IconPill, audio: IconMicrophone };

/** The four cards as words; what was withheld is shown as withheld, never left out. */
export function CategoryList({ given, withheld = [] }: { given: Category[]; withheld?: Category[] }) {
  const { t } = useTranslation();
  return (
    <ul className={styles.list}>
      {CATEGORIES.filter((c) => given.includes(c) || withheld.includes(c)).map((category) => {
        const held = !given.includes(category);
        const Icon = held ? IconLock : CATEGORY_ICON[category];
        return (
          <li key={category} data-held={held}>
            <Icon size="0.9375rem" aria-hidden />
            {held ? t("network.withheldCategory", { category: t(`network.category.${category}`) }) : t(`network.category.${category}`)}
          </li>
        );
      })}
    </ul>
  );
}
