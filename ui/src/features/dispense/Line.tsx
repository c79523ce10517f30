import { Textarea } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { DispenseLine } from "@/api";
import { FindingNote } from "@/components/FindingNote";
import { lengthWords } from "@/components/lineWords";
import { OverrideNote } from "@/components/OverrideNote";
import page from "@/components/Page.module.css";
import { showMoment } from "@/lib/time";
import styles from "./Dispense.module.css";
import { JobState } from "./Spool";

interface Props {
  line: DispenseLine;
  chosen: boolean;
  included: boolean;
  onChoose: () => void;
  onInclude: (yes: boolean) => void;
  /** Reasons that are being given here, by finding. */
  reasons: Record<string, string>;
  onReason: (key: string, reason: string) => void;
}

/** One medicine with its checks. A serious alert that came up after the signature wants a reason beside it. */
export function Line({ line: { checked, directions, serial, job, handed_over }, chosen, included, onChoose, onInclude, reasons, onReason }: Props) {
  const { t } = useTranslation();
  const { line, findings, open } = checked;
  const known = new Set(findings.map((f) => f.key));
  const others = line.overrides.filter((o) => !known.has(o.finding_key));
  return (
    <article className={styles.line} data-chosen={chosen} data-line={line.drug_key}>
      <div className={styles.lineTop}>
        {!handed_over && (
          <label className={styles.include}>
            <input type="checkbox" checked={included} onChange={(e) => onInclude(e.currentTarget.checked)} aria-label={t("dispense.include", { name: line.drug_name })} />
          </label>
        )}
        <button type="button" className={styles.lineMain} aria-pressed={chosen} onClick={onChoose} aria-label={t("dispense.showLabel", { name: line.drug_name })}>
          <strong>{line.drug_name}</strong>
          <span>{directions.join(". ")}</span>
          {handed_over && <span className={styles.handed}>{t("dispense.doneBy", { name: handed_over.by, at: showMoment(handed_over.at) })}</span>}
          <span className={page.muted}>{[lengthWords(line), line.indication, serial ? t("dispense.serial", { serial }) : ""].filter(Boolean).join(" · ")}</span>
        </button>
        {job && <JobState job={job} />}
      </div>
      {findings.map((f) => {
        const override = line.overrides.find((o) => o.finding_key === f.key);
        return (
          <FindingNote key={f.key} finding={f}>
            {override && <OverrideNote override={override} />}
            {!handed_over && included && open.includes(f.key) && (
              <Textarea
                label={t("dispense.reason")}
                description={t("dispense.reasonHelp")}
                autosize
                minRows={1}
                value={reasons[f.key] ?? ""}
                onChange={(e) => onReason(f.key, e.currentTarget.value)}
              />
            )}
          </FindingNote>
        );
      })}
      {others.map((o) => (
        <OverrideNote key={o.finding_key} override={o} />
      ))}
      {findings.length === 0 && others.length === 0 && (
        <p className={styles.clear}>
          <IconCheck size="1rem" aria-hidden />
          {t("dispense.noFindings")}
        </p>
      )}
    </article>
  );
}
