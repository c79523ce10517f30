import { IconAlertOctagonFilled, IconAlertTriangleFilled, IconInfoCircle } from "@tabler/icons-react";
import i18next from "i18next";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Finding } from "@/api";
import { useArriving } from "@/api/useArriving";
import { currentLanguage } from "@/lib/i18n";
import styles from "./FindingNote.module.css";

const ICON = { serious: IconAlertOctagonFilled, caution: IconAlertTriangleFilled, note: IconInfoCircle };

/** The sentence of a finding. A substance comes as `x` and, in Malay, as `x_ms`. */
export function findingWords({ title_code, params, key }: Finding): string {
  const words: Record<string, string> = { ...params };
  if (currentLanguage() === "ms") for (const [name, value] of Object.entries(params)) if (name.endsWith("_ms")) words[name.slice(0, -3)] = value;
  const known = i18next.exists(`findings.${title_code}`) ? title_code : "unknown";
  return i18next.t(`findings.${known as "unknown"}`, { key, ...words });
}

/** What a check has to say, by its level; below it, whatever answers it. */
export function FindingNote({ finding, children }: { finding: Finding; children?: ReactNode }) {
  const { t } = useTranslation();
  const Icon = ICON[finding.level];
  const notHere = useArriving() !== null && finding.title_code === "allergies_not_asked";
  return (
    <div className={styles.note} data-level={finding.level} data-finding={finding.key}>
      <Icon size={finding.level === "note" ? "1.0625rem" : "1.25rem"} className={styles.icon} aria-hidden />
      <div className={styles.body}>
        <p className={styles.words}>
          <span className="sr">{`${t(`findings.level.${finding.level}`)}: `}</span>
          {notHere ? t("findings.allergies_not_here") : findingWords(finding)}
        </p>
        {finding.source && finding.level !== "note" && <p className={styles.source}>{t("findings.source", { source: finding.source, edition: finding.edition })}</p>}
        {children}
      </div>
    </div>
  );
}
