import { IconQuote } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Override } from "@/api";
import { showTime } from "@/lib/time";
import styles from "./OverrideNote.module.css";

/** The prescriber's reason, in her own words: it travels with the alert. */
export function OverrideNote({ override }: { override: Override }) {
  const { t } = useTranslation();
  return (
    <p className={styles.note} data-testid="override-reason">
      <IconQuote size="1rem" aria-hidden />
      <span>
        <strong>{t("consult.rx.overridden", { at: showTime(override.at) })}</strong> {override.reason}
      </span>
    </p>
  );
}
