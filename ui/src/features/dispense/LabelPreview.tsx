import { useQuery } from "@tanstack/react-query";
import { IconPrinter } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { queries } from "@/api/queries";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import styles from "./Dispense.module.css";

/** The same raster that the printer gets, and the printer's state under it. */
export function LabelPreview({ visit, line, name }: { visit: string; line: string | undefined; name: string }) {
  const { t } = useTranslation();
  const preview = useQuery({ ...queries.labelPreview(visit, line ?? ""), enabled: line !== undefined });
  const { data: status } = useQuery(queries.status());
  const printer = status?.printer;
  const state = !printer?.address ? "notSet" : printer.unknown > 0 ? "asks" : printer.problem ? "problem" : printer.waiting > 0 ? "busy" : "ready";
  return (
    <div className={styles.preview}>
      <h2 className={page.h2}>{t("dispense.label.title")}</h2>
      <div className={styles.paper}>
        {preview.data && <img src={`data:image/png;base64,${preview.data}`} alt={t("dispense.label.alt", { name })} />}
        <ErrorNote error={preview.error} />
      </div>
      <p className={styles.printer} data-state={state}>
        <IconPrinter size="1.125rem" aria-hidden />
        {t(`shell.printer.state.${state}`, { n: printer?.waiting ?? 0 })}
      </p>
    </div>
  );
}
