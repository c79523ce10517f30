import { IconCopy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import page from "@/components/Page.module.css";
import type { May } from "@/lib/may";
import { BeginAnew } from "./BeginAnew";
import styles from "./Sync.module.css";

/** What it means that this device's store is a copy, and the way out. */
export function Copy({ may }: { may: May }) {
  const { t } = useTranslation();
  return (
    <section className={`${page.card} ${styles.box} ${styles.removed}`} aria-labelledby="sync-copy" data-testid="device-copy">
      <h2 className={page.h2} id="sync-copy">
        <IconCopy size="1.25rem" aria-hidden /> {t("sync.copy.title")}
      </h2>
      <p>{t("sync.copy.why")}</p>
      <ul className={styles.points}>
        <li>{t("sync.copy.reads")}</li>
        <li>{t("sync.copy.numbers")}</li>
        <li>{t("sync.copy.way")}</li>
      </ul>
      <BeginAnew may={may} />
    </section>
  );
}
