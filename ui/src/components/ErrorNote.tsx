import { CopyButton, UnstyledButton } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import i18next from "i18next";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api";
import styles from "./ErrorNote.module.css";

/** The words for an error: what happened, and what to do. */
export function errorWords(error: unknown): { title: string; help: string } {
  const { code, detail } = ApiError.from(error);
  const exact = `${code}_${detail["why"] ?? ""}`;
  const known = [exact, code, "internal"].find((name) => i18next.exists(`errors.${name}.title`)) as "internal";
  const field = detail["field"] ?? "";
  const what = i18next.exists(`errors.field.${field}`) ? i18next.t(`errors.field.${field as "name"}`) : field;
  const words = { ...detail, field: what };
  return { title: i18next.t(`errors.${known}.title`, words), help: i18next.t(`errors.${known}.help`, words) };
}

/** An error in words; its code folds out and can be copied for support. */
export function ErrorNote({ error, compact = false }: { error: unknown; compact?: boolean }) {
  const { t } = useTranslation();
  if (!error) return null;
  const { code, detail } = ApiError.from(error);
  const { title, help } = errorWords(error);
  const support = [code, ...Object.entries(detail).map(([key, value]) => `${key}=${value}`)].join(" ");
  return (
    <div className={styles.note} role="alert" data-compact={compact} data-error-code={code}>
      <IconAlertTriangle size="1.25rem" aria-hidden className={styles.icon} />
      <div>
        <p className={styles.title}>{title}</p>
        <p className={styles.help}>{help}</p>
        <details className={styles.details}>
          <summary>{t("common.error.details")}</summary>
          <code>{support}</code>
          <CopyButton value={support}>
            {({ copied, copy }) => (
              <UnstyledButton className={styles.copy} onClick={copy}>
                {copied ? t("common.copied") : t("common.copy")}
              </UnstyledButton>
            )}
          </CopyButton>
        </details>
      </div>
    </div>
  );
}
